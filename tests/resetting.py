"""A reset through the engine alone, in this process, or as a program of its own that a test can kill."""

import sys
from pathlib import Path

from unjam.domain.reports.check_report import Document
from unjam.engine import procedure
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.procedure import PlainlyReset
from unjam.engine.running.session import Terms, session

DRIVER = Path(__file__)


def reset(repo: Path) -> Document:
    """Reset with everything approved; the document that ``--json`` prints."""
    with session(open_orchestration(repo), Terms("reset"), Permission(everything=True)) as run:
        return procedure.reset(run, PlainlyReset())


if __name__ == "__main__":
    sys.stdout.write(reset(Path(sys.argv[1]))["word"] + "\n")
