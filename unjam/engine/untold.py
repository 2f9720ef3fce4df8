"""What Git could not tell, without what it is known to have lost: that is a finding of its own."""

from unjam.adapters.git.observing.facts import GitFacts
from unjam.domain.world.damage import Damage
from unjam.domain.world.truth import Unknown


def untold(facts: GitFacts) -> tuple[Unknown, ...]:
    """Return what stays unknown."""
    trees = (facts.primary, *facts.worktrees)
    refs = {one.ref for one in facts.lost_branches}
    refs |= {one.branch for one in trees if one.branch and Damage.BRANCH in one.damage}
    lost = {one.id for one in facts.lost}
    return tuple(
        one
        for one in facts.unknown
        if one.what.removeprefix("ref ") not in refs and lost.isdisjoint(one.because.split())
    )
