"""Say what tests may miss in a trial: it is a fresh checkout, and the primary is not."""

from unjam.adapters.git.observing.fresh_checkout import not_in_a_fresh_checkout
from unjam.domain.world.words import first_few
from unjam.engine.orchestration import Orchestration, state_file
from unjam.errors import UnjamError

_NAMED = 5


def lacking(orchestration: Orchestration) -> str:
    """Name what Git ignores in the primary and its submodules, which no trial has; empty: there are none."""
    settings = orchestration.settings.orchestration
    state = state_file(orchestration)
    own = [orchestration.below(settings.worktrees), orchestration.below(settings.logs)]
    try:
        absent = not_in_a_fresh_checkout(
            orchestration.common, orchestration.primary, [*own, *([state] if state else [])]
        )
    except UnjamError:
        return ""  # a hint; what the tests said stands without it
    if not absent:
        return ""
    return (
        "it ran in a fresh checkout, which has neither what Git ignores nor submodules, here "
        f"{first_few(absent, _NAMED)}; if the tests need one of these, let verify.command make it first"
    )
