"""Every scenario, one row each: how it is found and planned, what it needs, what it adds elsewhere.

Nothing is imported before it is asked for: a check pays for what it looks at, and no more. Nobody
else names a scenario; without its row, its room and its page, it is gone.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from unjam.domain.catalogue.references import resolved
from unjam.domain.world.identity import Scenario

if TYPE_CHECKING:
    from unjam.domain.steps.plan import Plan, Step
    from unjam.domain.steps.policy import Policy
    from unjam.domain.steps.request import Request
    from unjam.domain.world.finding import Finding
    from unjam.domain.world.snapshot import Snapshot


class Need(StrEnum):
    """What must be looked at for a scenario."""

    ROWS = "rows"  # with what became of each workstream
    SIGNS = "signs"  # of life, of agents that are silent
    OBJECTS = "objects"  # of Git, and its files about checkouts
    DATABASE = "database"  # the state's file
    CLASHES = "clashes"  # of branches with the trunk
    ORDER = "order"  # who waits for whom
    TESTS = "tests"  # of the trunk


@dataclass(frozen=True, slots=True)
class Option:
    """What `unjam recover` takes for one scenario alone."""

    name: str
    help: str
    names_workstreams: bool = True
    narrows: bool = False  # to these workstreams, and to its scenario where none was named


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One way runs break; its name is also that of its flow, its page and its test."""

    name: Scenario
    find: str  # module:function below unjam.domain.scenarios, as all of these
    plan: str
    needs: tuple[Need, ...]
    obstacle: str = ""  # says why nothing can be done where only it was found
    hidden: str = ""  # says what keeps it from being found
    asked: str = ""  # tells whether it is to be planned though it was not found
    refuses: str = ""  # says what was wrongly asked for, by what was found
    picture: str = ""  # draws what it is about, as SVG
    reads_damage: bool = False  # while the trunk is damaged, it alone can be told
    options: tuple[Option, ...] = ()
    demo: str = ""  # module:name below unjam.demo

    @property
    def page(self) -> str:
        """Where it is explained, from the root of this project on."""
        return f"docs/scenarios/{self.name}.md"

    @property
    def flow(self) -> str:
        """Name its flow, as Prefect does."""
        return f"flows.{self.name}:{self.name}"

    def ask(self, reference: str) -> Callable[..., str]:
        """Return what answers in words; where there is none, what has nothing to say."""
        answer: Callable[..., str] = _room(reference) if reference else _nothing
        return answer

    def findings(self, snapshot: "Snapshot") -> "Iterator[Finding]":
        """Find it; nothing where what it needs was not looked at closely."""
        if all(_is_there(one, snapshot) for one in self.needs):
            yield from _room(self.find)(snapshot)

    def is_asked(self, request: "Request", owed: "tuple[Step, ...]") -> bool:
        """Tell whether its way out is to be planned, whatever was found."""
        return bool(self.asked and _room(self.asked)(request, owed))

    def planned(
        self,
        snapshot: "Snapshot",
        policy: "Policy",
        request: "Request",
        owed: "tuple[Step, ...]" = (),
    ) -> "Plan":
        """Plan its way out, of the workstreams that were asked for and of what they share.

        ``owed`` are steps a killed run had planned and not carried out. Never raises for what was
        observed.
        """
        plan: Plan = _room(self.plan)(snapshot, policy, request, owed)
        return plan


# Of what several find, the first has it; a workstream that several would treat is the first's.
SCENARIOS: Mapping[Scenario, ScenarioRow] = {
    row.name: row
    for row in (
        ScenarioRow(
            Scenario("orchestrator_crash"),
            find="crash.find:find_orchestrator_crash",
            plan="crash.plan:plan_crash",
            needs=(Need.ROWS,),
            hidden="crash.find:why_not_found",
            asked="crash.plan:is_asked",
            options=(
                Option(
                    "elsewhere",
                    "its machine is gone for good: bring the row to failed; with no other scenario "
                    "than orchestrator_crash; repeatable",
                    narrows=True,
                ),
            ),
            demo="crash:play",
        ),
        ScenarioRow(
            Scenario("agent_hang"),
            find="hang.find:find_agent_hang",
            plan="hang.plan:plan_hang",
            needs=(Need.SIGNS,),
            demo="episodes:HANG",
        ),
        ScenarioRow(
            Scenario("worktree_corruption"),
            find="corruption.find:find_worktree_corruption",
            plan="corruption.plan:plan_corruption",
            needs=(Need.OBJECTS,),
            reads_damage=True,
            demo="episodes:CORRUPTION",
        ),
        ScenarioRow(
            Scenario("database_lock"),
            find="database.find:find_database_lock",
            plan="database.plan:plan_database",
            needs=(Need.DATABASE,),
            asked="database.plan:is_asked",
            options=(
                Option(
                    "vacuum",
                    "with database_lock: rewrite the state without its holes, too",
                    names_workstreams=False,
                ),
            ),
            demo="episodes:LOCK",
        ),
        ScenarioRow(
            Scenario("merge_conflict"),
            find="conflict.find:find_merge_conflict",
            plan="conflict.plan:plan_conflict",
            needs=(Need.CLASHES,),
            obstacle="conflict.plan:why_conflicts_wait",
            refuses="conflict.plan:why_not_discarded",
            options=(
                Option(
                    "discard",
                    "give this one up, with merge_conflict alone; the vault keeps it; repeatable",
                ),
            ),
            demo="episodes:CONFLICT",
        ),
        ScenarioRow(
            Scenario("dependency_deadlock"),
            find="deadlock.find:find_dependency_deadlock",
            plan="deadlock.plan:plan_deadlock",
            needs=(Need.ORDER,),
            obstacle="deadlock.plan:why_nothing_is_done",
            picture="deadlock.picture:picture_of",
            demo="episodes:DEADLOCK",
        ),
        ScenarioRow(
            Scenario("failing_merge"),
            find="failing_merge.find:find_failing_merge",
            plan="failing_merge.plan:plan_failing_merge",
            needs=(Need.TESTS,),
            demo="episodes:FAILING_MERGE",
        ),
    )
}


def needing(need: Need) -> tuple[ScenarioRow, ...]:
    """Return the scenarios that something must be looked at for."""
    return tuple(row for row in SCENARIOS.values() if need in row.needs)


def needs_of(scenarios: Collection[Scenario]) -> frozenset[Need]:
    """Return all that must be looked at for these."""
    return frozenset(need for one in scenarios for need in SCENARIOS[one].needs)


def scenarios_of(request: "Request") -> tuple[Scenario, ...]:
    """Return the scenarios that were asked for; all of them where none was named."""
    return request.scenarios or tuple(SCENARIOS)


def is_by_name(scenarios: Collection[Scenario]) -> bool:
    """Tell whether some were asked for, and not simply all."""
    return len(scenarios) < len(SCENARIOS)


def asks_for_tests(scenarios: Collection[Scenario]) -> bool:
    """Tell whether tests may be run: only where a scenario that needs them was asked for by name.

    They take long and run agents' code; everything at once makes do with what is on record.
    """
    return is_by_name(scenarios) and Need.TESTS in needs_of(scenarios)


def to_type(verb: str, need: Need) -> str:
    """Write the command for the scenario that needs this; for all where no scenario does."""
    return " ".join(("unjam", verb, *(row.name for row in needing(need)[:1])))


def picture_of(snapshot: "Snapshot") -> str:
    """Draw what the first scenario that can be drawn is about, as SVG; nothing where none is there."""
    drawn = (row.ask(row.picture)(snapshot) for row in SCENARIOS.values() if row.picture)
    return next(filter(None, drawn), "")


def _is_there(need: Need, snapshot: "Snapshot") -> bool:
    """Tell what is looked at only where something is odd, or on request."""
    seen = {
        Need.SIGNS: snapshot.watched,
        Need.DATABASE: snapshot.database,
        Need.TESTS: snapshot.tests,
    }
    return bool(seen.get(need, True))


def _room(reference: str) -> Callable[..., Any]:
    found: Callable[..., Any] = resolved(f"unjam.domain.scenarios.{reference}")
    return found


def _nothing(*_: object) -> str:
    return ""
