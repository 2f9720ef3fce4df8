"""One recovery of everything, as a program of its own that a test can kill."""

import sys
from pathlib import Path

from tests.recovering import recover

DRIVER = Path(__file__)

if __name__ == "__main__":
    sys.stdout.write(recover(Path(sys.argv[1]))["word"] + "\n")
