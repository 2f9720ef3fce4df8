"""What a step asks of the look before it is what its facts and its act name; where that may be anything, all."""

import pytest

from unjam.domain.steps.plan import Fact, Push, Salvage
from unjam.domain.steps.scope import Scope, scope_of


def salvage(worktree: str, *kinds: str) -> Salvage:
    """A salvage that rests on such facts of its worktree."""
    facts = tuple(Fact(kind, worktree, "") for kind in kinds)
    return Salvage(subject=worktree, reason="", facts=facts, worktree=worktree)


@pytest.mark.parametrize("name", ["one", "none"])
def test_it_asks_for_the_worktree_of_its_act_and_of_its_facts(name: str) -> None:
    assert scope_of(salvage(name)) == Scope(frozenset({name}), frozenset())
    assert scope_of(salvage(name, "head of", "lock of")) == scope_of(salvage(name))


def test_it_asks_for_everything_where_a_fact_may_be_of_anything() -> None:
    assert scope_of(salvage("one", "stray")) is None
    assert scope_of(salvage("one", "a kind that is new")) is None
    assert scope_of(salvage("")) is None  # the primary: all worktrees lie in it
    assert scope_of(Push(subject="origin", reason="", facts=(), remote="origin")) is None
