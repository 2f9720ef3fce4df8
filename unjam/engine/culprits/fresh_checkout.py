"""Test a commit in a fresh checkout, and tell what could not be tried from what fails."""

import json
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from unjam.adapters.git.moving.carry import carry_over
from unjam.adapters.git.moving.trial_checkout import (
    discard_trial,
    trial_checkout,
    trial_environment,
    trial_root,
)
from unjam.adapters.git.observing.fresh_checkout import not_in_a_fresh_checkout
from unjam.adapters.git.observing.tracked import has_path
from unjam.adapters.processes.running.run import Verification, VerifyStatus, run_verify
from unjam.adapters.processes.running.start_orchestrator import find_command
from unjam.adapters.runner import why_not_tried
from unjam.domain.catalogue.scenarios import Need, to_type
from unjam.domain.world.identity import CommitId
from unjam.domain.world.words import first_few, printable
from unjam.engine.orchestration import Orchestration, state_file
from unjam.errors import RefusedError, UnjamError

_SHOWN = 4  # paths in a line
_QUICK = 30.0  # seconds in which an interpreter answers
_PYTHON_ASKED = (
    "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
)


def make_ready(orchestration: Orchestration, commit: CommitId, target: Path) -> str:
    """Check a commit out, carry over what it lacks and set it up; says why that did not work."""
    settings, common = orchestration.settings.verify, orchestration.common
    trial_checkout(common, commit, target)
    try:
        carry_over(orchestration.primary, target, settings.carry)
    except RefusedError as error:
        return str(error)
    if not settings.setup:
        return ""
    said = _run(orchestration, tuple(settings.setup), target, "setup.log")
    return "" if said.passed else f"verify.setup did not work: {said.sentence}"


def verify(
    orchestration: Orchestration, commit: CommitId, target: Path, command: tuple[str, ...] = ()
) -> Verification:
    """Run the verify command, or another, on a commit in a checkout that was made ready for it."""
    is_other, command = bool(command), command or tuple(orchestration.settings.verify.command)
    if because := make_ready(orchestration, commit, target):
        return Verification(command, VerifyStatus.NOT_TRIED, tail=because)
    said = _run(orchestration, command, target, "verify.log")
    if is_other or said.status is not VerifyStatus.FAILED:
        return said  # another that finds nothing to run has not been met
    because = why_not_tried(command, said.exit_code, said.tail)
    return replace(said, status=VerifyStatus.NOT_TRIED, tail=because) if because else said


def verify_trunk(orchestration: Orchestration, tip: CommitId) -> Verification:
    """Run the verify command on the trunk as it is, in a checkout that is gone afterwards."""
    common = orchestration.common
    target = trial_root(common) / f"trunk-{tip[:12]}" / "tree"
    try:
        return verify(orchestration, tip, target)
    finally:
        discard_trial(common, target)


@dataclass(frozen=True, slots=True)
class NotPassing:
    """Why nothing can land on a trunk; ``untried``: that says nothing of the trunk itself."""

    because: str
    untried: bool


def why_not_passing(orchestration: Orchestration, said: Verification) -> NotPassing:
    """Tell a trunk that fails from one whose tests need what a fresh checkout lacks; what to set."""
    if said.found_nothing:
        return NotPassing(f"{said.sentence}; {what_to_set(orchestration)}", untried=True)
    named = [one for one in what_lacks(orchestration) if _is_named(one, said.tail)]
    if named:
        because = (
            f"the tests could not be tried: a fresh checkout lacks {first_few(named, _SHOWN)}, which "
            f"they name and Git does not have: {said.sentence}; {_to_carry(named)}"
        )
        return NotPassing(because, untried=True)
    see = f"see: {to_type('check', Need.TESTS)}"
    told = "; ".join(filter(None, (said.sentence, hint_of_lacks(orchestration), see)))
    return NotPassing(f"the trunk itself does not pass: {told}", untried=False)


def what_to_set(orchestration: Orchestration) -> str:
    """Name the settings that decide how the tests are started, and what a fresh checkout lacks."""
    set_ = "correct verify.command, or let verify.setup install what it needs"
    return "; ".join(filter(None, (set_, hint_of_lacks(orchestration))))


def what_lacks(orchestration: Orchestration) -> tuple[str, ...]:
    """Name what a fresh checkout lacks of what is here, and is not carried over."""
    settings, below = orchestration.settings.orchestration, orchestration.below
    state = state_file(orchestration)
    apart = [below(settings.worktrees), below(settings.logs), *([state] if state else [])]
    carried = [below(one) for one in orchestration.settings.verify.carry]
    try:
        return not_in_a_fresh_checkout(
            orchestration.common, orchestration.primary, [*apart, *carried]
        )
    except UnjamError:
        return ()  # a hint; what the tests said stands without it


def hint_of_lacks(orchestration: Orchestration) -> str:
    """Say what a fresh checkout lacks, and what to set where the tests need it; empty: nothing."""
    lacks = what_lacks(orchestration)
    if not lacks:
        return ""
    return (
        "it ran in a fresh checkout, which has neither what Git ignores nor submodules, here "
        f"{first_few(lacks, _SHOWN)}; if the tests need one of these, name it in verify.carry, or "
        "let verify.setup make it"
    )


def why_no_runner(orchestration: Orchestration, tip: CommitId) -> str:
    """Say at once that the verify command cannot start in a fresh checkout; nothing where it may."""
    settings = orchestration.settings.verify
    command, primary = tuple(settings.command), orchestration.primary
    word, name = command[0], shlex.join(command)
    if settings.setup:
        return ""  # which may bring it
    found = find_command(word, primary)
    if found is None:
        return f"the verify command `{name}` cannot be run: {word} is not found; correct verify.command"
    if "/" in word and not Path(word).is_absolute() and not _comes_along(orchestration, tip, word):
        top = word.removeprefix("./").partition("/")[0]
        return (
            f"the verify command `{name}` cannot be run: a fresh checkout has no {word}, which Git "
            f"does not have; set verify.carry = {json.dumps([top])}, or name it from the root"
        )
    module = _module_of(command)
    if _has_module(orchestration, tip, found, module):
        return ""
    return (
        f"the verify command `{name}` cannot be run: {found} has no module {module}; "
        "install it there, or correct verify.command"
    )


def _has_module(orchestration: Orchestration, tip: CommitId, python: Path, module: str) -> bool:
    """Ask an interpreter whether it could run a module; what cannot be told is left to the trial."""
    if not module or any(_comes_along(orchestration, tip, one) for one in (module, f"{module}.py")):
        return True
    asked = (str(python), "-c", _PYTHON_ASKED, module)
    log = trial_root(orchestration.common) / "runner.log"
    try:
        said = run_verify(asked, Path("/"), _QUICK, {}, log)
    except UnjamError:
        return True
    return said.exit_code != 1 or bool(said.tail.strip())


def _comes_along(orchestration: Orchestration, tip: CommitId, path: str) -> bool:
    """Tell whether a path is in a fresh checkout: the trunk has it, or it is carried over."""
    named = Path(path)
    carried = [Path(one) for one in orchestration.settings.verify.carry]
    if any(one == named or one in named.parents for one in carried):
        return True
    return has_path(orchestration.common, tip, str(named))


def _module_of(command: tuple[str, ...]) -> str:
    """Return the module that a Python is asked to run at once."""
    is_python = Path(command[0]).name.startswith("python") and command[1:2] == ("-m",)
    return command[2].partition(".")[0] if is_python and len(command) > 2 else ""  # noqa: PLR2004 -- python -m it


def _is_named(path: str, output: str) -> bool:
    """Tell whether output names a path, or the module that it is, and no longer word."""
    bare = path.rstrip("/")
    module = bare.rpartition("/")[0].replace("/", ".") + "." + Path(bare).name.partition(".")[0]
    ending = r"(?=[/'\"`])" if path.endswith("/") else r"(?![\w.-]*\w)"
    told = rf"(?<![\w.-]){re.escape(bare)}{ending}"
    return bool(re.search(told, output)) or (
        Path(bare).suffix in (".so", ".pyd", ".py") and f"'{module.lstrip('.')}'" in output
    )


def _to_carry(named: list[str]) -> str:
    paths = json.dumps([printable(one.rstrip("/")) for one in named[:_SHOWN]])
    return f"set verify.carry = {paths}, or let verify.setup make it"


def _run(
    orchestration: Orchestration, command: tuple[str, ...], target: Path, log: str
) -> Verification:
    return run_verify(
        command,
        target,
        orchestration.settings.verify.timeout.total_seconds(),
        trial_environment(orchestration.common),
        target.parent / log,
    )
