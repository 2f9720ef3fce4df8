"""What shows whether anybody touched a file."""

import os
from collections.abc import Collection
from pathlib import Path


def traces(*roots: Path, without: Collection[str] = ()) -> dict[str, tuple[int, ...]]:
    """Every file and directory with what any touch would change; ``without`` are not looked into."""
    found: dict[str, tuple[int, ...]] = {}
    for root in roots:
        for directory, names, files in os.walk(root):
            if Path(directory).name in without:
                names.clear()
                continue
            for name in (".", *names, *files):
                status = Path(directory, name).lstat()
                found[str(Path(directory, name))] = (
                    status.st_ino,
                    status.st_mode,
                    status.st_size,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                )
    return found
