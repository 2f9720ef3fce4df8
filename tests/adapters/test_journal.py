"""What the journal took is there, whoever was killed while it was written."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from unjam.adapters import journal
from unjam.adapters.journal import Journal, new_run_id
from unjam.errors import PermanentError, UsageError

ROOT = Path(__file__).parents[2]
RUN = "20261122T150000Z-3f2a"
WRITER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from unjam.adapters.journal import Journal
written = Journal.open(Path(sys.argv[1]), {RUN!r})
number = int(sys.argv[2])
while True:
    written.append({{"number": number, "text": "x" * 5000}})
    print(number, flush=True)
    number += 1
"""


@pytest.fixture
def common(tmp_path: Path) -> Path:
    path = tmp_path / "common"
    path.mkdir()
    return path


def file_of(common: Path) -> Path:
    return common / "unjam" / "journal" / f"{RUN}.jsonl"


def test_records_come_back_in_order(common: Path) -> None:
    written = Journal.open(common, RUN)
    records = [{"event": "intent", "n": n, "text": "ü\udcff\n\x00"} for n in range(3)]

    for record in records:
        written.append(record)

    assert journal.read(common, RUN) == records
    assert file_of(common).read_bytes().isascii()


def test_a_journal_is_carried_on(common: Path) -> None:
    Journal.open(common, RUN).append({"n": 1})
    Journal.open(common, RUN).append({"n": 2})

    assert journal.read(common, RUN) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("torn", [b"{", b'{"n": 2', b'{"n": 2, "t": "\xc3', b"\0\0\0\0"])
def test_a_torn_last_line_is_no_record_and_harms_no_other(common: Path, torn: bytes) -> None:
    Journal.open(common, RUN).append({"n": 1})
    with file_of(common).open("ab") as file:
        file.write(torn)

    assert journal.read(common, RUN) == [{"n": 1}]
    Journal.open(common, RUN).append({"n": 3})
    assert journal.read(common, RUN) == [{"n": 1}, {"n": 3}]


def test_a_record_that_only_lacks_its_line_end_counts(common: Path) -> None:
    Journal.open(common, RUN).append({"n": 1})
    path = file_of(common)
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))

    Journal.open(common, RUN).append({"n": 2})

    assert journal.read(common, RUN) == [{"n": 1}, {"n": 2}]


def test_every_acknowledged_record_survives_being_killed_again_and_again(common: Path) -> None:
    acknowledged: list[int] = []
    for round_ in range(12):
        began = round_ * 1_000_000
        command = [sys.executable, "-c", WRITER, str(common), str(began)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            acknowledged += [int(writer.stdout.readline()) for _ in range(round_ + 1)]
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout.read().split()]

    found = [record["number"] for record in journal.read(common, RUN)]

    assert set(acknowledged) <= set(found)
    assert found == sorted(found)


def test_a_record_cut_at_any_byte_loses_only_itself(common: Path) -> None:
    written = Journal.open(common, RUN)
    written.append({"n": 1})
    path = file_of(common)
    whole = len(path.read_bytes())
    written.append({"n": 2, "text": "ü" * 5})
    content = path.read_bytes()

    for end in range(whole, len(content) - 1):
        path.write_bytes(content[:end])
        Journal.open(common, RUN).append({"n": 3})
        assert journal.read(common, RUN) == [{"n": 1}, {"n": 3}], end


def test_threads_take_turns(common: Path) -> None:
    written = Journal.open(common, RUN)

    def write(thread: int) -> None:
        for n in range(20):
            written.append({"thread": thread, "n": n, "text": "x" * 10_000})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    found = journal.read(common, RUN)
    assert len(found) == 80
    for thread in range(4):
        assert [one["n"] for one in found if one["thread"] == thread] == list(range(20))


def test_run_ids_sort_by_time_and_say_it_in_utc() -> None:
    at = datetime(2026, 11, 22, 17, 0, tzinfo=timezone(timedelta(hours=2)))

    made = new_run_id(at)

    assert made.startswith("20261122T150000Z-")
    assert new_run_id(at + timedelta(seconds=1)) > made
    assert new_run_id(at + timedelta(milliseconds=1)) > made
    assert len({new_run_id(at) for _ in range(20)}) > 1


def test_runs_are_listed_newest_last_and_nothing_else_is(common: Path) -> None:
    ids = [new_run_id(datetime(2026, 1, day, tzinfo=UTC)) for day in (3, 1, 2)]
    for one in ids:
        Journal.open(common, one)
    (file_of(common).parent / "notes.jsonl").touch()
    (file_of(common).parent / f"{RUN}.jsonl.bak").touch()

    assert journal.runs(common) == [ids[1], ids[2], ids[0]]


def test_before_the_first_run_there_are_none(common: Path) -> None:
    assert journal.runs(common) == []


@pytest.mark.parametrize(
    "run", ["", "../../etc/passwd", "20261122T150000Z-3f2a\n", "-rf", RUN + "/x", "x" * 5000, "run"]
)
def test_what_is_no_run_id_is_the_persons_mistake(common: Path, run: str) -> None:
    with pytest.raises(UsageError, match="is not a run"):
        journal.read(common, run)
    with pytest.raises(UsageError, match="is not a run"):
        Journal.open(common, run)


def test_an_unknown_run_is_the_persons_mistake(common: Path) -> None:
    with pytest.raises(UsageError, match=f"no run {RUN}"):
        journal.read(common, RUN)


def test_a_link_in_its_place_is_not_followed(common: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    file_of(common).parent.mkdir(parents=True)
    file_of(common).symlink_to(victim)

    with pytest.raises(PermanentError):
        Journal.open(common, RUN)
    assert victim.read_text() == "precious"


def test_nobody_else_may_read_it(common: Path) -> None:
    Journal.open(common, RUN).append({"n": 1})

    assert file_of(common).stat().st_mode & 0o077 == 0


def test_lines_that_are_no_records_are_passed_over(common: Path) -> None:
    Journal.open(common, RUN).append({"n": 1})
    with file_of(common).open("ab") as file:
        file.write(b"[1]\n\nnull\n" + b"[" * 100_000 + b"\n" + json.dumps({"n": 2}).encode())

    assert journal.read(common, RUN) == [{"n": 1}, {"n": 2}]
