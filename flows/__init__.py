"""What a person can ask for, a module each; what is done is written there, a line a verb.

The order of the verbs is the planner's, and the procedure around them is the engine's.
"""

from collections.abc import Callable, Sequence
from typing import Any

from prefect import Task

from tasks.assess import assess_anew
from tasks.runtime.arguments import given_whole
from tasks.runtime.session import settled
from unjam.domain.catalogue.steps import row_of
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.plan import Plan, Salvage, Step
from unjam.engine import procedure
from unjam.engine.acts.carry_out import give_up
from unjam.engine.acts.recovery import Recovery
from unjam.engine.procedure import Found
from unjam.engine.running.prepare import Prepared

Verb = Task[..., Any]


def recovered(run: Recovery, *verbs: Verb) -> Document:
    """Recover with these verbs, each step as a task of its own; returns the report."""
    return procedure.recover(run, _AsTasks(*verbs))


def cleared(run: Recovery, *verbs: Verb) -> Document:
    """Reset with these verbs; returns the report."""
    return procedure.reset(run, _ResetAsTasks(*verbs))


class _AsTasks:
    """Each part as a task of Prefect: the first verb plans, the last reports, the others by name."""

    def __init__(self, *verbs: Verb) -> None:
        calls: list[Callable[..., Any]] = [given_whole(one) for one in verbs]
        self._assess, *_, self._report = calls
        self._verbs = {one.fn.__name__: call for one, call in zip(verbs, calls, strict=True)}

    def assess(self, run: Recovery) -> Prepared:
        prepared: Prepared = self._assess(run)
        return prepared

    def salvage_all(self, run: Recovery, steps: Sequence[Salvage]) -> None:
        # Where it fails for good, each step saves its own.
        self._verbs["salvage_all"](run, steps, return_state=True)

    def carry_out(self, run: Recovery, step: Step) -> None:
        verb = row_of(step).verb
        if verb not in self._verbs:
            give_up(run, step, f"this flow cannot {verb}; unjam recover can")
            return
        settled(run, step, self._verbs[verb](run, step, return_state=True))

    def assess_anew(self, run: Recovery, before: Plan) -> Plan | None:
        return assess_anew(run, before)

    def assess_again(self, run: Recovery) -> Found:
        found: Found = self._verbs["assess_again"](run)
        return found

    def escalate(self, run: Recovery, prepared: Prepared, after: Found) -> None:
        self._verbs["escalate"](run, prepared, after)

    def report(self, run: Recovery, prepared: Prepared, after: Found | None = None) -> Document:
        document: Document = self._report(run, prepared, after)
        return document


class _ResetAsTasks(_AsTasks):
    """A reset looks for what is left, not for what is wrong."""

    def assess_again(self, run: Recovery) -> Found:
        self._verbs["verify_archive"](run)
        return ()
