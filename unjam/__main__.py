"""``python -m unjam``."""

import sys

from unjam.cli import main

if __name__ == "__main__":  # a process of a pool imports this as well
    sys.exit(main())
