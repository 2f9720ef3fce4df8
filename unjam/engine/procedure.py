"""The one procedure of every recovery, and that of a reset; how its parts are carried out is handed in."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from unjam.domain.reports.check_report import Document
from unjam.domain.steps.plan import Plan, Salvage, Step
from unjam.domain.world.finding import Finding
from unjam.engine.acts.carry_out import carry_out, give_up
from unjam.engine.acts.recovery import Recovery
from unjam.engine.acts.salvage import salvage_all
from unjam.engine.running.prepare import Prepared, look_again, look_and_prepare
from unjam.engine.running.replanning import ROUNDS, plan_anew
from unjam.engine.running.reset import prepare_reset, verify_reset
from unjam.engine.running.session import adopt
from unjam.engine.telling.escalate import escalate_repeated
from unjam.engine.telling.run_report import conclude
from unjam.errors import RefusedError, TransientError, UnjamError

Found = tuple[Finding, ...]


class Way(Protocol):
    """How the parts are carried out: each as a task of Prefect, or by a plain call."""

    def assess(self, run: Recovery) -> Prepared:
        """Observe, diagnose and plan."""

    def salvage_all(self, run: Recovery, steps: Sequence[Salvage]) -> None:
        """Take what these steps are to save into the vault as one pack; each finds it there."""

    def carry_out(self, run: Recovery, step: Step) -> None:
        """Carry out one step; one that fails is settled, and does not stop the next."""

    def assess_anew(self, run: Recovery, before: Plan) -> Plan | None:
        """Plan anew what became untrue before its turn; None where nothing did."""

    def assess_again(self, run: Recovery) -> Found:
        """Observe afresh, and return what is still found."""

    def escalate(self, run: Recovery, prepared: Prepared, after: Found) -> None:
        """Call a person for what this run, the last that is allowed, did not clear."""

    def report(self, run: Recovery, prepared: Prepared, after: Found | None = None) -> Document:
        """End the run with its word, and describe it."""


def recover(run: Recovery, way: Way) -> Document:
    """Assess, carry out step by step, assess again, restart, escalate, report.

    What became untrue before its turn is planned anew, twice at most. The restart comes after the
    second assessment: what it starts changes what would be looked at.
    """
    prepared = way.assess(run)
    if run.request.rehearsal:
        return way.report(run, prepared)
    plan = _adopted(run, prepared.plan)
    _carry_out(run, plan.but_restart(), way)
    for _ in range(ROUNDS):
        anew = way.assess_anew(run, plan)
        if anew is None:
            break
        _carry_out(run, anew.but_restart(), way)
        plan = anew
    after = way.assess_again(run)
    _carry_out(run, plan.restarts(), way)
    way.escalate(run, prepared, after)
    return way.report(run, prepared, after)


def reset(run: Recovery, way: Way) -> Document:
    """Assess, carry out step by step, look whether anything is left, report."""
    prepared = way.assess(run)
    if run.request.rehearsal:
        return way.report(run, prepared)
    _carry_out(run, _adopted(run, prepared.plan).steps, way)
    return way.report(run, prepared, way.assess_again(run))


def _adopted(run: Recovery, plan: Plan) -> Plan:
    """Take a plan as this run's own; raises RefusedError if a person saw another."""
    seen = run.permission.plan
    if seen not in (None, plan.digest):
        raise RefusedError(
            f"the facts have changed: the plan is now {plan.digest}, and {seen} was approved,"
            " or that is of another version of unjam"
        )
    adopt(run, plan)
    return plan


def _carry_out(run: Recovery, steps: Sequence[Step], way: Way) -> None:
    salvages = [one for one in steps if isinstance(one, Salvage)]
    for step in steps:
        if salvages and step is salvages[0]:
            way.salvage_all(run, salvages)
        way.carry_out(run, step)


class Plainly:
    """By plain calls in this process: nothing is tried again."""

    def assess(self, run: Recovery) -> Prepared:
        """Observe, diagnose and plan."""
        return look_and_prepare(run)

    def salvage_all(self, run: Recovery, steps: Sequence[Salvage]) -> None:
        """Take it in; where that fails, each step saves its own."""
        with suppress(UnjamError):
            salvage_all(run, steps)

    def carry_out(self, run: Recovery, step: Step) -> None:
        """Carry out a step; one that cannot be done for now is given up."""
        try:
            carry_out(run, step)
        except TransientError as error:
            give_up(run, step, str(error))

    def assess_anew(self, run: Recovery, before: Plan) -> Plan | None:
        """Plan anew what became untrue before its turn."""
        return plan_anew(run, before)

    def assess_again(self, run: Recovery) -> Found:
        """Observe afresh, and return what is still found."""
        return look_again(run)

    def escalate(self, run: Recovery, prepared: Prepared, after: Found) -> None:
        """Call a person for what this run did not clear."""
        escalate_repeated(run, prepared.findings, after)

    def report(self, run: Recovery, prepared: Prepared, after: Found | None = None) -> Document:
        """End the run with its word, and describe it."""
        return conclude(run, prepared, after)


class PlainlyReset(Plainly):
    """A reset by plain calls in this process."""

    def assess(self, run: Recovery) -> Prepared:
        """Observe, and plan how everything goes into the vault."""
        return prepare_reset(run)

    def assess_again(self, run: Recovery) -> Found:
        """Look afresh for what should have been cleared away: what is left has not been done."""
        verify_reset(run)
        return ()
