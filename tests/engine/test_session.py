"""How a run that does not reach its end is left: one that failed has ended, one that was stopped is open."""

import pytest

from tests.world import World
from unjam import __version__
from unjam.adapters.machine import shown
from unjam.adapters.surroundings import user
from unjam.domain.steps.outcome import RunWord
from unjam.engine.acts.recovery import Permission
from unjam.engine.keeping.past_runs import past_runs, unfinished
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.session import Terms, end, session
from unjam.engine.running.undo import preview_undo
from unjam.errors import RefusedError


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


def by_a_later_version(world: World) -> None:
    """Let the only journal be one that a later version has written, with a step nobody knows yet."""
    (path,) = (world.common / "unjam" / "journal").iterdir()
    text = path.read_text().replace(f'"version":"{__version__}"', '"version":"99.1.0"')
    assert "99.1.0" in text
    path.write_text(text + '{"event":"intent","change":{"kind":"Teleport","fields":{}}}\n')


def test_a_journal_says_who_made_the_run_where_and_with_which_version(world: World) -> None:
    orchestration = open_orchestration(world.repo)

    with session(orchestration, Terms("recover"), Permission()):
        pass

    (past,) = past_runs(orchestration)
    assert past.by == {"machine": shown(), "user": user(), "version": __version__}


def test_what_a_later_version_began_is_refused_in_words_and_left_open(world: World) -> None:
    orchestration = open_orchestration(world.repo)
    with (
        pytest.raises(KeyboardInterrupt),
        session(orchestration, Terms("recover"), Permission()) as run,
    ):
        raise KeyboardInterrupt
    by_a_later_version(world)
    before = world.inventory()

    with (
        pytest.raises(
            RefusedError, match=rf"run {run.run} was made by unjam 99\.1\.0, and this is"
        ),
        session(orchestration, Terms("recover"), Permission()),
    ):
        pytest.fail("it began")

    (past,) = past_runs(orchestration)
    assert (past.word, past.is_newer, past.changes) == (None, True, ())
    assert world.inventory() == before


def test_a_run_of_a_later_version_is_shown_and_not_taken_back(world: World) -> None:
    orchestration = open_orchestration(world.repo)
    with session(orchestration, Terms("recover"), Permission()) as run:
        end(run, RunWord.RECOVERED)
    by_a_later_version(world)

    with pytest.raises(RefusedError, match=r"use version 99\.1\.0 or a later one"):
        preview_undo(orchestration, run.run)

    assert [(past.id, past.word) for past in past_runs(orchestration)] == [(run.run, "recovered")]
