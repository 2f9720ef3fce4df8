"""Tell which branches would conflict with the trunk, before anything is checked out."""

from collections.abc import Iterator
from dataclasses import replace

from unjam.domain.world.conflicts import has_work_of_its_own, is_conflict
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.snapshot import Branch, Clash, Snapshot
from unjam.engine.orchestration import Orchestration

_AT_A_CHECK = 8  # branches, at some milliseconds each; more are merged only where it is asked for


def with_clashes(
    orchestration: Orchestration, snapshot: Snapshot, *, all_of_them: bool
) -> Snapshot:
    """Add what merging each branch that has not landed says; at most checks, of a few only.

    Whatever says that it conflicts is always among them. Nothing of the repository changes.
    """
    if snapshot.trunk_damaged:
        return snapshot
    rows = {row.workstream: row for row in snapshot.state.rows}
    told = {name for name, row in rows.items() if is_conflict(row)}
    open_ones = [one for one in snapshot.branches if has_work_of_its_own(one)]
    asked = open_ones
    if not all_of_them and len(open_ones) > _AT_A_CHECK:
        asked = [one for one in open_ones if one.workstream in told]
    if not asked:
        return replace(snapshot, unmerged=len(open_ones)) if open_ones else snapshot
    clashes = tuple(_clashes(orchestration, snapshot, asked, told))
    return replace(snapshot, clashes=clashes, unmerged=len(open_ones) - len(asked))


def _clashes(
    orchestration: Orchestration, snapshot: Snapshot, asked: list[Branch], told: set[WorkstreamId]
) -> Iterator[Clash]:
    # Most checks have nothing open: those need not wait for what merges.
    from unjam.adapters.git.moving.conflict_prediction import predicted
    from unjam.engine.observing.reported_conflicts import MARKERS, reported_conflict

    tips = [one.tip for one in asked]
    found = predicted(orchestration.common, snapshot.trunk_tip, tips)
    for one in asked:
        conflict = found.get(one.tip)
        page = reported_conflict(orchestration, one.workstream) if one.workstream in told else None
        known = page is not None and page.tip == one.tip
        if conflict is not None:
            reported = known and page is not None and page.digest == conflict.digest
            yield Clash(
                one.ref,
                one.tip,
                one.workstream,
                conflict.paths,
                conflict.kinds,
                conflict.digest,
                reported,
            )
        elif known and page is not None and page.kinds == (MARKERS,):
            sides = (page.paths, page.kinds, page.digest)
            yield Clash(one.ref, one.tip, one.workstream, *sides, reported=True)
