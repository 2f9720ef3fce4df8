"""The states that runs end in: each is called by its word, and of the type that a person filters by.

`Completed`, where nothing is left to a person; `Failed`, where something is.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect.client.schemas.objects import State, StateType
from prefect.runtime import flow_run

from tasks.runtime.events import tell_of_run
from unjam.domain.reports.report import summary_of
from unjam.domain.steps.outcome import ALL_WELL, NOT_DONE, Outcome, RunWord, StepWord
from unjam.domain.world.words import printable
from unjam.errors import RefusedError

Told = TypeVar("Told")
P = ParamSpec("P")
_WORST_FIRST = (StepWord.FAILED, StepWord.REFUSED, StepWord.DONE, StepWord.UNDONE)


class Ending(State[Told]):
    """A state with what is told of a run; that something is left is no exception of the program."""

    def result(self, *_: object, **__: object) -> Any:
        """Return what is told, whatever the type of the state."""
        data: Any = self.data
        return getattr(data, "result", data)


def name_of(word: str) -> str:
    """Call a state by a word."""
    return str(word).capitalize()


def state_of_run(word: str, message: str, told: Told | None = None) -> Ending[Told | None]:
    """Say how a whole run ended."""
    return _ending(word, message, told, is_well=word in ALL_WELL)


def state_of_step(outcomes: tuple[Outcome, ...]) -> Ending[tuple[Outcome, ...]]:
    """Say how a step ended: by the worst that came of it."""
    words = [one.word for one in outcomes]
    word = next((one for one in _WORST_FIRST if one in words), StepWord.ALREADY_DONE)
    told = (one.sentence for one in outcomes if one.word is word)
    return _ending(word, "; ".join(told), outcomes, is_well=word not in NOT_DONE)


def _ending(word: str, message: str, told: Told, *, is_well: bool) -> Ending[Told]:
    return Ending(
        type=StateType.COMPLETED if is_well else StateType.FAILED,
        name=name_of(word),
        message=printable(message),
        data=told,
    )


def ends_in_its_word(
    function: Callable[P, dict[str, Any]],
) -> Callable[P, dict[str, Any]]:
    """Let the run of a flow end in the state of its document's word, and tell of it by an event."""

    @functools.wraps(function)
    def until_ended(*arguments: P.args, **named: P.kwargs) -> Any:
        try:
            document = function(*arguments, **named)
        except RefusedError as error:
            tell_of_run(RunWord.REFUSED, str(error), flow_run.parameters)
            return _refused(error)
        word, message = document["word"], summary_of(document)
        if word != RunWord.PLANNED:
            tell_of_run(word, message, flow_run.parameters, document)
        return state_of_run(word, message, document)

    return until_ended


def _refused(error: RefusedError) -> State[Any]:
    """End as refused, and raise the reason in whoever called."""
    state = _ending(RunWord.REFUSED, str(error), error, is_well=False)
    return State(type=state.type, name=state.name, message=state.message, data=error)
