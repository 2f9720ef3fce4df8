"""Let Git and a child look at a repository while the rest of a check is still being imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.mending.shared_files import find_damaged_files
from unjam.adapters.git.observing.start import StartedReading, start_reading
from unjam.adapters.git.repository import Repository, find_repository


class HeadStart(NamedTuple):
    """A repository that is being looked at already."""

    repository: Repository
    begun: StartedReading | None  # None: Git sees nothing there


@contextmanager
def head_start(start: Path) -> Iterator[HeadStart]:
    """Find the repository from here upwards and begin to look at it; raises UnjamError."""
    repository = find_repository(start)
    if find_damaged_files(repository.common):
        yield HeadStart(repository, None)
        return
    with start_reading(repository) as begun:
        yield HeadStart(repository, begun)
