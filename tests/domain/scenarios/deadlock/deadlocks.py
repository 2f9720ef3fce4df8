"""Snapshots of orders, in a few words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

from tests.domain.build import REPO, row, snapshot
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.snapshot import Added, Process, Row, Snapshot, Spec

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def spec(
    name: str, *depends_on: str, files: tuple[str, ...] = (), track: str | None = None
) -> Spec:
    path = REPO / "workstreams" / PurePath(f"{abs(hash(name))}.json")
    return Spec(
        WorkstreamId(name),
        path,
        tuple(map(WorkstreamId, depends_on)),
        files_scope=files,
        track=track,
    )


def since(one: Spec, **days: int) -> Spec:
    """Let its dependencies have come into Git's history on these days."""
    added = (
        Added(WorkstreamId(name), CommitId(f"{day:040x}"), BEGAN + timedelta(days=day), day)
        for name, day in days.items()
    )
    return replace(one, added=tuple(added))


def blocked(name: str, by: str | None = None) -> Row:
    made = row(name, "blocked", None)
    return replace(made, blocked_by=by, values=(*made.values, ("blocked_by", by)))


def ordered(*parts: Spec | Row | Process) -> Snapshot:
    specs = tuple(one for one in parts if isinstance(one, Spec))
    return replace(snapshot(*(one for one in parts if not isinstance(one, Spec))), specs=specs)
