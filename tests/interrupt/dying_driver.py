"""One recovery that ends itself by SIGKILL right before the n-th call that touches the state's place."""

import os
import signal
import sys
from pathlib import Path

from tests.recovering import recover

DYING = Path(__file__)
_CALLS = ("os.rename", "os.link", "os.remove", "os.chmod", "sqlite3.connect")
_PLACES = ("/.state/orchestration.db", "/made/")


def die_before(number: int) -> None:
    """Let this process end right before that call."""
    left = number

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        named = (place in str(one) for one in arguments for place in _PLACES)
        if event in _CALLS and any(named) and "mode=ro" not in str(arguments):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)


if __name__ == "__main__":
    die_before(int(sys.argv[2]))
    sys.stdout.write(recover(Path(sys.argv[1]))["word"] + "\n")
