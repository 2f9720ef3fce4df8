"""Whether an earlier run saved the work of what now looks as if it had left nothing; kept apart for import time."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from unjam.adapters.git.restoring.salvage_commit import holds_work, manifest_of
from unjam.adapters.git.taking import store
from unjam.domain.world.identity import AgentId, CommitId, WorkstreamId
from unjam.domain.world.naming import Template
from unjam.domain.world.snapshot import Row, SavedBefore, Snapshot
from unjam.domain.world.truth import Truth, Unknown
from unjam.engine.keeping.vault import kept
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError, UsageError

_CHECKOUTS = ("worktree", "before-stop", store.AGAIN)
_BRANCHES = ("heads", "reflog")
_HEAD = "ref: refs/heads/"


def with_saved_before(
    orchestration: Orchestration, snapshot: Snapshot, empty: Mapping[WorkstreamId, Row]
) -> Snapshot:
    """Add what the vault holds of these workstreams, newest first, since their rows say they began."""
    try:
        found = tuple(_saved(orchestration, snapshot, empty))
    except UnjamError as error:
        unknown = (*snapshot.unknown, Unknown("the vault", str(error)))
        return replace(snapshot, saved_known=Truth.UNKNOWN, unknown=unknown)
    return replace(snapshot, saved_before=found)


def _saved(
    orchestration: Orchestration, snapshot: Snapshot, empty: Mapping[WorkstreamId, Row]
) -> Iterator[SavedBefore]:
    whose = _Owners(orchestration, empty)
    seen: set[tuple[WorkstreamId, CommitId]] = set()
    for one in reversed(kept(orchestration)):
        if one.commit is None:
            continue
        owner = whose.of(one.name, one.commit)
        row = empty.get(owner) if owner is not None else None
        if row is None or owner is None or (owner, one.commit) in seen:
            continue
        seen.add((owner, one.commit))
        is_later = row.started_at is None or _began(one.run) >= row.started_at.replace(
            microsecond=0
        )
        if is_later and holds_work(orchestration.common, one.commit, snapshot.trunk_tip):
            yield SavedBefore(owner, one.name)


class _Owners:
    """Tells whose a thing in the vault is, by the branch or the directory it was taken from."""

    def __init__(self, orchestration: Orchestration, empty: Mapping[WorkstreamId, Row]) -> None:
        self.common = orchestration.common
        self.branches = orchestration.branch_template
        self.directories = Template(orchestration.settings.orchestration.worktree_name)
        self.known = frozenset(empty)
        self.agents = frozenset(AgentId(one.agent) for one in empty.values() if one.agent)

    def of(self, ref: str, commit: CommitId) -> WorkstreamId | None:
        _, _, _, kind, *rest = ref.split("/")
        name = "/".join(os.fsdecode(unquote_to_bytes(part)) for part in rest)
        if kind in _BRANCHES:
            branch = name.rpartition("/")[0] if kind == "reflog" else name
            return self._of_branch(branch)
        if kind not in _CHECKOUTS:
            return None
        if kind == store.AGAIN:
            name = name.rpartition("/")[0]
        owner = self.directories.owner_among(name, self.known, self.agents)
        return owner.workstream if owner else self._of_head(commit)

    def _of_head(self, commit: CommitId) -> WorkstreamId | None:
        try:
            head = manifest_of(self.common, commit).head
        except UsageError:
            return None
        return self._of_branch(head.removeprefix(_HEAD)) if head.startswith(_HEAD) else None

    def _of_branch(self, name: str) -> WorkstreamId | None:
        owner = self.branches.owner(name)
        return owner.workstream if owner else None


def _began(run: str) -> datetime:
    """Read from its name when a run began; one of another name may have been at any time."""
    try:
        return datetime.strptime(run.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
