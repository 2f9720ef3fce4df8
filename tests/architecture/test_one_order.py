"""The order of a recovery is there once: flows show it, plans keep it, and the papers print it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import ROOT
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.catalogue.steps import STAGES, STEPS
from unjam.domain.world.identity import Scenario

VERBS = {row.name: row.verb for row in STEPS}
ORDER = [one.partition(":")[2] for one in STAGES]
BEGIN, END = ["assess"], ["escalate", "report"]
FOLDER = ROOT / "unjam/domain/scenarios"
EVERY = pytest.mark.parametrize("scenario", SCENARIOS)


def shown_in(flow: str, of: str = "recovered") -> list[str]:
    """The lines of a flow: the verbs it hands to the procedure."""
    tree = ast.parse((ROOT / "flows" / f"{flow}.py").read_text())
    (call,) = (
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == of
    )
    return [one.id for one in call.args[1:] if isinstance(one, ast.Name)]


def in_order(verbs: set[str]) -> list[str]:
    """What a flow with these verbs shows, in the planner's order; the restart is looked at by nobody."""
    steps = [one for one in ORDER if one in verbs and one != "restart"]
    if "salvage" in steps:  # all are taken in together, before each is proven
        steps.insert(steps.index("salvage"), "salvage_all")
    restart = ["restart"] if "restart" in verbs else []
    return [*BEGIN, *steps, "assess_again", *restart, *END]


def planned_by(room: Path, room_name: str | None = None) -> set[str]:
    """The verbs of all kinds of step that a planner, and what it uses of other rooms, makes."""
    seen: set[tuple[Path, str | None]] = set()
    return {VERBS[kind] for kind in made_in(room, room_name, seen)}


def made_in(module: Path, name: str | None, seen: set[tuple[Path, str | None]]) -> Iterator[str]:
    """The kinds of step that one name of a module makes, or all of it, with all that it uses."""
    if (module, name) in seen:
        return
    seen.add((module, name))
    tree = ast.parse(module.read_text())
    imports = {
        alias.asname or alias.name: ROOT / f"{one.module.replace('.', '/')}.py"
        for one in tree.body
        if isinstance(one, ast.ImportFrom) and one.module and "domain.scenarios." in one.module
        for alias in one.names
    }
    own = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(tree if name is None else own.get(name, ast.Module([], []))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in VERBS:
            yield node.func.id
        if isinstance(node, ast.Name) and node.id in own:
            yield from made_in(module, node.id, seen)
        if isinstance(node, ast.Name) and node.id in imports:
            yield from made_in(imports[node.id], node.id, seen)


@EVERY
def test_a_flow_shows_the_verbs_of_its_own_plans_in_the_planners_order(scenario: Scenario) -> None:
    planner, _, function = SCENARIOS[scenario].plan.partition(":")
    planned = planned_by(FOLDER / f"{planner.replace('.', '/')}.py", function)

    assert shown_in(scenario) == in_order(planned)


def test_what_recovers_from_everything_shows_all_of_it() -> None:
    assert shown_in("recover") == in_order({one for each in SCENARIOS for one in shown_in(each)})


def test_a_reset_shows_every_verb_of_its_plans() -> None:
    shown = shown_in("reset", "cleared")

    assert set(shown[1:-2]) - {"salvage_all"} == planned_by(FOLDER / "reset/plan.py")


def test_the_papers_print_the_order() -> None:
    page = (ROOT / "docs/ARCHITECTURE.md").read_text()

    assert "\n".join(table()) in page


def table() -> Iterator[str]:
    """Every verb in order, and which flows show it."""
    yield "| verb | in the flow of |"
    yield "|---|---|"
    flows = {each: shown_in(each) for each in SCENARIOS}
    for verb in shown_in("recover"):
        named = [f"`{each}`" for each, verbs in flows.items() if verb in verbs]
        yield f"| `{verb}` | {'every scenario' if len(named) == len(flows) else ', '.join(named)} |"
