"""A recovery and an undo through the engine alone, in this process: hundreds fit into a minute.

The steps and their order are those of the flows, and so is what becomes of a step that fails; only
Prefect, and its waiting before it tries again, is missing.
"""

import sys
from pathlib import Path

from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.plan import Step
from unjam.domain.steps.request import Request
from unjam.domain.world.identity import Scenario
from unjam.engine.acts.carry_out import carry_out, give_up
from unjam.engine.acts.recovery import Permission, Recovery
from unjam.engine.orchestration import Orchestration, open_orchestration
from unjam.engine.running.prepare import look_again, look_and_prepare
from unjam.engine.running.replanning import ROUNDS, plan_anew
from unjam.engine.running.session import Terms, adopt, session
from unjam.engine.running.undo import preview_undo, take_back
from unjam.engine.telling.escalate import escalate_repeated
from unjam.engine.telling.run_report import conclude, conclude_undo
from unjam.errors import TransientError

ALL_SCENARIOS = tuple(SCENARIOS)


def recover(repo: Path, scenarios: tuple[Scenario, ...] = ALL_SCENARIOS) -> Document:
    """Recover with everything approved; the document that ``--json`` prints."""
    return recover_in(open_orchestration(repo), Request(scenarios))


def recover_in(orchestration: Orchestration, request: Request) -> Document:
    """Recover an orchestration that is open already."""
    with session(orchestration, Terms("recover", request), Permission(everything=True)) as run:
        prepared = look_and_prepare(run)
        adopt(run, prepared.plan)
        for step in prepared.plan.but_restart():
            carry_on(run, step)
        plan = prepared.plan
        for _ in range(ROUNDS):
            anew = plan_anew(run, plan, only_as_seen=False)
            if anew is None:
                break
            for step in anew.but_restart():
                carry_on(run, step)
            plan = anew
        after = look_again(run)
        for step in plan.restarts():
            carry_on(run, step)
        escalate_repeated(run, prepared.findings, after)
        return conclude(run, prepared, after)


def undo(repo: Path, run: str) -> Document:
    """Take a run back; raises RefusedError, both sides named, where the world has moved on."""
    with session(open_orchestration(repo), Terms("undo", undoes=run), Permission()) as this:
        for change in preview_undo(this.orchestration, run):
            this.settle((take_back(this, change),))
        return conclude_undo(this, run)


def carry_on(run: Recovery, step: Step) -> None:
    """Carry out a step; one that could not be done for now is given up."""
    try:
        carry_out(run, step)
    except TransientError as error:
        give_up(run, step, str(error))


def sentences(document: Document, step: str) -> dict[str, str]:
    """What came of the steps of one kind: subject → "word: sentence"."""
    return {
        one["subject"]: f"{one['outcome']}: {one['sentence']}"
        for one in document["outcomes"]
        if one["step"] == step
    }


if __name__ == "__main__":
    sys.stdout.write(undo(Path(sys.argv[1]), sys.argv[2])["word"] + "\n")
