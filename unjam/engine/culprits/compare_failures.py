"""What a run says of one test, next to what the test said on the trunk: the same failure, or another."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from unjam.adapters.junit import Result, Tested
from unjam.adapters.processes.running.run import VerifyStatus
from unjam.domain.world.trials import Case, Said
from unjam.engine.observing.tests_on_record import Ran

_ALIKE = 0.6  # of two messages of one kind of failure
_TROUBLE = (Result.FAILED, Result.UNCOLLECTED)


@dataclass(frozen=True, slots=True)
class Failing:
    """A test that fails on the trunk, as it failed there."""

    test: str
    signature: str = ""
    output: str = ""
    status: str = VerifyStatus.FAILED  # of the command, where the whole command is the test
    is_whole: bool = False
    is_together: bool = False  # by itself it passes: only the whole suite shows it

    @property
    def needs_everything(self) -> bool:
        """Whether asking for this test alone says nothing."""
        return self.is_whole or self.is_together


def only_together(failing: Failing) -> Failing:
    """Mark a test that passes by itself, and tell those who read what it said."""
    said = f"{failing.output}\nBy itself it passes; it fails when the whole suite runs."
    return replace(failing, is_together=True, output=said.strip())


def never_passed(case: Case) -> Case:
    """Tell those who read what a test said that it may not be the work that is at fault."""
    said = f"{case.output}\nSince it is there it has never passed: it came broken, or this machine lacks what it needs."
    return replace(case, output=said.strip())


def passed_in(ran: Ran) -> set[str]:
    """Return the tests that were there and passed; a file of them where it could be loaded."""
    passed = {one.test for one in (ran.results or {}).values() if one.result is Result.PASSED}
    return passed | {one.partition("::")[0] for one in passed}


def failing_in(ran: Ran, shown: str) -> tuple[Failing, ...]:
    """Return what fails in a run of everything; the whole command where it names no test."""
    trouble = [one for one in (ran.results or {}).values() if one.result in _TROUBLE]
    if trouble:
        return tuple(Failing(one.test, one.signature, one.output) for one in trouble)
    if ran.passed:
        return ()
    return (Failing(shown, output=ran.sentence, status=ran.status, is_whole=True),)


def said_of(failing: Failing, ran: Ran) -> Said:
    """Tell what a run says of a test that fails on the trunk.

    A test that is not there does not fail. One that fails in another way, or could not be loaded,
    or whose run did not come to its end says nothing.
    """
    if failing.is_whole:
        if ran.passed:
            return Said.PASS
        return Said.FAIL if ran.status == failing.status else Said.UNTESTABLE
    if ran.results is None:
        return Said.UNTESTABLE
    found = ran.results.get(failing.test)
    if found is None:
        return _absent(failing, ran.results, ran)
    if found.result not in _TROUBLE:
        return Said.PASS
    return Said.FAIL if _is_same(failing.signature, found.signature) else Said.UNTESTABLE


def _absent(failing: Failing, results: Mapping[str, Tested], ran: Ran) -> Said:
    file = failing.test.partition("::")[0]
    if file in results and results[file].result is Result.UNCOLLECTED:
        return Said.UNTESTABLE
    return Said.UNTESTABLE if ran.status == "timed out" else Said.PASS


def _is_same(mine: str, other: str) -> bool:
    if mine == other or not mine:
        return True
    if _kind(mine) != _kind(other):
        return False
    return difflib.SequenceMatcher(None, mine, other).ratio() >= _ALIKE


def _kind(signature: str) -> str:
    return signature.partition(":")[0].partition(" ")[0]
