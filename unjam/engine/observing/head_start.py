"""Let Git and a child look at a repository while the rest of a check is still being imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.mending.shared_files import find_shared
from unjam.adapters.git.observing.start import Begun, begin
from unjam.adapters.git.repository import Repository, find_repository


class Ahead(NamedTuple):
    """A repository that is being looked at already."""

    repository: Repository
    begun: Begun | None  # None: Git sees nothing there


@contextmanager
def looking_ahead(start: Path) -> Iterator[Ahead]:
    """Find the repository from here upwards and begin to look at it; raises UnjamError."""
    repository = find_repository(start)
    if find_shared(repository.common):
        yield Ahead(repository, None)
        return
    with begin(repository) as begun:
        yield Ahead(repository, begun)
