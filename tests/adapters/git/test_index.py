"""Indices that Git itself wrote, in every version and state, read as `git ls-files` lists them."""

import hashlib
import shutil

import pytest

from tests.adapters.git.scene import Scene
from tests.world.inventory import git_bytes
from tests.world.shell import git
from unjam.adapters.git.index import (
    DamagedIndexError,
    ForeignIndexError,
    MissingIndexError,
    read_index,
)

LONG = "/".join(["a-name-that-is-long" * 10] * 22)  # longer than an entry's flags can tell
VERSIONS = ["2", "3", "4"]
Listed = set[tuple[bytes, int, str, int, bool]]


@pytest.fixture
def rich(scene: Scene) -> Scene:
    """An index with a conflict, a path without content, a skipped one, links and names alike."""
    (scene.path / "link").symlink_to("a.txt")
    scene.git("add", "link")
    scene.commit({f"lib/module_{number}.py": f"{number}\n" for number in range(40)})
    scene.commit({"lib/tool": "#!/bin/sh\n"})
    (scene.path / "lib/tool").chmod(0o755)
    scene.git("checkout", "--quiet", "-b", "theirs")
    scene.commit({"a.txt": "theirs\n", "lib/module_7.py": None})
    scene.git("checkout", "--quiet", "main")
    scene.commit({"a.txt": "ours\n", "lib/module_7.py": "changed\n"})
    assert not scene.allowed("merge", "theirs")
    scene.write({"later.txt": "soon\n"})
    scene.git("add", "--intent-to-add", "later.txt")
    scene.git("update-index", "--skip-worktree", "b.txt")
    scene.git("update-index", "--assume-unchanged", "c.txt")
    return scene


@pytest.mark.parametrize("version", VERSIONS)
def test_an_index_is_read_as_git_lists_it(rich: Scene, version: str) -> None:
    rich.git("update-index", "--index-version", version)

    index = read_index(rich.common / "index")

    assert listed(index_of=rich) == {
        (one.path, one.mode, one.oid.hex(), one.stage, one.skipped) for one in index.entries
    }
    assert {one.path for one in index.entries if one.intended} == {b"later.txt"}
    assert index.conflicted == {b"a.txt", b"lib/module_7.py"}
    assert [one.path for one in index.entries] == sorted(one.path for one in index.entries)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_trees_of_directories_in_which_nothing_changed_are_remembered(
    scene: Scene, version: str
) -> None:
    scene.commit({"lib/deep/one.py": "1\n", "docs/guide.md": "1\n"})
    scene.git("update-index", "--index-version", version)
    scene.git("read-tree", "HEAD")

    trees = read_index(scene.common / "index").trees

    assert trees == {
        name.encode(): bytes.fromhex(scene.git("rev-parse", f"HEAD:{name}"))
        for name in ("", "lib", "lib/deep", "docs")
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_name_longer_than_its_length_field_is_read(scene: Scene, version: str) -> None:
    blob = scene.git("rev-parse", "HEAD:a.txt")
    lines = f"100644 {blob} 0\t{LONG}\n100644 {blob} 0\tz.txt\n"
    git("update-index", "--index-info", cwd=scene.path, stdin=lines)
    scene.git("update-index", "--index-version", version)

    paths = {one.path for one in read_index(scene.common / "index").entries}

    assert paths == {LONG.encode(), b"z.txt", b"a.txt", b"b.txt", b"c.txt"}


def test_blobs_of_a_conflict_that_was_resolved_are_remembered(rich: Scene) -> None:
    sides = {one.oid for one in read_index(rich.common / "index").entries if one.path == b"a.txt"}
    rich.git("add", "a.txt")

    index = read_index(rich.common / "index")

    assert index.conflicted == {b"lib/module_7.py"}
    assert set(index.overwritten) == sides
    assert len(sides) == 3


@pytest.mark.parametrize(
    "made",
    [
        ("update-index", "--split-index"),
        ("sparse-checkout", "set", "--cone", "--sparse-index", "in"),
    ],
)
def test_what_needs_other_files_or_objects_is_left_to_git(
    scene: Scene, made: tuple[str, ...]
) -> None:
    scene.commit({"in/one": "1\n", "out/two": "2\n"})
    scene.git(*made)

    with pytest.raises(ForeignIndexError):
        read_index(scene.common / "index")


def test_a_sparse_checkout_with_a_whole_index_is_read(scene: Scene) -> None:
    scene.commit({"in/one": "1\n", "out/two": "2\n"})
    scene.git("sparse-checkout", "set", "--cone", "in")

    index = read_index(scene.common / "index")

    assert {one.path for one in index.entries if one.skipped} == {b"out/two"}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_flipped_bit_is_seen_wherever_it_is(rich: Scene, version: str) -> None:
    rich.git("update-index", "--index-version", version)
    raw = (rich.common / "index").read_bytes()
    for at in range(12, len(raw), 97):
        (rich.common / "index").write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])

        with pytest.raises(DamagedIndexError):
            read_index(rich.common / "index")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_index_cut_short_is_damaged_even_without_a_checksum(rich: Scene, version: str) -> None:
    rich.git("update-index", "--index-version", version)
    raw = (rich.common / "index").read_bytes()
    for length in range(32, len(raw) // 2, 61):
        (rich.common / "index").write_bytes(raw[:length] + bytes(20))

        with pytest.raises(DamagedIndexError):
            read_index(rich.common / "index")


def test_there_may_be_none(scene: Scene) -> None:
    shutil.move(scene.common / "index", scene.path / "elsewhere")

    with pytest.raises(MissingIndexError):
        read_index(scene.common / "index")


def test_a_version_that_nobody_knows_yet_is_left_to_git(scene: Scene) -> None:
    path = scene.common / "index"
    raw = b"DIRC" + (5).to_bytes(4, "big") + path.read_bytes()[8:-20]
    path.write_bytes(raw + hashlib.sha1(raw).digest())

    with pytest.raises(ForeignIndexError):
        read_index(path)


def listed(*, index_of: Scene) -> Listed:
    """List the index as Git does."""
    found: Listed = set()
    for line in git_bytes("ls-files", "--stage", "-t", "-z", cwd=index_of.path).split(b"\0"):
        about, _, path = line.partition(b"\t")
        if path:
            tag, mode, oid, stage = about.split()
            found.add((path, int(mode, 8), oid.decode(), int(stage), tag == b"S"))
    return found
