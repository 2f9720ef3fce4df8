"""A model that takes every question and answers none.

It is a program of the sandbox that `unjam demo` breaks, and no part of unjam.
"""

import socket
import sys
import threading
from pathlib import Path

LIFE = 300  # seconds; nothing of a sandbox outlives a demonstration for long


def main() -> None:
    """Write the port into the file that is named, and take what comes."""
    threading.Timer(LIFE, sys.exit)
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(LIFE)
        told = Path(sys.argv[-1])
        told.with_suffix(".new").write_text(str(door.getsockname()[1]))
        told.with_suffix(".new").rename(told)
        while True:
            asked.append(door.accept())


if __name__ == "__main__":
    main()
