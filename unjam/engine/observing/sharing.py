"""Say whom the state may serve beside this clone; closely only where that, or a bare row, asks for it."""

from unjam.adapters import machine, mounts
from unjam.adapters.state.location import file_of, why_shared
from unjam.domain.world.elsewhere import Sharing, has_a_claim
from unjam.domain.world.snapshot import Row, State
from unjam.domain.world.truth import Truth
from unjam.engine.observing.local_signs import Here
from unjam.engine.orchestration import Orchestration


def sharing_of(orchestration: Orchestration, state: State, here: Here) -> Sharing | None:
    """Say whom the state may serve, and of which rows something is here; None where there is no state.

    One that cannot be read may have the rows of anybody.
    """
    hidden = state.readable is Truth.UNKNOWN
    if state.readable is Truth.NO:
        return None
    because = _why_shared(orchestration)
    bare = _without_a_place(state, here, branch_is_place=not because)
    nursery = orchestration.below(orchestration.settings.orchestration.worktrees)
    sharing = Sharing(because=because, machine=machine.names(), nursery=nursery)
    if not (bare or because or hidden):
        return sharing
    # Seldom needed, and a check must answer in a blink.
    from unjam.engine.observing.whose_rows import looked_at_closely

    return looked_at_closely(orchestration, sharing, bare, state.rows, here)


def _without_a_place(state: State, here: Here, *, branch_is_place: bool) -> tuple[Row, ...]:
    """Return the rows for which somebody may be at work, and of which nothing is here.

    An agent has a branch in one clone and works in another where it took the branch along.
    """
    placed = {one.workstream for one in here.facts.branches} if branch_is_place else set()
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
