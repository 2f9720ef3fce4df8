"""How a run that does not reach its end is left: one that failed has ended, one that was stopped is open."""

import pytest

from tests.world import World
from unjam.domain.steps.outcome import RunWord
from unjam.engine.acts.recovery import Permission
from unjam.engine.keeping.past_runs import past_runs, unfinished
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.session import Terms, session


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_is_open_for_the_next_to_continue(
    world: World, interruption: type[BaseException]
) -> None:
    orchestration = open_orchestration(world.repo)

    with pytest.raises(interruption), session(orchestration, Terms("recover"), Permission()):
        raise interruption

    (left,) = unfinished(orchestration)
    with session(orchestration, Terms("recover"), Permission()) as run:
        assert [one.id for one in run.killed] == [left.id]


def test_a_run_that_failed_has_ended_and_needs_a_human(world: World) -> None:
    orchestration = open_orchestration(world.repo)

    with pytest.raises(OSError), session(orchestration, Terms("recover"), Permission()):  # noqa: PT011 -- raised here
        raise OSError

    assert unfinished(orchestration) == ()
    assert [past.word for past in past_runs(orchestration)] == [RunWord.NEEDS_HUMAN]
