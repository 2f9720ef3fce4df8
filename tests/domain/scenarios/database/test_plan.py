"""Whom to stop and what to do with the file, decided from what was seen and nothing else."""

from dataclasses import replace
from pathlib import PurePath

import pytest

from tests.domain.build import snapshot
from unjam.domain.scenarios.database.find import find_database_lock
from unjam.domain.scenarios.database.plan import plan_database
from unjam.domain.steps.plan import Plan, UnsafePlanError
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.steps.state_steps import OpenState
from unjam.domain.world.database import (
    Activity,
    Boss,
    Database,
    Holder,
    LockKind,
    Soundness,
    TableCount,
    Wal,
    duplicates,
)
from unjam.domain.world.identity import ProcessIdentity, Role, WorkstreamId
from unjam.domain.world.truth import Truth

PATH = PurePath("/repo/.state/orchestration.db")
SOUND = Database(PATH, Soundness.SOUND, mode="rollback")


def process(pid: int, started: float = 0.0) -> ProcessIdentity:
    return ProcessIdentity("host", "boot", pid, started, "me")


def boss(pid: int, *, agents: int = 0, started: float = 0.0, has_lock: bool = False) -> Boss:
    return Boss(process(pid, started), ("orchestrator",), agents, has_lock)


HUNG = Holder(
    pid=7,
    process=process(7),
    command=("orchestrator",),
    role=Role.ORCHESTRATOR,
    locks=(LockKind.RESERVED,),
    activity=Activity.IDLE,
    because="it did nothing",
    is_near=True,
)


def verbs(database: Database, policy: Policy | None = None) -> list[str]:
    return [step.verb for step in plan(database, policy).steps]


def plan(database: Database, policy: Policy | None = None) -> Plan:
    return plan_database(replace(snapshot(), database=database), policy or Policy())


@pytest.mark.parametrize(
    ("bosses", "extra"),
    [
        ((boss(1),), ()),
        ((boss(1, agents=3), boss(2, has_lock=True)), (1,)),
        ((boss(1, agents=1, started=1), boss(2, agents=2, started=2)), (1,)),
        ((boss(1, started=5), boss(2, started=1)), (1,)),
        ((boss(1, started=1), boss(2, started=2), boss(3, started=3)), (2, 3)),
        ((boss(1), boss(2)), None),
        ((boss(1, has_lock=True, started=1), boss(2, has_lock=True, started=2)), (2,)),
    ],
)
def test_which_orchestrator_is_too_many(
    bosses: tuple[Boss, ...], extra: tuple[int, ...] | None
) -> None:
    found = duplicates(replace(SOUND, bosses=bosses))

    assert (None if found is None else tuple(one.process.pid for one in found)) == extra


def test_who_hangs_over_it_is_stopped_after_the_copy_and_before_it_is_opened() -> None:
    assert verbs(replace(SOUND, holders=(HUNG,))) == [
        "copy state",
        "stop",
        "re-open state",
        "set WAL mode",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"activity": Activity.WORKS}, "wait for it"),
        ({"activity": Activity.UNKNOWN}, "cannot be told"),
        ({"spared": "it is connected to api:443"}, "or look at it and then: kill 7"),
        ({"spared": "it last ran 3 s ago", "activity": Activity.STOPPED}, "kill -CONT 7"),
        ({"process": None}, "cannot be seen"),
        ({"is_personal": True, "role": None}, "terminal"),
        ({"is_near": False, "role": None}, "no part of this orchestration"),
        ({"is_ours": True}, "unjam itself"),
    ],
)
def test_whoever_may_not_be_stopped_is_named_and_nothing_is_done(
    change: dict[str, object], said: str
) -> None:
    made = plan(replace(SOUND, holders=(replace(HUNG, **change),)))  # type: ignore[arg-type]

    assert made.steps == ()
    assert any(said in note for note in made.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"file_system": "nfs4"}, "network file system"),
        ({"free": 0}, "never deleted"),
        ({"read_only": "its file system is mounted read-only"}, "read-only"),
    ],
)
def test_where_it_is_cannot_be_repaired_and_is_said(change: dict[str, object], said: str) -> None:
    database = replace(SOUND, hot_journal=Truth.YES, **change)  # type: ignore[arg-type]

    assert plan(database).steps == ()
    assert any(said in note for note in plan(database).notes)
    assert len(list(find_database_lock(replace(snapshot(), database=database)))) == 2


def test_with_steps_of_a_class_off_what_rests_on_them_is_left_out_too() -> None:
    held = replace(SOUND, holders=(HUNG,))

    assert verbs(held, Policy({StepClass.SALVAGE: Consent.OFF})) == []
    assert verbs(held, Policy({StepClass.DATABASE: Consent.OFF})) == ["copy state", "stop"]
    assert verbs(held, Policy({StepClass.STOP: Consent.OFF})) == []


def test_a_damaged_file_is_only_replaced_if_rows_of_it_were_found() -> None:
    damaged = replace(SOUND, shape=Soundness.MALFORMED, because="page 2")
    counts = (TableCount("workstream_status", 3, 9, 2),)

    assert verbs(damaged) == []
    assert verbs(replace(damaged, tables=counts)) == [
        "copy state",
        "rebuild state",
        "replace state",
    ]
    reason = plan(replace(damaged, tables=counts)).steps[-1].reason
    assert "9 rows (SQLite reads 3, 2 of them on loose pages" in reason
    idle = replace(HUNG, locks=(), activity=Activity.UNKNOWN)
    assert verbs(replace(damaged, tables=counts, holders=(idle,))) == []


def test_a_log_is_a_finding_only_while_nobody_has_it_open() -> None:
    left = replace(SOUND, mode="wal", wal=Wal(4096, "1", frames=3, folded=1))
    living = replace(left, holders=(replace(HUNG, locks=(LockKind.WAL_OPEN,)),))

    (finding,) = find_database_lock(replace(snapshot(), database=left))
    assert "2 committed pages" in finding.summary
    assert list(find_database_lock(replace(snapshot(), database=living))) == []
    assert verbs(left) == ["copy state", "re-open state"]
    assert verbs(living) == []


def test_it_is_everybody_s_and_never_repaired_for_one_workstream() -> None:
    seen = replace(snapshot(), database=replace(SOUND, holders=(HUNG,)))

    assert (
        plan_database(seen, Policy(), Request(workstreams=frozenset({WorkstreamId("ws-01")}))).steps
        == ()
    )


def test_a_plan_that_opens_what_it_has_not_copied_cannot_be_made() -> None:
    with pytest.raises(UnsafePlanError):
        Plan(PurePath("/repo"), (OpenState(subject="x", reason="y", path=PATH),))


def test_nobody_is_stopped_over_a_deleted_log_while_a_newer_one_holds_commits() -> None:
    stranded = Holder(
        7, process(7), activity=Activity.IDLE, deleted=("orchestration.db-wal",), is_near=True
    )
    alone = replace(SOUND, mode="wal", holders=(stranded,))

    assert "stop" in verbs(alone)
    assert verbs(replace(alone, wal=Wal(4096, "1", frames=3, folded=0))) == ["copy state"]
