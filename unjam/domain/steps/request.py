"""What is asked of one run: how much of what there is, and what a person said of it by name."""

from collections.abc import Iterable
from dataclasses import dataclass

from unjam.domain.world.identity import Scenario, WorkstreamId


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is to be about; as it is: everything that is found."""

    scenarios: tuple[Scenario, ...] = ()  # empty: all that there are
    workstreams: frozenset[WorkstreamId] | None = None  # None: all, and what they share
    discard: frozenset[WorkstreamId] = frozenset()  # conflicts that are given up
    elsewhere: frozenset[WorkstreamId] = frozenset()  # whose machine is gone for good
    said_by: str = ""  # who says so
    vacuum: bool = False  # the state is to be rewritten without its holes
    rehearsal: bool = False  # only plan: nothing is changed, and nothing written down


EVERYTHING = Request()


def workstreams_named(names: Iterable[str] | None) -> frozenset[WorkstreamId]:
    """Read the workstreams that were named, in a form or on a command line; None: none were."""
    return frozenset(map(WorkstreamId, names or ()))
