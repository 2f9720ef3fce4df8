"""Logs: the last lines of the newest files, cheap at any size and harmless on a terminal."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unjam.adapters.logs import TAIL, tails


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    path = tmp_path / "logs"
    path.mkdir()
    return path


def write(path: Path, content: bytes, *, at: int = 1_700_000_000) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


def test_the_newest_logs_come_first_with_their_last_lines(logs: Path) -> None:
    write(logs / "old.log", b"old\n", at=1)
    mid = write(logs / "agent-1" / "mid.log", b"1\n2\n3\n", at=2)
    new = write(logs / "new.log", b"last line without an end", at=3)

    found = tails(logs, lines=2, files=2)

    assert [(tail.path, tail.lines) for tail in found] == [
        (new, ("last line without an end",)),
        (mid, ("2", "3")),
    ]
    assert found[0].written_at == datetime.fromtimestamp(3, UTC)


def test_only_the_end_of_a_large_log_is_read_and_only_whole_lines(logs: Path) -> None:
    path = logs / "big.log"
    with path.open("wb") as file:
        file.truncate(1 << 34)  # a hole: to read it all would take minutes
        file.seek(0, os.SEEK_END)
        file.write(b"x" * TAIL + b"\nlast but one\nlast\n")

    (tail,) = tails(logs)

    assert tail.lines == ("last but one", "last")


def test_a_line_longer_than_the_tail_is_shortened(logs: Path) -> None:
    write(logs / "one.log", b"y" * (3 * TAIL))

    (tail,) = tails(logs)

    assert tail.lines == ("y" * 500,)


def test_bytes_that_are_no_text_and_orders_to_the_terminal_are_replaced(logs: Path) -> None:
    write(logs / "a.log", b"caf\xe9 \xc3\xa9\n\x1b]0;owned\x07\x1b[2Jred\ttab\n")

    (tail,) = tails(logs)

    assert tail.lines == ("caf\ufffd é", "\ufffd]0;owned\ufffd\ufffd[2Jred\ttab")


def test_what_is_no_log_has_no_tail(logs: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.txt", b"secret\n")
    (logs / "link.log").symlink_to(secret)
    (logs / "linked").symlink_to(tmp_path)
    os.mkfifo(logs / "pipe.log")
    write(logs / "binary.log", b"\x00\x01")
    empty = write(logs / "empty.log", b"")

    assert [(tail.path, tail.lines) for tail in tails(logs)] == [(empty, ())]


def test_names_that_are_no_utf8_are_kept(logs: Path) -> None:
    write(Path(os.fsdecode(os.fsencode(logs) + b"/a\xff.log")), b"line\n")

    (tail,) = tails(logs)

    assert os.fsencode(tail.path.name) == b"a\xff.log"


def test_no_directory_has_no_logs(tmp_path: Path) -> None:
    assert tails(tmp_path / "logs") == ()
