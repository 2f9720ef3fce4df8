"""One trial: the tests on one tree, in a checkout of our own; by whom and where does not matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.moving.trial_checkout import trial_environment, trial_root
from unjam.adapters.junit import read_junit
from unjam.adapters.processes.running.run import Verification, VerifyStatus, run_verify
from unjam.adapters.runner import (
    TestOrder,
    is_pytest,
    order,
    present,
    test_file_of,
    wall_off,
    why_not_tried,
)
from unjam.domain.world.identity import CommitId
from unjam.engine.culprits.fresh_checkout import make_ready
from unjam.engine.observing.tests_on_record import Ran
from unjam.engine.orchestration import Orchestration
from unjam.errors import UsageError

_NOTHING_RAN = 4  # pytest's exit status when it was asked for what is not there
_ENDED_BY_ITSELF = (0, 1, 5)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried, and in which checkout of the pool."""

    orchestration: Orchestration
    slot: int
    commit: CommitId
    tree: str
    tests: tuple[str, ...] | None  # None: the whole suite


def run_trial(trial: Trial) -> Ran:
    """Run the tests; raises UsageError where the verify command cannot be run."""
    place = place_of(trial.orchestration, trial.slot)
    command = tuple(trial.orchestration.settings.verify.command)
    if because := make_ready(trial.orchestration, trial.commit, place):
        return Ran(trial.tree, trial.tests, None, str(VerifyStatus.NOT_TRIED), because, 0.0)
    asked = trial.tests or ()
    if asked and is_pytest(command):
        asked = present(asked, place)
        if not asked:
            return Ran(trial.tree, trial.tests, {}, "passed", "none of its tests is there", 0.0)
    told = _order(trial, place, asked)
    verification = _verify(trial, place, told)
    if told.narrowed and verification.exit_code == _NOTHING_RAN:
        # Not even the tests beside it run when one of those asked for is not there.
        told = _order(trial, place, tuple(dict.fromkeys(str(test_file_of(one)) for one in asked)))
        verification = _verify(trial, place, told)
    results = read_junit(told.report, place) if told.report else None
    if told.narrowed and verification.exit_code not in _ENDED_BY_ITSELF and not results:
        results = None
    is_cut_off = is_pytest(command) and results is None and verification.passed
    # A pytest that never wrote its report was ended by a test, whatever its exit status says.
    status = VerifyStatus.FAILED if is_cut_off else verification.status
    sentence = verification.sentence if told.report is None else _short(verification, results)
    if status is VerifyStatus.FAILED and not results:
        because = why_not_tried(told.command, verification.exit_code, verification.tail)
        status, sentence = (VerifyStatus.NOT_TRIED, because) if because else (status, sentence)
    return Ran(
        tree=trial.tree,
        asked=trial.tests if told.narrowed else None,
        results=results,
        status=str(status),
        sentence=sentence,
        seconds=verification.seconds,
    )


def place_of(orchestration: Orchestration, slot: int) -> Path:
    """Name a checkout of the pool."""
    return trial_root(orchestration.common) / "culprit" / str(slot) / "tree"


def _order(trial: Trial, place: Path, tests: Sequence[str]) -> TestOrder:
    settings = trial.orchestration.settings.verify
    told = order(settings.command, settings.junit, place, place.parent, tests)
    if told.report is not None:
        told.report.unlink(missing_ok=True)
    wall_off(place.parent)
    return told


def _verify(trial: Trial, place: Path, told: TestOrder) -> Verification:
    settings = trial.orchestration.settings.verify
    environment = trial_environment(trial.orchestration.common) | dict(told.environment)
    found = run_verify(
        told.command,
        place,
        settings.timeout.total_seconds(),
        environment,
        place.parent / "verify.log",
    )
    if found.status is VerifyStatus.NOT_FOUND:
        raise UsageError(f"{found.sentence} (verify.command)")
    return found


def _short(verification: Verification, results: object) -> str:
    """Leave our own options out of the command that is shown."""
    after = f"{verification.seconds:.0f} s"
    if results is not None:
        return f"the tests {verification.status} in {after}"
    last = verification.last_line
    return f"the tests ended after {after} without a report" + (f": {last}" if last else "")
