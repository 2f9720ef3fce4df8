"""Renames and writes happen whole or not at all, and never onto something."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from unjam.adapters import disk, files
from unjam.errors import PermanentError, RefusedError


def test_a_directory_moves_with_everything_in_it(tmp_path: Path) -> None:
    source, target = tmp_path / "tree", tmp_path / "vault" / "run" / "tree"
    (source / "empty").mkdir(parents=True)
    (source / "link").symlink_to("nowhere")
    (source / "file").write_bytes(b"bytes")
    before = source.stat().st_ino

    files.move(source, target)

    assert target.stat().st_ino == before
    assert (target / "empty").is_dir()
    assert (target / "link").readlink() == Path("nowhere")
    assert not files.exists(source)


def test_what_is_made_on_the_way_is_as_open_as_where_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for mode in (0o755, 0o700, 0o775):
        (tmp_path / "logs").chmod(mode)
        (tmp_path / "there").write_text("reflog")

        files.move(tmp_path / "there", tmp_path / "logs" / f"{mode}" / "ws" / "ws-01")

        made = (tmp_path / "logs" / f"{mode}", tmp_path / "logs" / f"{mode}" / "ws")
        assert [one.stat().st_mode & 0o777 for one in made] == [mode, mode]


def test_moving_twice_is_moving_once(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("a")

    files.move(source, target)
    files.move(source, target)

    assert target.read_text() == "a"


@pytest.mark.parametrize("kind", ["file", "directory", "link to nowhere"])
def test_nothing_is_ever_overwritten(tmp_path: Path, kind: str) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.mkdir()
    make: dict[str, Callable[[], object]] = {
        "file": target.touch,
        "directory": target.mkdir,
        "link to nowhere": lambda: target.symlink_to("nowhere"),
    }
    make[kind]()

    with pytest.raises(RefusedError, match="is taken"):
        files.move(source, target)
    assert source.is_dir()
    assert os.path.lexists(target)


def test_nothing_is_overwritten_where_the_system_cannot_promise_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("a")
    target.write_text("b")
    monkeypatch.setattr(files, "_rename_noreplace", lambda *_: errno.ENOSYS)

    with pytest.raises(RefusedError, match="is taken"):
        files.move(source, target)
    target.unlink()
    files.move(source, target)

    assert target.read_text() == "a"


def test_what_is_nowhere_cannot_be_moved(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="is gone"):
        files.move(tmp_path / "a", tmp_path / "b")


def test_a_link_is_moved_as_a_link(tmp_path: Path) -> None:
    source, target = tmp_path / "link", tmp_path / "b"
    (tmp_path / "pointed").write_text("precious")
    source.symlink_to("pointed")

    files.move(source, target, source_below=tmp_path, target_below=tmp_path)

    assert target.is_symlink()
    assert (tmp_path / "pointed").read_text() == "precious"


def test_a_link_among_the_parents_leads_nothing_out_of_its_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "file").write_text("precious")
    (root / "out").symlink_to(outside)
    (root / "in").write_text("ours")

    with pytest.raises(RefusedError, match="is not below"):
        files.move(root / "out" / "file", root / "taken", source_below=root)
    with pytest.raises(RefusedError, match="is not below"):
        files.move(root / "in", root / "out" / "given", target_below=root)
    with pytest.raises(RefusedError, match="is not below"):
        files.move(root / "in", root / ".." / "given", target_below=root)

    assert (outside / "file").read_text() == "precious"
    assert [one.name for one in files.children(outside)] == ["file"]
    assert (root / "in").read_text() == "ours"


@pytest.mark.disk
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_another_file_system_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_text("a")
    target = Path("/dev/shm") / f"unjam-test-{os.getpid()}"
    if disk.device_of(target) == disk.device_of(source):
        pytest.skip("one file system only")

    with pytest.raises(PermanentError, match="different file systems"):
        files.move(source, target)
    assert source.read_text() == "a"
    assert not target.exists()


def test_a_name_of_any_bytes_moves(tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"a\n\xff")
    source.write_text("a")

    files.move(source, tmp_path / os.fsdecode(b"b\n\xfe"))

    assert (tmp_path / os.fsdecode(b"b\n\xfe")).read_text() == "a"


def test_a_write_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"

    files.write_atomically(path, b"one")
    files.write_atomically(path, b"two")

    assert path.read_bytes() == b"two"
    assert files.children(path.parent) == [path]
    assert path.stat().st_mode & 0o077 == 0


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    (path / "child").mkdir(parents=True)

    with pytest.raises(PermanentError, match="cannot write"):
        files.write_atomically(path, b"new")
    assert files.children(tmp_path) == [path]


def test_the_children_of_nothing_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert files.children(tmp_path / "missing") == []
    assert files.children(tmp_path / "file") == []


def test_the_room_below_a_path_that_is_not_yet_there_is_told(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)

    assert 0 < disk.free_bytes(tmp_path / "not" / "yet") <= room.f_blocks * room.f_frsize
    assert disk.device_of(tmp_path / "not" / "yet") == tmp_path.stat().st_dev
    inodes = disk.free_inodes(tmp_path / "not" / "yet")
    assert inodes is None or inodes > 0
