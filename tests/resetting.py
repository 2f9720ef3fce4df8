"""A reset through the engine alone, in this process, or as a program of its own that a test can kill."""

import sys
from pathlib import Path

from tests.recovering import carry_on
from unjam.domain.reports.check_report import Document
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.reset import prepare_reset, verify_reset
from unjam.engine.running.session import Terms, adopt, session
from unjam.engine.telling.run_report import conclude

DRIVER = Path(__file__)


def reset(repo: Path) -> Document:
    """Reset with everything approved; the document that ``--json`` prints."""
    with session(open_orchestration(repo), Terms("reset"), Permission(everything=True)) as run:
        prepared = prepare_reset(run)
        adopt(run, prepared.plan)
        for step in prepared.plan.steps:
            carry_on(run, step)
        verify_reset(run)
        return conclude(run, prepared, ())


if __name__ == "__main__":
    sys.stdout.write(reset(Path(sys.argv[1]))["word"] + "\n")
