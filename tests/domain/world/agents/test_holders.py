"""Who holds a lock and does nothing is only taken to hang where every signal says so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.domain.world.agents.looks import HOUR, LONG, NOW, pulse, silent, watched
from unjam.domain.world.agents.holders import LockEvidence, why_spared
from unjam.domain.world.agents.signs import Pulse, Wait, Watched
from unjam.domain.world.database import Activity, Holder, LockKind
from unjam.domain.world.identity import Role

WRITER = Holder(
    7, None, role=Role.ORCHESTRATOR, locks=(LockKind.WAL_WRITE,), activity=Activity.IDLE
)
READER = replace(WRITER, role=None, locks=(LockKind.WAL_READ,))
KEEPER = replace(WRITER, locks=(LockKind.EXCLUSIVE,))
OLD = LockEvidence(NOW, still=LONG)
DEADLOCKED = pulse(Wait.LOCKS)


def old(*members: Pulse, **more: object) -> Watched:
    return replace(watched(*members, **more), last_sign=NOW - 2 * HOUR)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("holder", "seen"),
    [
        (WRITER, old(DEADLOCKED)),
        (WRITER, old(pulse(Wait.NETWORK), connections=(silent(),))),
        (replace(WRITER, activity=Activity.STOPPED), old(pulse(Wait.STOPPED))),
        (READER, old(pulse(Wait.TIME, age=1.0))),
    ],
    ids=["deadlock", "no byte for hours", "stopped for hours", "a reader that sleeps"],
)
def test_nothing_speaks_for_who_has_hung_for_as_long_as_an_agent_may(
    holder: Holder, seen: Watched
) -> None:
    assert why_spared(holder, seen, OLD) == ""


@pytest.mark.parametrize(
    ("holder", "seen", "evidence", "said"),
    [
        (WRITER, replace(old(DEADLOCKED), last_sign=NOW), OLD, "last written 0 s ago"),
        (WRITER, old(pulse(Wait.LOCKS, age=5.0)), OLD, "was started 5 s ago"),
        (WRITER, old(DEADLOCKED), LockEvidence(NOW, still=3.0), "last ran 3 s ago"),
        (WRITER, old(pulse(Wait.TIME)), OLD, "sleeps for a time"),
        (WRITER, old(pulse(Wait.NETWORK), connections=(silent(9.0),)), OLD, "bytes went over"),
        (WRITER, old(pulse(Wait.OTHER, detail="waits for X")), OLD, "waits for X"),
        (
            replace(WRITER, activity=Activity.STOPPED),
            old(pulse(Wait.STOPPED)),
            LockEvidence(NOW, still=60.0),
            "last ran",
        ),
        (KEEPER, old(DEADLOCKED), LockEvidence(NOW, LONG, writes=False), "locking_mode"),
        (READER, old(pulse(Wait.NETWORK), connections=(silent(),)), OLD, "connected to api:443"),
        (
            replace(READER, role=Role.ORCHESTRATOR),
            old(pulse(Wait.TIME)),
            OLD,
            "sleeps for a time",
        ),
    ],
    ids=[
        "state written",
        "process young",
        "ran lately",
        "a call with a limit",
        "an answer that may come",
        "what cannot be told",
        "stopped a minute ago",
        "a mode, no transaction",
        "a reader with a peer",
        "an orchestrator that reads",
    ],
)
def test_whatever_may_go_on_is_spared_and_it_is_said_why(
    holder: Holder, seen: Watched, evidence: LockEvidence, said: str
) -> None:
    assert said in why_spared(holder, seen, evidence)


def test_patience_is_what_a_person_set() -> None:
    seen = replace(old(DEADLOCKED), patience=timedelta(hours=3))

    assert "not judged before 3 h (hang.after)" in why_spared(WRITER, seen, OLD)
