"""Which specs count while the primary was left on an old commit: those of the trunk."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from unjam.adapters import files, specs
from unjam.adapters.git.observing.facts import GitFacts
from unjam.adapters.git.observing.file_versions import Version, differing_files, versions
from unjam.domain.graphs.cycles import cyclic_groups
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.snapshot import Added, Spec
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError


def as_on_trunk(
    orchestration: Orchestration, ordered: specs.SpecFacts, facts: GitFacts
) -> specs.SpecFacts:
    """Return the specs as they will be once the primary is back on the trunk.

    A file that a person edited there counts as it is. So do all where a person chose the branch.
    """
    primary = facts.primary
    astray = primary.branch is None or primary.branch in {one.ref for one in facts.branches}
    if not astray or primary.head in (None, facts.trunk_tip) or facts.trunk_damaged:
        return ordered
    directory = orchestration.below(orchestration.settings.orchestration.specs)
    try:
        instead = dict(_instead(orchestration, directory, facts))
    except UnjamError:  # what the trunk orders cannot be read: what lies there is all there is
        return ordered
    return specs.read_specs(directory, instead) if instead else ordered


def _instead(
    orchestration: Orchestration, directory: Path, facts: GitFacts
) -> Iterator[tuple[str, bytes | None]]:
    primary = orchestration.primary
    if facts.primary.head is None or not directory.is_relative_to(primary):
        return
    place = directory.relative_to(primary).as_posix()
    found = differing_files(orchestration.common, place, facts.primary.head, facts.trunk_tip)
    for path, one in found.items():
        here = files.content(primary / path)
        name = path.removeprefix(f"{place}/")
        if "/" not in name and (None if here is None else _blob(here, facts.trunk_tip)) == one.was:
            yield name, one.content


def _blob(content: bytes, like: str) -> str:
    """Name content as Git does, in a repository that names its commits like this."""
    digest = hashlib.sha1 if len(like) == 40 else hashlib.sha256  # noqa: PLR2004 -- digits of SHA-1
    return digest(b"blob %d\0" % len(content) + content).hexdigest()


def with_history(
    orchestration: Orchestration, ordered: tuple[Spec, ...], trunk_tip: CommitId
) -> tuple[Spec, ...]:
    """Add to specs that form cycles when each entry was added; where none do, Git is not asked."""
    depends_on = {spec.workstream: spec.depends_on for spec in ordered}
    members = {one for knot in cyclic_groups(depends_on) for one in knot}
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
