"""A word of a record that nobody knows: said, never passed over, never written over."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.build import CLEAN, DIRTY, branch, process, row, snapshot, tree
from tests.domain.scenarios.deadlock.deadlocks import blocked, ordered, spec
from unjam.adapters.state.reference import Wanted, settled, status_of, word_of
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.planning import plan_recovery
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.readiness.progress import progress_of
from unjam.domain.reports.check_report import check_document, healthy
from unjam.domain.scenarios.shared.foreign_rows import why_not_settled
from unjam.domain.steps.plan import Record, Reopen, Restart, Salvage
from unjam.domain.steps.policy import Policy
from unjam.domain.world.identity import Role, Scenario, WorkstreamId
from unjam.domain.world.lookups import doubts
from unjam.domain.world.snapshot import Row, Snapshot
from unjam.domain.world.status import SAID_BESIDE, Status
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Verdict, join, judge
from unjam.errors import PermanentError

STRANGE = [
    None,
    "",
    " ",
    "running ",
    "\nfailed",
    "RUNNING",
    "Completed",
    "in_progress",
    "processing",
    "done",
    "unknown",
    "waiting",
    "paused",
    "0",
    "läuft",
    "x" * 500,
]
KNOWN = [one for one in Status if one not in (Status.UNKNOWN, Status.WAITING, Status.PAUSED)]
POLICY = Policy(resume=("resume",), remote="origin")
EVERYTHING = frozenset(Scenario(one) for one in SCENARIOS)


def strange(ws: str, word: str | None) -> Row:
    return replace(row(ws, word or ""), word=word)


def test_each_word_of_the_reference_is_translated_there_and_back() -> None:
    assert {status_of(word_of(one)) for one in KNOWN} == set(KNOWN)


@pytest.mark.parametrize("word", STRANGE)
def test_a_word_is_known_to_the_letter_or_not_at_all(word: str | None) -> None:
    assert status_of(word) is Status.UNKNOWN


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.WAITING, Status.PAUSED])
def test_what_the_orchestrator_has_no_word_for_is_never_written(status: Status) -> None:
    with pytest.raises(PermanentError, match=f"no word for {status}"):
        settled(row("ws-1"), Wanted(status, None, "now"))


@pytest.mark.parametrize("word", STRANGE)
def test_a_strange_word_is_said_as_it_stands_and_nothing_is_healthy(word: str | None) -> None:
    seen = snapshot(strange("ws-1", word), row("ws-2", "completed"))
    shown = "NULL" if word is None else repr(word)[:20]

    document = check_document(seen, diagnose(seen))

    assert not healthy(seen, ())
    (told,) = document["unknown"]
    assert told["what"] == "what became of ws-1"
    assert told["because"].startswith("status " + shown)
    assert told["because"].endswith(" is not one I know")
    first = document["workstreams"][0]
    assert (first["status"], first["word"]) == ("unknown", word)
    (line, _) = progress_of(seen).lines
    assert line.status is Status.UNKNOWN
    assert line.said.startswith(f"unknown: {shown}")
    assert progress_of(seen).unknown == doubts(seen)


@pytest.mark.parametrize("status", SAID_BESIDE)
def test_what_a_database_has_no_word_for_is_said_beside_and_read_back(status: Status) -> None:
    told = replace(row("ws-1", "failed"), error_message=f"{status}: a person has to look")

    assert told.means is status


def test_many_rows_of_one_word_are_said_in_a_line() -> None:
    seen = snapshot(*(strange(f"ws-{n}", "done") for n in range(100, 200)), row("ws-1", "failed"))

    (told,) = doubts(seen)

    assert told.what == "what became of ws-100, ws-101, ws-102, ws-103, ws-104 and 95 more"


def test_work_behind_a_strange_word_is_saved_and_otherwise_kept_as_it_is() -> None:
    seen = snapshot(strange("ws-1", "in_progress"), branch("ws-1", 0), tree("ws-1", DIRTY))

    (finding,) = diagnose(seen, (Scenario("orchestrator_crash"),))
    plan = plan_recovery({Scenario("orchestrator_crash")}, seen, POLICY)

    assert finding.verdicts == ((WorkstreamId("ws-1"), Verdict.UNKNOWN),)
    assert "cannot tell: status 'in_progress' is not one I know" in {
        one.fact for one in finding.evidence
    }
    assert [type(one) for one in plan.steps] == [Salvage]
    assert "no orchestrator is started: what the state says of ws-1 is not known" in plan.notes


def test_a_strange_word_of_what_is_over_and_tidy_is_no_finding_of_its_own() -> None:
    seen = snapshot(strange("ws-1", "done"), branch("ws-1", landed=Truth.YES))

    assert diagnose(seen) == ()
    assert not healthy(seen, ())


def test_a_living_agent_behind_a_strange_word_is_alive() -> None:
    seen = snapshot(strange("ws-1", "busy"), branch("ws-1"), tree("ws-1"), process("ws-1"))

    (one,) = join(seen)

    assert judge(one, seen).verdict is Verdict.LIVE


def test_whoever_waits_for_a_strange_word_is_in_no_deadlock() -> None:
    seen = ordered(
        spec("ws-1"), strange("ws-1", "in_progress"), spec("ws-2", "ws-1"), blocked("ws-2", "ws-1")
    )

    assert [one for one in diagnose(seen) if one.scenario == "dependency_deadlock"] == []


def test_a_person_settles_no_row_in_a_word_that_nobody_knows() -> None:
    (one,) = join(snapshot(strange("ws-1", "busy")))

    told = why_not_settled(one._replace(elsewhere="its row names another machine"), snapshot())

    assert told == "ws-1: cannot tell: status 'busy' is not one I know"


words = st.sampled_from([*STRANGE, *(str(one) for one in KNOWN)])
parts = st.sampled_from(["ws-1", "ws-2", "ws-3"]).flatmap(
    lambda ws: st.one_of(
        st.builds(branch, st.just(ws), st.sampled_from([0, 1, None]), st.sampled_from(Truth)),
        st.builds(tree, st.just(ws), st.sampled_from([CLEAN, DIRTY])),
        st.builds(process, st.just(ws), st.sampled_from([Role.AGENT, Role.ORCHESTRATOR])),
    )
)


@st.composite
def worlds(draw: st.DrawFn) -> Snapshot:
    rows = [strange(ws, draw(words)) for ws in ("ws-1", "ws-2", "ws-3")]
    found = draw(st.lists(parts, max_size=6))
    once = {(type(one), getattr(one, "ref", getattr(one, "name", ""))): one for one in found}
    return snapshot(*rows, *once.values())


@given(worlds())
def test_no_plan_writes_over_a_strange_word_or_starts_anybody_beside_one(seen: Snapshot) -> None:
    unknown = {one.workstream for one in seen.state.rows if one.status is Status.UNKNOWN}

    plan = plan_recovery(EVERYTHING, seen, POLICY)

    written = {one.workstream for one in plan.steps if isinstance(one, Record | Reopen)}
    assert written.isdisjoint(unknown)
    assert not (unknown and any(isinstance(one, Restart) for one in plan.steps))
