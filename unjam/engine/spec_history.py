"""When the entries of specs that wait for each other came into Git's history."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from unjam.adapters import specs
from unjam.adapters.git.observing.versions import Version, versions
from unjam.domain.graphs.cycles import knots
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.snapshot import Added, Spec
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError


def with_history(
    orchestration: Orchestration, ordered: tuple[Spec, ...], trunk_tip: CommitId
) -> tuple[Spec, ...]:
    """Add to specs that form cycles when each entry was added; where none do, Git is not asked."""
    depends_on = {spec.workstream: spec.depends_on for spec in ordered}
    members = {one for knot in knots(depends_on) for one in knot}
    if not members:
        return ordered
    primary = orchestration.primary
    places = {
        str(spec.path.relative_to(primary)): spec.workstream
        for spec in ordered
        if spec.workstream in members and spec.path.is_relative_to(primary)
    }
    try:
        told = versions(orchestration.common, trunk_tip, list(places))
    except UnjamError:  # history only helps to choose; a damaged one must not hide the cycle
        return ordered
    by_path: dict[str, list[Version]] = {}
    order = {version.commit: number for number, version in enumerate(told)}
    for version in told:
        by_path.setdefault(version.path, []).append(version)
    added = {one: _added(by_path.get(path, ()), order) for path, one in places.items()}
    return tuple(replace(one, added=added.get(one.workstream, ())) for one in ordered)


def _added(told: Iterable[Version], places: Mapping[CommitId, int]) -> tuple[Added, ...]:
    """Walk through the versions of one spec, the oldest first."""
    since: dict[WorkstreamId, Added] = {}
    for version in told:
        since = {
            other: since.get(other)
            or Added(other, version.commit, version.at, places[version.commit])
            for other in specs.depends_on(version.content)
        }
    return tuple(since.values())
