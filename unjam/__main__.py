"""``python -m unjam``."""

import sys

from unjam.cli import main

sys.exit(main())
