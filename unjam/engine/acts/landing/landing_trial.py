"""Find out what can land: merge and verify batches in a throw-away checkout.

Nothing of the real repository changes here but its object store: the trial's checkout is a
repository of its own, and the person's checkout is never touched.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from unjam.adapters.git.moving.merge import OURS, Conflict, Markers, Merged, Nothing, merge_onto
from unjam.adapters.git.moving.rebase import rebased_onto
from unjam.adapters.git.moving.trial_checkout import discard_trial, trial_root
from unjam.adapters.processes.running.run import Verification
from unjam.adapters.runner import acceptance
from unjam.domain.steps import landing as searching
from unjam.domain.steps.landing import (
    Candidate,
    Conflicting,
    Try,
    Verified,
    landing_order,
    next_trial,
)
from unjam.domain.steps.plan import Land, Landing
from unjam.domain.world.conflicts import CUT_OFF, DEEPEN, did_not_land
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.status import Status
from unjam.domain.world.words import printable
from unjam.engine.acts.recovery import Landed, Recovery
from unjam.engine.culprits.fresh_checkout import verify, why_not_passing


@dataclass(frozen=True, slots=True)
class Landable:
    """The verified tip of everything that can land, and why the rest cannot."""

    tip: CommitId
    landable: tuple[WorkstreamId, ...]
    refused: dict[WorkstreamId, Landed]
    conflicts: dict[WorkstreamId, Conflict | Markers] = field(default_factory=dict)
    rebased: dict[WorkstreamId, str] = field(default_factory=dict)
    trunk_fails: str = ""  # what the tests said of the trunk as it was, where they fail there
    not_tried: str = ""  # why they say nothing of the trunk
    unfinished: dict[WorkstreamId, tuple[str, ...]] = field(default_factory=dict)  # and why
    untried: dict[WorkstreamId, str] = field(default_factory=dict)  # acceptance tests, and why


@dataclass(slots=True)
class _Bench:
    """The trials of one landing: one checkout, used again; each tree is verified once."""

    run: Recovery
    base: CommitId
    landings: dict[WorkstreamId, Landing]
    by_tree: dict[str, Verification] = field(default_factory=dict)
    said: dict[searching.Trial, Verification] = field(default_factory=dict)
    conflicts: dict[WorkstreamId, Conflict | Markers] = field(default_factory=dict)
    rebased: dict[WorkstreamId, str] = field(default_factory=dict)  # what merging said of them
    held: dict[WorkstreamId, str] = field(default_factory=dict)  # what no merge decides, and why
    chain: dict[searching.Trial, tuple[CommitId, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from the trunk as it is, with what its tests said before anything was stopped."""
        self.chain[()] = (self.base, f"tree of {self.base}")
        if self.run.verified is not None and self.run.verified[0] == self.base:
            self.by_tree[f"tree of {self.base}"] = self.run.verified[1]

    @property
    def target(self) -> Path:
        """Where the trial's checkout is."""
        return trial_root(self.run.orchestration.common) / self.run.run / "landing"

    def judge(self, trial: searching.Trial) -> searching.Verdict | None:
        """Merge and verify one trial; None when the tests cannot be tried on the trunk either."""
        merged = self._merge(trial)
        if isinstance(merged, Conflicting):
            return merged
        tip, tree = merged
        if tree not in self.by_tree:
            self.by_tree[tree] = self._verify(tip)
        self.said[trial] = self.by_tree[tree]
        if self.said[trial].found_nothing and (not trial or self.judge(()) is None):
            return None
        return Verified.PASSED if self.said[trial].passed else Verified.FAILED

    def _merge(self, trial: searching.Trial) -> tuple[CommitId, str] | Conflicting:
        """Merge one onto the other; a part that another trial has merged is not merged again."""
        for count, workstream in enumerate(trial, start=1):
            if trial[:count] in self.chain:
                continue
            if workstream in self.held:
                return Conflicting(workstream)
            made = self._merge_one(self.chain[trial[: count - 1]][0], self.landings[workstream])
            if isinstance(made, Conflict) and CUT_OFF in made.kinds:
                self.held[workstream] = f"whether it merges cannot be told: {DEEPEN}"
                return Conflicting(workstream)
            if isinstance(made, Conflict | Markers):
                self.conflicts[workstream] = made
                return Conflicting(workstream)
            previous = self.chain[trial[: count - 1]]
            merged = (made.commit, made.tree) if isinstance(made, Merged) else previous
            self.chain[trial[:count]] = merged
        return self.chain[trial]

    def _merge_one(self, base: CommitId, one: Landing) -> Merged | Conflict | Markers | Nothing:
        name = one.ref.removeprefix("refs/heads/")
        message = f"Merge {name}\n\nLanded and verified by unjam {self.run.run}\n"
        common, when = self.run.orchestration.common, self.run.started
        made = merge_onto(common, (base, one.tip), message, OURS, when)
        if not isinstance(made, Conflict) or CUT_OFF in made.kinds:
            return made
        told = f"{message}Rebased in a trial: merging it conflicted\n"
        rebased = rebased_onto(common, (base, one.tip), told, OURS, when)
        self.run.note(
            "rebased",
            workstream=one.workstream,
            onto=base,
            clean=rebased is not None,
            conflict=conflict_in_words(made),
        )
        if rebased is not None:
            self.rebased[one.workstream] = conflict_in_words(made)
        return rebased or made

    def accepted(self, commit: CommitId, test: str) -> Verification | None:
        """Run one acceptance test of a spec on what lands; None where it may not be started."""
        settings = self.run.orchestration.settings.verify
        command = acceptance(test, settings.command, settings.acceptance)
        return None if command is None else self._verify(commit, command)

    def _verify(self, commit: CommitId, command: tuple[str, ...] = ()) -> Verification:
        return verify(self.run.orchestration, commit, self.target, command)


def search(run: Recovery, step: Land, base: CommitId, held: dict[WorkstreamId, str]) -> Landable:
    """Try the batch, then parts of it while it fails; returns what landed in the trial."""
    landings = {one.workstream: one for one in step.landings}
    bench = _Bench(run, base, landings, held=dict(held))
    depends_on = {one.workstream: one.depends_on for one in step.landings}
    order = landing_order(landings, depends_on)
    lost = _waiting(landings, order.ordered)
    candidates = [
        Candidate(one, frozenset(depends_on[one]) & landings.keys())
        for one in order.ordered
        if one not in lost
    ]
    lost |= {one: _no("its dependencies form a cycle") for one in order.cyclic}
    lost |= {one: _no("it depends on workstreams that form a cycle") for one in order.behind}
    try:
        return _searched(bench, candidates, lost)
    finally:
        discard_trial(run.orchestration.common, bench.target.parent)


def _waiting(
    landings: dict[WorkstreamId, Landing], ordered: Iterable[WorkstreamId]
) -> dict[WorkstreamId, Landed]:
    """Put aside, dependencies first, what waits for something that is not on the trunk."""
    lost: dict[WorkstreamId, Landed] = {}
    for one in ordered:
        needs = (need for need in landings[one].depends_on if need in lost)
        by = landings[one].waits_for or next(needs, None)
        if by is not None:
            lost[one] = _blocked(by)
    return lost


def _searched(
    bench: _Bench, candidates: Iterable[Candidate], lost: dict[WorkstreamId, Landed]
) -> Landable:
    verdicts: dict[searching.Trial, searching.Verdict] = {}
    answer = next_trial(candidates, verdicts)
    while isinstance(answer, Try):
        verdict = bench.judge(answer.trial)
        if verdict is None:
            return _nothing_lands(bench, lost)
        verdicts[answer.trial] = verdict
        bench.run.note("trial", trial=list(answer.trial), verdict=str(verdict))
        answer = next_trial(candidates, verdicts)
    if answer.trunk_fails:
        return _nothing_lands(bench, lost)
    tip = bench.chain[answer.landable][0]
    unfinished, untried = _accepted(bench, tip, answer.landable)
    return Landable(
        tip,
        answer.landable,
        dict(_refusals(bench, answer)) | lost,
        {
            clash.workstream: bench.conflicts[clash.workstream]
            for clash in answer.clashes
            if clash.workstream not in bench.held
        },
        {one: said for one, said in bench.rebased.items() if one in answer.landable},
        unfinished=unfinished,
        untried=untried,
    )


def _nothing_lands(bench: _Bench, lost: dict[WorkstreamId, Landed]) -> Landable:
    """Let nothing land, and nobody be blamed: the trunk itself does not pass, or cannot be tried."""
    said = bench.said[()]
    why = why_not_passing(bench.run.orchestration, said)
    return Landable(
        bench.base,
        (),
        {one: _no(why.because) for one in bench.landings} | lost,
        trunk_fails="" if why.untried else said.sentence,
        not_tried=why.because if why.untried else "",
    )


def _accepted(
    bench: _Bench, tip: CommitId, landable: Iterable[WorkstreamId]
) -> tuple[dict[WorkstreamId, tuple[str, ...]], dict[WorkstreamId, str]]:
    """Try the acceptance tests of what lands: which is not finished, and of which that was not tried."""
    unfinished, untried = {}, {}
    for one in landable:
        landing = bench.landings[one]
        evidence = list(landing.unfinished)
        for test in landing.acceptance_tests:
            found = bench.accepted(tip, test)
            if found is None or found.found_nothing:
                why = (
                    found.sentence if found else "only pytest, or what verify.acceptance names, is"
                )
                untried[one] = f"its acceptance test `{printable(test)}` was not tried: {why}"
            elif not found.passed:
                evidence.append(f"its acceptance test fails: {found.sentence}")
        if evidence:
            unfinished[one] = tuple(evidence)
    return unfinished, untried


def _refusals(
    bench: _Bench, answer: searching.SearchedLanding
) -> Iterable[tuple[WorkstreamId, Landed]]:
    for clash in answer.clashes:
        if clash.workstream in bench.held:
            yield clash.workstream, _no(bench.held[clash.workstream])
        else:
            because = conflict_in_words(bench.conflicts[clash.workstream])
            yield clash.workstream, Landed(done=False, status=Status.CONFLICT, because=because)
    for culprit in answer.culprits:
        because = f"does not verify: {bench.said[culprit.convicted_by].sentence}"
        yield culprit.workstream, Landed(done=False, status=Status.FAILED, because=because)
    for blocked in answer.blocked:
        yield blocked.workstream, _blocked(blocked.by)


def _blocked(by: WorkstreamId) -> Landed:
    return Landed(done=False, status=Status.BLOCKED, because=did_not_land(by), blocked_by=by)


def _no(because: str) -> Landed:
    return Landed(done=False, status=None, because=because)


def conflict_in_words(conflict: Conflict | Markers) -> str:
    """Say of a branch why it does not land."""
    shown = ", ".join(conflict.paths[:5]) + (", …" if len(conflict.paths) > 5 else "")  # noqa: PLR2004 -- a line
    if isinstance(conflict, Markers):
        return f"conflict markers were committed in {shown}"
    kinds = ", ".join(dict.fromkeys(conflict.kinds)) or "conflict"
    return f"conflicts with the trunk ({kinds}): {shown}"
