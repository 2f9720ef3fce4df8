"""A merge in memory is the merge a person would get, and leaves no trace but objects."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.adapters.git.scene import MAIN, Scene, arm, fired
from unjam.adapters.git.moving.merge import Conflict, Identity, Markers, Merged, Nothing, merge_onto
from unjam.domain.world.identity import CommitId

WHEN = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
LANDER = Identity("unjam", "unjam@example.com")


def land(scene: Scene, tip: CommitId) -> Merged | Conflict | Markers | Nothing:
    return merge_onto(scene.common, (scene.at(MAIN), tip), "merge ws/1\n", LANDER, WHEN)


def test_it_is_the_merge_a_person_would_get_and_nothing_of_the_repository_moves(
    scene: Scene,
) -> None:
    tip = scene.ahead({"a.txt": "theirs\n", "d.txt": "new\n"})
    base = scene.commit({"b.txt": "ours\n"})
    before = scene.look()

    merged = land(scene, tip)

    assert isinstance(merged, Merged)
    assert scene.look() == before
    assert scene.git("log", "-1", "--format=%P|%an|%ce|%cI|%B", merged.commit).strip() == (
        f"{base} {tip}|unjam|unjam@example.com|2026-11-22T15:00:00+00:00|merge ws/1"
    )
    scene.git("merge", "--quiet", "--no-ff", "-m", "by hand", tip)
    assert scene.git("rev-parse", "HEAD^{tree}") == merged.tree


def test_the_same_again_is_the_same_commit(scene: Scene) -> None:
    tip = scene.ahead({"a.txt": "theirs\n"})

    assert land(scene, tip) == land(scene, tip)


def test_what_is_there_already_is_nothing(scene: Scene) -> None:
    tip = scene.ahead({"a.txt": "same\n"})
    scene.commit({"a.txt": "same\n"})

    assert land(scene, tip) == Nothing()
    assert land(scene, scene.first) == Nothing()


def test_a_conflict_names_files_and_kinds(scene: Scene) -> None:
    tip = scene.ahead({"a.txt": "theirs\n", "b.txt": None, "odd\nname": "theirs\n"})
    scene.commit({"a.txt": "ours\n", "b.txt": "ours\n", "odd\nname": "ours\n"})

    conflict = land(scene, tip)

    assert isinstance(conflict, Conflict)
    assert set(conflict.paths) == {"a.txt", "b.txt", "odd\nname"}
    assert set(conflict.kinds) == {"contents", "modify/delete"}
    assert any("Merge conflict in a.txt" in message for message in conflict.messages)


@pytest.mark.parametrize(
    ("theirs", "ours", "kind"),
    [
        ({"a.txt": b"\0theirs"}, {"a.txt": b"\0ours"}, "binary"),
        ({"a.txt": None, "x.txt": "a\n"}, {"a.txt": None, "y.txt": "a\n"}, "rename/rename"),
        ({"a.txt": None, "a.txt/f": "t\n"}, {"a.txt": "ours\n"}, "file/directory"),
    ],
    ids=["binary", "renamed twice", "file and directory"],
)
def test_every_kind_of_conflict_has_a_name(
    scene: Scene,
    theirs: dict[str, str | bytes | None],
    ours: dict[str, str | bytes | None],
    kind: str,
) -> None:
    tip = scene.ahead(theirs)
    scene.commit(ours)

    conflict = land(scene, tip)

    assert isinstance(conflict, Conflict)
    assert kind in conflict.kinds


def test_two_commits_of_a_nested_repository_conflict(scene: Scene) -> None:
    scene.commit({})
    link = f"160000,{scene.first},nested"
    scene.git("switch", "--quiet", "--create", "next")
    scene.git("update-index", "--add", "--cacheinfo", link)
    scene.git("commit", "--quiet", "-m", "nested")
    tip = scene.at("HEAD")
    scene.git("switch", "--quiet", "main")
    scene.git("update-index", "--add", "--cacheinfo", f"160000,{tip},nested")
    scene.git("commit", "--quiet", "-m", "nested, elsewhere")

    assert isinstance(land(scene, tip), Conflict)


def test_histories_without_a_common_commit_conflict(scene: Scene) -> None:
    scene.git("switch", "--quiet", "--orphan", "other")
    tip = scene.commit({"z.txt": "z\n"})
    scene.git("switch", "--quiet", "main")

    conflict = land(scene, tip)

    assert isinstance(conflict, Conflict)
    assert conflict.kinds == ("unrelated histories",)


def test_attributes_of_the_trunk_are_in_force(scene: Scene) -> None:
    scene.commit(
        {".gitattributes": "*.log merge=union\n", "sub/.gitattributes": "*.md merge=union\n"}
    )
    scene.commit({"x.log": "1\n", "sub/y.md": "1\n"})
    tip = scene.ahead({"x.log": "1\ntheirs\n", "sub/y.md": "1\ntheirs\n"})
    scene.commit({"x.log": "1\nours\n", "sub/y.md": "1\nours\n"})

    merged = land(scene, tip)

    assert isinstance(merged, Merged)
    assert scene.git("show", f"{merged.commit}:x.log").split() == ["1", "ours", "theirs"]
    assert scene.git("show", f"{merged.commit}:sub/y.md").split() == ["1", "ours", "theirs"]


COMMITTED_MARKERS = "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> ws/1\n"


def test_conflict_markers_that_somebody_committed_are_found(scene: Scene) -> None:
    tip = scene.ahead({"a.txt": COMMITTED_MARKERS, "crlf": COMMITTED_MARKERS.replace("\n", "\r\n")})

    assert land(scene, tip) == Markers(("a.txt", "crlf"))


def test_markers_that_were_there_before_or_are_none_are_let_through(scene: Scene) -> None:
    scene.commit({"fixture.txt": COMMITTED_MARKERS})
    title = "Title\n=======\n\ntext <<<<<<< no >>>>>>> no\n"
    tip = scene.ahead({"fixture.txt": COMMITTED_MARKERS + "more\n", "title.rst": title})

    assert isinstance(land(scene, tip), Merged)


def test_no_driver_of_the_repository_runs(scene: Scene, tmp_path: Path) -> None:
    scene.commit({".gitattributes": "* merge=evil filter=evil diff=evil\n"})
    tip = scene.ahead({"a.txt": "a\nb\nc\ntheirs\n", "b.txt": "theirs\n"})
    scene.commit({"a.txt": "ours\na\nb\nc\n", "c.txt": "ours\n"})
    arm(scene.path, tmp_path / "canaries")

    land(scene, tip)

    assert fired(tmp_path / "canaries") == []


def test_a_shallow_repository_merges_above_its_border(scene: Scene, tmp_path: Path) -> None:
    scene.commit({"a.txt": "2\n"})
    scene.ahead({"b.txt": "theirs\n"})
    scene.git(
        "clone", "--quiet", "--depth=2", "--no-single-branch", scene.common.as_uri(), "../shallow"
    )
    shallow = object.__new__(Scene)
    shallow.path = tmp_path / "shallow"
    tip = shallow.at("origin/next")
    shallow.commit({"c.txt": "ours\n"})

    assert isinstance(land(shallow, tip), Merged)
