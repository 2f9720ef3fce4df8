"""A recovery and an undo through the engine alone, in this process: hundreds fit into a minute.

The procedure is that of the flows, and so is what becomes of a step that fails; only Prefect, and its
waiting before it tries again, is missing.
"""

import sys
from pathlib import Path

from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.world.identity import Scenario
from unjam.engine import procedure
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import Orchestration, open_orchestration
from unjam.engine.procedure import Plainly, Way
from unjam.engine.running.session import Terms, session
from unjam.engine.running.undo import preview_undo, take_back
from unjam.engine.telling.run_report import conclude_undo

ALL_SCENARIOS = tuple(SCENARIOS)


_EVERYTHING = Permission(everything=True)


def recover(
    repo: Path,
    scenarios: tuple[Scenario, ...] = ALL_SCENARIOS,
    *,
    allowed: Permission = _EVERYTHING,
) -> Document:
    """Recover with everything approved, or this; the document that ``--json`` prints."""
    return recover_in(open_orchestration(repo), Request(scenarios), allowed=allowed)


def recover_in(
    orchestration: Orchestration,
    request: Request = EVERYTHING,
    way: Way | None = None,
    *,
    allowed: Permission = _EVERYTHING,
) -> Document:
    """Recover an orchestration that is open already."""
    with session(orchestration, Terms("recover", request), allowed) as run:
        return procedure.recover(run, way or Plainly())


def undo(repo: Path, run: str) -> Document:
    """Take a run back; raises RefusedError, both sides named, where the world has moved on."""
    with session(open_orchestration(repo), Terms("undo", undoes=run), Permission()) as this:
        for change in preview_undo(this.orchestration, run):
            this.settle((take_back(this, change),))
        return conclude_undo(this, run)


def sentences(document: Document, step: str) -> dict[str, str]:
    """What came of the steps of one kind: subject → "word: sentence"."""
    return {
        one["subject"]: f"{one['outcome']}: {one['sentence']}"
        for one in document["outcomes"]
        if one["step"] == step
    }


if __name__ == "__main__":
    sys.stdout.write(undo(Path(sys.argv[1]), sys.argv[2])["word"] + "\n")
