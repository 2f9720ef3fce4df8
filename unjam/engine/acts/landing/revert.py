"""Take landed work back out of the trunk."""

from collections.abc import Iterator

from unjam.adapters.git.moving.exchange import Exchange, exchanged
from unjam.adapters.git.moving.merge import OURS, Conflict, Merged, Nothing
from unjam.domain.catalogue.scenarios import Need, to_type
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import Revert
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.trials import Blame, TrunkTests, Unit, UnitKind, tests_in_words
from unjam.engine.acts.landing.land import base_to_build_on, move_trunk
from unjam.engine.acts.recovery import Landed, Recovery, outcome
from unjam.engine.culprits.bench import open_bench
from unjam.engine.culprits.remedy import judge_remedy
from unjam.engine.observing.tests_on_record import Memory, command_of, write_down

_MERGED = (UnitKind.MERGE, UnitKind.OCTOPUS)
_REBUILDS = 3  # of one revert, while others push


def revert(run: Recovery, step: Revert, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Build the revert in memory, run the whole suite on it, move the trunk once.

    Where somebody pushes while the suite runs, it is built and verified anew on what they pushed.
    """
    base = base_to_build_on(run, fresh)
    for _ in range(_REBUILDS):
        made = _built(run, step, base)
        if not isinstance(made, Merged):
            return made
        passed, because = _verified(run, step, made, fresh)
        if not passed:
            return _settled(run, step, StepWord.FAILED, f"not reverted: {because}")
        built_on, base = base, base_to_build_on(run, fresh)
        if base == built_on:
            return _moved(run, step, fresh, (made, because))
        run.note("remote moved", to=base)
    because = f"the remote moved {_REBUILDS} times while the tests ran; once it rests: {to_type('recover', Need.TESTS)}"
    return _settled(run, step, StepWord.REFUSED, because)


def _built(run: Recovery, step: Revert, base: CommitId) -> Merged | tuple[Outcome, ...]:
    """Make the revert on top of a commit; outcomes where it cannot be, or need not."""
    changes = [Exchange(one.after, one.before) for one in step.units]
    common = run.orchestration.common
    made = exchanged(common, base, changes, _message(step, run.run), (OURS, run.started))
    if isinstance(made, Nothing):
        return _settled(run, step, StepWord.ALREADY_DONE, "the trunk has nothing of it any more")
    if isinstance(made, Conflict):
        paths = ", ".join(made.paths[:5])
        return _settled(run, step, StepWord.REFUSED, f"later work on the same lines: {paths}")
    return made


def _moved(
    run: Recovery, step: Revert, fresh: Snapshot, verified: tuple[Merged, str]
) -> tuple[Outcome, ...]:
    """Move the trunk to what was verified, and say so of every workstream that went."""
    made, because = verified
    parked = move_trunk(run, fresh, made.commit, "revert")
    if parked is not None:
        said = "; ".join(filter(None, (parked.because, parked.advice)))
        return _settled(run, step, StepWord.REFUSED, said)
    for unit in step.units:
        why = f"reverted in {made.commit[:12]}{_why(step, unit)}"
        for name in unit.workstreams:
            landed = Landed(done=True, status=Status.REVERTED, because=why)
            run.landed[WorkstreamId(name)] = landed
    return (outcome(step, StepWord.DONE, f"reverted in {made.commit[:12]}; {because}"),)


def _why(step: Revert, unit: Unit) -> str:
    """Say what a unit broke; of one that only builds on others, how it comes back behind them."""
    share = dict(zip(step.units, step.shares, strict=False)).get(unit, step.tests)
    if share:
        return f": {tests_in_words(share)} failed"
    below = ", ".join(one.name for one in step.units if one.after in step.guilty)
    mainline = "-m 1 " if unit.kind in _MERGED else ""
    what = unit.after if mainline else f"{unit.before}..{unit.after}"
    return f" with {below}, which it builds on; once that is back: git cherry-pick {mainline}{what}"


def _verified(run: Recovery, step: Revert, made: Merged, fresh: Snapshot) -> tuple[bool, str]:
    """Run everything on the result; the run that the plan rests on counts for the very same tree."""
    with open_bench(run.orchestration, Memory(run.orchestration)) as bench:
        ran = bench.run(made.commit, made.tree, None)
    passed, because, left = judge_remedy(ran, set(step.known), set(step.tests))
    if passed:
        cases = fresh.tests.cases if fresh.tests else ()
        innocent = (one for one in cases if one.test in left)
        found = TrunkTests(
            tip=made.commit,
            command=command_of(run.orchestration),
            passed=not left,
            said=ran.sentence,
            cases=tuple(one for one in innocent if one.blame not in (Blame.BROKEN, Blame.PAIR)),
        )
        # Before the trunk is there: whoever is killed in between finds it verified.
        write_down(run.orchestration, found)
    return passed, because


def _settled(run: Recovery, step: Revert, word: StepWord, because: str) -> tuple[Outcome, ...]:
    for name in _owners(step):
        status = Status.REVERTED if word is StepWord.ALREADY_DONE else None
        run.landed[name] = Landed(done=status is not None, status=status, because=because)
    return (outcome(step, word, because),)


def _owners(step: Revert) -> Iterator[WorkstreamId]:
    return (WorkstreamId(name) for unit in step.units for name in unit.workstreams)


def _message(step: Revert, run: str) -> str:
    """Write what Git's own revert would, so that every tool, ours included, knows it for one."""
    subject = f'Revert "{step.units[-1].subject}"'
    if len(step.units) > 1:
        subject = f"Revert {len(step.units)} units that break the tests"
    body = "\n\n".join("\n".join(_told(one)) for one in step.units)
    tests = "\n".join(f"Unjam-Broken-Test: {' '.join(one.split())}" for one in step.tests)
    owners = "\n".join(f"Unjam-Workstream: {one}" for one in _owners(step))
    return "\n".join(filter(None, (f"{subject}\n\n{body}\n", tests, owners, f"Unjam-Run: {run}\n")))


def _told(unit: Unit) -> Iterator[str]:
    if len(unit.commits) == 1 and unit.before and unit.kind in _MERGED:
        yield f"This reverts commit {unit.after}, reversing"
        yield f"changes made to {unit.before}."
        return
    for commit in reversed(unit.commits):
        yield f"This reverts commit {commit}."
