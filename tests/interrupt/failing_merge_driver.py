"""One recovery from a failing merge, as a program of its own that a test can kill."""

import sys
from pathlib import Path

from tests.flows.failing_merge.failing import ONLY
from tests.recovering import recover
from unjam.engine.culprits.investigate import known_tests
from unjam.engine.orchestration import open_orchestration

if __name__ == "__main__":
    repo = Path(sys.argv[1])
    known_tests(open_orchestration(repo), lambda _: None)
    sys.stdout.write(recover(repo, ONLY)["word"] + "\n")
