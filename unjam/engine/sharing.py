"""Say whom the state may serve beside this clone; closely only where that, or a bare row, asks for it."""

from pathlib import Path
from typing import NamedTuple

from unjam.adapters import machine, mounts
from unjam.adapters.git.observing.facts import GitFacts
from unjam.adapters.state.location import file_of
from unjam.adapters.state.reach import why_shared
from unjam.domain.elsewhere import Sharing, has_a_claim
from unjam.domain.snapshot import LogTail, Row, State, Stray, Worktree
from unjam.engine.orchestration import Orchestration


class Here(NamedTuple):
    """What was observed of this clone."""

    facts: GitFacts
    trees: tuple[Worktree, ...]
    strays: tuple[Stray, ...]
    logs: tuple[LogTail, ...]


def sharing_of(orchestration: Orchestration, state: State, here: Here) -> Sharing | None:
    """Say whom the state may serve, and of which rows something is here; None where there are no rows."""
    if not state.rows:
        return None
    bare = _without_a_place(state, here)
    because = _why_shared(orchestration)
    nursery = orchestration.below(orchestration.settings.orchestration.worktrees)
    sharing = Sharing(because=because, machine=machine.names(), nursery=nursery)
    if not (bare or because):
        return sharing
    # Seldom needed, and a check must answer in a blink.
    from unjam.engine.whose_rows import looked_at_closely

    return looked_at_closely(orchestration, sharing, bare, state.rows, here)


def _without_a_place(state: State, here: Here) -> tuple[Row, ...]:
    """Return the rows for which somebody may be at work, and of which nothing is here."""
    placed = {one.workstream for one in here.facts.branches}
    placed |= {one.workstream for one in here.trees if one.workstream is not None}
    placed |= {one.workstream for one in here.strays if one.workstream is not None}
    return tuple(
        one for one in state.rows if has_a_claim(one.status) and one.workstream not in placed
    )


def _why_shared(orchestration: Orchestration) -> str:
    path = file_of(orchestration.state)
    because = why_shared(orchestration.state, orchestration.primary, orchestration.common)
    if because or path is None:
        return because
    kind = mounts.shared_kind(path)
    return f"the state's file is on a file system that machines share ({kind})" if kind else ""


def signs_of(tree: Worktree) -> list[Path]:
    """Name the files that change when anything is done in a worktree."""
    admin = [Path(tree.admin) / name for name in ("HEAD", "index", "logs/HEAD")]
    return [*admin, *(Path(tree.path) / name for name in sorted(tree.unsaved.paths))]
