"""``unjam recover``: plan, show, ask, carry out as a Prefect flow run, verify."""

import argparse
from dataclasses import replace
from typing import Any

from unjam.cli.launch import Launcher
from unjam.cli.say import Page, as_json, ask, is_terminal, progress_line
from unjam.cli.trust import opened, opened_to_look
from unjam.domain.catalogue.scenarios import SCENARIOS, Need, asks_for_tests, needing
from unjam.domain.reports.call import is_only_to_be_retried, only_repeats, word_of_call
from unjam.domain.reports.check_report import Document
from unjam.domain.steps.outcome import RunWord
from unjam.domain.steps.plan import Plan
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request, workstreams_named
from unjam.domain.world.words import counted
from unjam.engine.culprits.investigate import known_tests
from unjam.engine.running.prepare import Prepared, preview, whoever
from unjam.errors import RefusedError, UsageError

_ROUNDS = 3  # recoveries in one call, each of what the one before it uncovered
_STATUSES = {RunWord.RECOVERED: 0, RunWord.NOTHING: 0, RunWord.REFUSED: 3}
_STYLES = {"done": "green", "already done": "green", "failed": "bold red", "refused": "yellow"}


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when everything was recovered, 1 when something is left, 3 when refused."""
    call = _Call(arguments)
    done = [call.once()]
    while len(done) < _ROUNDS and call.is_worth_another(done[-1]):
        further = call.once_more(done)
        if further is None:
            break
        done.append(further)
    *earlier, document = done
    document["word"] = str(word_of_call(done))
    if arguments.json:
        as_json(document | ({"earlier": earlier} if earlier else {}))
    elif document["word"] != RunWord.PLANNED:
        Page().line(document["word"], "bold")
    return exit_status(*done)


def exit_status(*done: Document) -> int:
    """Return 0 where nothing is left to a person: what its orchestrator takes up again is not."""
    word = RunWord(done[-1]["word"])
    if word is RunWord.PARTLY and is_only_to_be_retried(done):
        return 0
    return _STATUSES.get(word, 1)


class _Call:
    """What was asked for; carried out anew when one recovery uncovers what the next can treat."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._request = _requested(arguments)
        only_looks = arguments.dry_run and not asks_for_tests(self._request.scenarios)
        self._orchestration = (opened_to_look if only_looks else opened)(arguments)
        self._launcher: Launcher | None = None

    def once(self) -> Document:
        """Plan, show, ask, carry out; raises RefusedError when it was not allowed."""
        return self._carried_out(self._planned())

    def _planned(self) -> tuple[Prepared, Policy, bool]:
        if asks_for_tests(self._request.scenarios):
            self._bring_tests_on_record()
        return preview(self._orchestration, self._request)

    def _carried_out(self, planned: tuple[Prepared, Policy, bool]) -> Document:
        arguments, (prepared, policy, is_owed) = self._arguments, planned
        document = prepared.described(policy)
        if not arguments.json:
            print_plan(document)
        if not arguments.dry_run:
            refuse_stale(arguments, prepared.plan)
        if arguments.dry_run or not (prepared.plan.steps or is_owed):
            return document
        self._launcher = self._launcher or Launcher().start()
        approval = _approval(arguments, prepared.plan, policy)
        document = self._launcher.run(self._flow(), **self._parameters(approval))
        if not arguments.json:
            print_outcomes(document)
        return document

    def _bring_tests_on_record(self) -> None:
        if self._orchestration.settings.verify.dask is None:
            known_tests(self._orchestration, progress_line())
            return
        # Only Prefect knows the way to Dask: so the search is a flow run of its own.
        self._launcher = self._launcher or Launcher().start()
        where = {"repo": self._orchestration.primary, "config": self._arguments.config}
        for row in needing(Need.TESTS):
            self._launcher.run(row.flow, **where, dry_run=True)

    def once_more(self, done: list[Document]) -> Document | None:
        """Do it again; None where that is not allowed, or nothing but what was refused could be done."""
        # What was named is done, or refused.
        self._request = replace(self._request, discard=frozenset(), elsewhere=frozenset())
        try:
            planned = self._planned()
            if only_repeats(planned[0].plan, done):
                return None
            document = self._carried_out(planned)
        except RefusedError:
            return None
        return document if document["run"] is not None else None

    def is_worth_another(self, document: Document) -> bool:
        """Tell whether a recovery left findings that it could not see before, and may go on."""
        before = {one["fingerprint"] for one in document["findings_before"]}
        new = [one for one in document["findings_after"] if one["fingerprint"] not in before]
        return bool(new) and document["run"] is not None and self._arguments.plan is None

    def _flow(self) -> str:
        """Name the flow: a scenario that was asked for by itself has its own."""
        named = self._request.scenarios
        return SCENARIOS[named[0]].flow if len(named) == 1 else "flows.recover:recover"

    def _parameters(self, approval: dict[str, Any]) -> dict[str, Any]:
        """Fill in the flow's form: what was not asked for stays empty."""
        request = self._request
        named = (request.workstreams or frozenset()) - request.elsewhere  # these say it themselves
        asked = {
            "workstreams": sorted(named) or None,
            "scenarios": list(request.scenarios) if len(request.scenarios) > 1 else None,
            "discard": sorted(request.discard) or None,
            "elsewhere": sorted(request.elsewhere) or None,
            "vacuum": request.vacuum or None,
        }
        return {
            "repo": self._orchestration.primary,
            "approval": approval,
            "config": self._arguments.config,
            **{name: given for name, given in asked.items() if given is not None},
        }


def _requested(arguments: argparse.Namespace) -> Request:
    """Read what was asked for; raises UsageError for an option beside what it does not go with."""
    request = Request(
        tuple(arguments.scenario or ()), workstreams_named(arguments.workstream) or None
    )
    options = [(row.name, one) for row in SCENARIOS.values() for one in row.options]
    given = [(row, one) for row, one in options if getattr(arguments, one.name)]
    for scenario, option in given:
        if not option.narrows and request.scenarios != (scenario,):
            raise UsageError(f"--{option.name}: only with {scenario} alone")
        if option.narrows:
            if request.scenarios not in ((), (scenario,)) or request.workstreams:
                raise UsageError(
                    f"--{option.name}: with {scenario} alone, and without --workstream"
                )
            # What was named is settled, and nothing beside it: nobody asked for that.
            chosen = workstreams_named(getattr(arguments, option.name))
            request = replace(request, scenarios=(scenario,), workstreams=chosen)
    wanted = {one.name: _given(getattr(arguments, one.name)) for _, one in given}
    return replace(request, **wanted, said_by=whoever() if "elsewhere" in wanted else "")


def _given(value: "list[str] | bool") -> Any:
    return workstreams_named(value) if isinstance(value, list) else value


def refuse_stale(arguments: argparse.Namespace, plan: Plan) -> None:
    """Raise RefusedError if a person approved another plan by its digest."""
    if arguments.plan is not None and arguments.plan != plan.digest:
        if not plan.steps:
            raise RefusedError("the plan has changed: there is nothing to do now")
        raise RefusedError(
            f"the facts have changed: the plan is now {plan.digest}, not {arguments.plan}, or that is"
            " of another version of unjam; look again"
        )


def _approval(arguments: argparse.Namespace, plan: Plan, policy: Policy) -> dict[str, Any]:
    """Return what a person allows; raises RefusedError when the answer is no, or nobody can answer."""
    if arguments.yes or arguments.plan is not None or not plan.steps:
        return {"everything": True, "plan": arguments.plan}
    asked = [one for one in plan.classes() if policy.approval(one) is Consent.ASK]
    if asked and not is_terminal():
        raise RefusedError(
            "the plan needs approval and nobody is at a terminal: "
            f"look at it with --dry-run, then use --plan {plan.digest} or --yes"
        )
    allowed = [one for one in asked if ask(_question(one, plan))]
    if asked and not allowed:
        raise RefusedError("approval denied; nothing was changed")
    if not asked and is_terminal() and not ask("Carry out this plan?"):
        raise RefusedError("approval denied; nothing was changed")
    return {"classes": [str(one) for one in allowed], "plan": plan.digest}


def _question(step_class: StepClass, plan: Plan) -> str:
    subjects = [step.subject for step in plan.steps if step.step_class is step_class]
    return f"{step_class}: {', '.join(subjects)}?"


def print_plan(document: Document) -> None:
    """Print what was found and what is to be done about it."""
    from unjam.cli.check import print_finding

    page = Page()
    for finding in document["findings_before"]:
        print_finding(page, finding)
    if document["plan"]:
        page.line()
        page.line(f"plan {document['digest']}, {counted(len(document['plan']), 'step')}", "bold")
        page.table(_HEADS, [_row(step) for step in document["plan"]])
    for note in document["notes"]:
        page.line(f"note: {note}", "yellow")
    if document["because"]:
        page.line(document["because"], "yellow")
    page.line()


_HEADS = ("step", "subject", "because")
_WIDE = 48  # columns


def _row(step: Document) -> tuple[str, ...]:
    asked = "" if step["approval"] == Consent.AUTO else f" ({step['approval']})"
    return f"{step['step']}{asked}", _shortened(step["subject"]), step["reason"]


def _shortened(names: str) -> str:
    """Cut a list of many names; the document has them all."""
    if len(names) <= _WIDE or ", " not in names:
        return names
    return f"{names[:_WIDE].rpartition(', ')[0]}, …"


def print_outcomes(document: Document) -> None:
    """Print what came of every step, what is left, what is kept and how to take it back."""
    from unjam.cli.check import print_incomplete

    page = Page()
    for one in document["outcomes"]:
        page.line(
            f"{one['outcome']:>12}  {one['step']} {one['subject']}", _STYLES.get(one["outcome"], "")
        )
        page.line(f"              {one['sentence']}", "dim")
    for finding in document["findings_after"]:
        page.line(f"still found: {finding['summary']}", "yellow")
    print_incomplete(page, document)
    page.line()
    if document["flow_run"]:
        page.line(f"flow run:  {document['flow_run']['name']}")
    if document["escalated"]:
        page.line(f"a person is needed, and finds everything in {document['escalated']}", "yellow")
    if document["undo"]:
        page.line(f"to take it back:  {document['undo']}")
