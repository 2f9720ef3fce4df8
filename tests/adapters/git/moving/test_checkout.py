"""A checkout moves with its branch; edits out of the way stay, edits in the way refuse it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.git.scene import MAIN, Scene, arm, back, fired, leave_edits_elsewhere
from unjam.adapters.git.moving.checkout import CheckoutState, move_checkout, state_of_checkout
from unjam.domain.steps.change import MoveCheckout, Position
from unjam.domain.steps.outcome import StepWord
from unjam.errors import RefusedError, TransientError


def ends_in_crlf(scene: Scene) -> None:
    scene.git("config", "core.autocrlf", "true")


def hide_a_file(scene: Scene) -> None:
    scene.git("sparse-checkout", "set", "--no-cone", "/*", "!/dir/")


@pytest.mark.parametrize(
    "prepare",
    [lambda _: None, leave_edits_elsewhere, ends_in_crlf, hide_a_file],
    ids=["clean", "edited elsewhere", "autocrlf", "sparse"],
)
def test_it_ends_where_a_persons_own_fast_forward_ends(
    scene: Scene, prepare: Callable[[Scene], None]
) -> None:
    new = scene.ahead(
        {
            ".gitattributes": "*.auto text=auto\n*.crlf text eol=crlf\n*.id ident\n"
            "*.utf16 text working-tree-encoding=UTF-16LE\n",
            "a.txt": "changed\n",
            "d.auto": "one\ntwo\n",
            "e.crlf": "one\ntwo\n",
            "f.id": "$Id$\n",
            "g.utf16": "ü\n".encode("utf-16-le"),
            "dir/inner.txt": "inner\n",
            "deep/er/file.txt": "deep\n",
            'odd "name"\n\udcff': "odd\n",
        }
    )
    prepare(scene)
    person = scene.copy("person")
    person.git("merge", "--ff-only", "--quiet", new)

    word = move_checkout(scene.common, scene.forward(new))

    assert word is StepWord.DONE
    assert scene.look() == person.look()


def test_deleted_renamed_retyped_and_executable_files_follow(tmp_path: Path) -> None:
    scene = Scene(
        tmp_path / "repo",
        {"gone.txt": "1\n", "old.txt": "2\n", "run.sh": "3\n", "file": "4\n", "dir/x": "5\n"},
    )
    scene.git("switch", "--quiet", "--create", "next")
    scene.write({"gone.txt": None, "old.txt": None, "new.txt": "2\n", "file": None, "dir/x": None})
    (scene.path / "run.sh").chmod(0o755)
    (scene.path / "dir").symlink_to("new.txt")
    scene.write({"file/below": "4\n"})
    new = scene.commit({}, "nothing")
    scene.git("add", "--all")
    scene.git("commit", "--quiet", "--amend", "-m", "all")
    new = scene.at("HEAD")
    scene.git("switch", "--quiet", "main")
    person = scene.copy("person")
    person.git("merge", "--ff-only", "--quiet", new)

    move_checkout(scene.common, scene.forward(new))

    assert scene.look() == person.look()


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ({"a.txt": "mine\n"}, "a.txt"),
        ({"a.txt": None}, "a.txt"),
        ({"new.txt": "my untracked\n"}, "new.txt"),
        ({"kept.ignored": "my ignored\n"}, "kept.ignored"),
        ({"dir": "a file where a directory will be\n"}, "dir"),
        ({"leaf/ignored.ignored": "in a directory where a file will be\n"}, "leaf/ignored.ignored"),
    ],
    ids=["edited", "deleted", "untracked", "ignored", "file for directory", "directory for file"],
)
@pytest.mark.parametrize("staged", [False, True], ids=["unstaged", "staged"])
def test_an_edit_in_the_way_refuses_it_and_nothing_changes(
    scene: Scene, edit: dict[str, str | None], named: str, *, staged: bool
) -> None:
    scene.commit({".gitignore": "*.ignored\n"})
    new = scene.ahead({"a.txt": "theirs\n", "new.txt": "theirs\n", "dir/file": "x", "leaf": "x"})
    scene.git("switch", "--quiet", "next")
    (scene.path / "kept.ignored").write_text("theirs\n")
    scene.git("add", "--force", "kept.ignored")
    scene.git("commit", "--quiet", "--amend", "--no-edit")
    new = scene.at("HEAD")
    scene.git("switch", "--quiet", "main")
    leave_edits_elsewhere(scene)
    scene.write(edit)
    if staged:
        scene.git("add", "--force", "--all", "--", *edit)
    before = scene.look()

    with pytest.raises(RefusedError, match=named):
        move_checkout(scene.common, scene.forward(new))

    assert scene.look() == before


def test_an_assumed_unchanged_edit_is_seen(scene: Scene) -> None:
    new = scene.ahead({"a.txt": "theirs\n"})
    scene.git("update-index", "--assume-unchanged", "a.txt")
    scene.write({"a.txt": "hidden work\n"})

    with pytest.raises(RefusedError, match=r"a\.txt"):
        move_checkout(scene.common, scene.forward(new))

    assert (scene.path / "a.txt").read_text() == "hidden work\n"


def test_an_edit_that_is_what_lands_is_not_in_the_way(scene: Scene) -> None:
    new = scene.ahead({"a.txt": "theirs\n", "new.txt": "theirs\n"})
    scene.write({"a.txt": "theirs\n", "new.txt": "theirs\n"})

    move_checkout(scene.common, scene.forward(new))

    assert scene.git("status", "--porcelain") == ""
    assert scene.at(MAIN) == new


def test_a_directory_that_is_a_link_is_not_written_through(scene: Scene, tmp_path: Path) -> None:
    scene.commit({"dir/file": "1\n"})
    new = scene.ahead({"dir/file": "2\n", "dir/other": "2\n"})
    outside = tmp_path / "outside"
    (scene.path / "dir").rename(outside)
    (scene.path / "dir").symlink_to(outside)

    with pytest.raises(RefusedError, match="dir"):
        move_checkout(scene.common, scene.forward(new))

    assert [one.name for one in outside.iterdir()] == ["file"]
    assert (outside / "file").read_text() == "1\n"


def test_taking_it_back_keeps_the_same_edits(scene: Scene) -> None:
    new = scene.ahead({"a.txt": "theirs\n", "new.txt": "theirs\n"})
    leave_edits_elsewhere(scene)
    before = scene.look()
    change = scene.forward(new)
    move_checkout(scene.common, change)

    move_checkout(scene.common, back(change))

    assert scene.look() == before


def test_twice_is_once(scene: Scene) -> None:
    change = scene.forward(scene.ahead({"a.txt": "theirs\n"}))
    move_checkout(scene.common, change)
    after = scene.look()

    assert move_checkout(scene.common, change) is StepWord.ALREADY_DONE
    assert scene.look() == after


def test_a_switch_carries_edits_and_leaves_the_branch_it_came_from(scene: Scene) -> None:
    work = scene.ahead({"a.txt": "of the agent\n"}, "ws/1/agent")
    scene.git("switch", "--quiet", "ws/1/agent")
    leave_edits_elsewhere(scene)
    person = scene.copy("person")
    person.git("switch", "--quiet", "main")
    start, end = Position("refs/heads/ws/1/agent", work), Position(MAIN, scene.first)
    change = MoveCheckout(scene.path, scene.common, start, end)

    move_checkout(scene.common, change)

    assert scene.look() == person.look()
    assert state_of_checkout(scene.common, change) is CheckoutState.AFTER
    move_checkout(scene.common, back(change))
    assert (scene.common / "HEAD").read_text() == "ref: refs/heads/ws/1/agent\n"


def test_a_detached_checkout_returns_to_its_branch_and_back(scene: Scene) -> None:
    scene.git("switch", "--quiet", "--detach", "HEAD")
    other = scene.commit({"a.txt": "detached\n"})
    change = MoveCheckout(
        scene.path, scene.common, Position(None, other), Position(MAIN, scene.first)
    )

    move_checkout(scene.common, change)
    assert scene.git("symbolic-ref", "HEAD") == MAIN
    assert scene.git("status", "--porcelain") == ""

    move_checkout(scene.common, back(change))
    assert (scene.common / "HEAD").read_text().strip() == other
    assert (scene.path / "a.txt").read_text() == "detached\n"


def test_a_linked_worktree_moves_alone(scene: Scene, tmp_path: Path) -> None:
    scene.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    new = scene.ahead({"a.txt": "theirs\n"})
    before = scene.look()
    admin = scene.common / "worktrees/side"
    side = "refs/heads/side"
    change = MoveCheckout(
        tmp_path / "side", admin, Position(side, scene.first), Position(side, new)
    )

    move_checkout(scene.common, change)

    assert (tmp_path / "side/a.txt").read_text() == "theirs\n"
    after = scene.look()
    assert {key for key in before if before[key] != after[key]} == {"refs"}


def test_a_checkout_elsewhere_is_refused(scene: Scene) -> None:
    new = scene.ahead({"a.txt": "theirs\n"})
    change = scene.forward(new)
    moved = scene.commit({"b.txt": "somebody was faster\n"})

    with pytest.raises(RefusedError, match=moved[:12]):
        move_checkout(scene.common, change)

    assert state_of_checkout(scene.common, change) is CheckoutState.ELSEWHERE


def test_a_switch_to_a_branch_in_use_is_refused(scene: Scene, tmp_path: Path) -> None:
    scene.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    change = MoveCheckout(
        scene.path,
        scene.common,
        Position(MAIN, scene.first),
        Position("refs/heads/side", scene.first),
    )

    with pytest.raises(RefusedError, match="side is in use by"):
        move_checkout(scene.common, change)


def test_a_checkout_in_the_middle_of_something_is_refused(scene: Scene) -> None:
    new = scene.ahead({"b.txt": "theirs\n"})
    scene.ahead({"a.txt": "theirs\n"}, "other")
    scene.commit({"a.txt": "mine\n"})
    assert not scene.allowed("merge", "--quiet", "other")

    with pytest.raises(RefusedError, match="middle of a merge"):
        move_checkout(scene.common, scene.forward(new))


def test_another_directory_is_not_written_to(scene: Scene, tmp_path: Path) -> None:
    other = Scene(tmp_path / "other")
    new = scene.ahead({"a.txt": "theirs\n"})
    change = MoveCheckout(
        other.path, scene.common, Position(MAIN, scene.first), Position(MAIN, new)
    )

    with pytest.raises(RefusedError, match="is not the checkout of"):
        move_checkout(scene.common, change)


def test_a_lock_is_worth_another_try(scene: Scene) -> None:
    change = scene.forward(scene.ahead({"a.txt": "theirs\n"}))
    (scene.common / "index.lock").touch()
    before = scene.look()

    with pytest.raises(TransientError, match=r"index\.lock"):
        move_checkout(scene.common, change)

    assert scene.look() == before


@pytest.mark.parametrize("where", ["before", "with it"])
def test_a_path_behind_a_filter_is_left_to_the_person(scene: Scene, where: str) -> None:
    attributes = {".gitattributes": "*.bin filter=lfs\n"}
    if where == "before":
        scene.commit(attributes)
        attributes = {}
    new = scene.ahead({**attributes, "large.bin": "pointer\n"})
    before = scene.look()

    with pytest.raises(RefusedError, match=r"large\.bin.*written through a filter"):
        move_checkout(scene.common, scene.forward(new))

    assert scene.look() == before


def test_no_code_of_the_repository_runs(scene: Scene, tmp_path: Path) -> None:
    scene.commit({".gitattributes": "* diff=evil merge=evil\n"})
    new = scene.ahead({"a.txt": "theirs\n"})
    leave_edits_elsewhere(scene)
    arm(scene.path, tmp_path / "canaries")

    move_checkout(scene.common, scene.forward(new))

    assert fired(tmp_path / "canaries") == []
    assert (scene.path / "a.txt").read_text() == "theirs\n"


def test_git_variables_of_the_caller_are_ignored(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Scene(tmp_path / "other", {"theirs": "untouched\n"})
    before = other.look()
    change = scene.forward(scene.ahead({"a.txt": "theirs\n"}))
    with monkeypatch.context() as caller:
        caller.setenv("GIT_DIR", str(other.common))
        caller.setenv("GIT_WORK_TREE", str(other.path))
        caller.setenv("GIT_INDEX_FILE", str(other.common / "index"))
        caller.setenv("GIT_OBJECT_DIRECTORY", str(other.common / "objects"))

        move_checkout(scene.common, change)

    assert other.look() == before
    assert (scene.path / "a.txt").read_text() == "theirs\n"
