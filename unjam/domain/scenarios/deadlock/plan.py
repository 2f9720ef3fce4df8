"""Plan the way out of a deadlock: the fewest entries out of the specs, rows reopened, then start again.

Beside a living orchestrator nothing is planned: it has read its specs and would not read them again,
it writes the rows, and it moves the trunk from the very checkout a spec is edited in.
"""

from collections.abc import Iterator

from unjam.domain.graphs.cycles import cyclic_groups, in_order
from unjam.domain.graphs.smallest_cut import Cut
from unjam.domain.scenarios.deadlock.find import likely_meant, unblocked
from unjam.domain.scenarios.deadlock.proposed_cut import cut_of, why
from unjam.domain.scenarios.shared.restarting import Chosen, left_to_run, resume_command
from unjam.domain.steps.facts import NONE, as_ordered, fact, holds
from unjam.domain.steps.plan import EditSpec, Fact, Plan, Push, Reopen, Restart, Step
from unjam.domain.steps.policy import Consent, Policy
from unjam.domain.steps.request import EVERYTHING, Request
from unjam.domain.world.dependencies import Ids, blockers, waiting
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.lookups import orchestrator_seen, specs_are_known, state_is_known
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.status import Status
from unjam.domain.world.words import counted

MOST_STARTS = 3  # what has been started so often and still failed is not tried once more by itself
_UNSTARTED = (None, Status.PENDING)
_BEYOND_REPAIR = (Status.REVERTED, Status.DISCARDED)


def plan_deadlock(
    snapshot: Snapshot,
    policy: Policy,
    request: Request = EVERYTHING,
    owed: tuple[Step, ...] = (),
) -> Plan:
    """Plan the way out of every cycle and every wait for nothing; what a person must do is noted."""
    planner = _Planner(snapshot, policy, request.workstreams, owed)
    wanted = tuple(planner.steps())
    steps = tuple(one for one in wanted if policy.approval(one.step_class) is not Consent.OFF)
    return Plan(snapshot.repo, steps, tuple(planner.notes(wanted)))


def why_nothing_is_done(snapshot: Snapshot) -> str:
    """Say why a deadlock is only reported: an orchestrator lives; nothing when none does."""
    living = orchestrator_seen(snapshot)
    if living is None:
        return ""
    surely = "lives" if living.certain else "may live"
    return (
        f"an orchestrator {surely} (pid {living.identity.pid}) and would not see a repaired spec or row;"
        f" stop it first (kill {living.identity.pid}), then: unjam recover"
    )


class _Planner:
    """One way out of one snapshot."""

    def __init__(
        self, snapshot: Snapshot, policy: Policy, chosen: Chosen, owed: tuple[Step, ...]
    ) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.chosen = chosen
        self.owed = owed
        self.found = waiting(snapshot)
        self.nobody = (Fact("orchestrator", "", NONE),)
        self.cuts: list[Cut] = []
        self.removed: dict[WorkstreamId, list[WorkstreamId]] = {}
        self.reasons: dict[WorkstreamId, list[str]] = {}
        self.knotted: set[WorkstreamId] = set()
        self.obstacle = why_nothing_is_done(snapshot) or self._unknown()
        if not self.obstacle:
            self._cut()
            self._drop_missing()
        self.left = self._left()

    def steps(self) -> Iterator[Step]:
        """Yield every step; a row is reopened first, since the edit is what is found again if killed."""
        if self.obstacle:
            return
        reopened = tuple(self._reopened())
        planned = (*reopened, *self._edits(), *self._push())
        yield from planned
        for step in self.owed:
            wanted = isinstance(step, Push) and not any(isinstance(one, Push) for one in planned)
            if wanted and all(holds(one, self.snapshot) for one in step.facts):
                yield step
        yield from self._restart(planned, reopened)

    def notes(self, steps: tuple[Step, ...]) -> Iterator[str]:
        """Say what no step does, and what a person has to."""
        if self.obstacle:
            yield f"nothing is done about dependencies: {self.obstacle}"
            return
        for cut in self.cuts:
            if not cut.smallest:
                yield (
                    f"the cut of {counted(len(cut.edges), 'entry').replace('entrys', 'entries')} may not"
                    f" be the smallest: {cut.at_least} must go at least"
                )
        if self.found.missing and self._unread():
            yield "names that nothing has are kept: a spec that cannot be read may be the one they mean"
        yield from self._by_hand()
        off = {one.step_class for one in steps}
        for step_class in sorted(off):
            if self.policy.approval(step_class) is Consent.OFF:
                yield f"steps of class {step_class} are left out: policy.{step_class} is off"
        if steps and not self.policy.resume and self.chosen is None:
            yield "no resume command is configured: start the orchestrator yourself afterwards"

    def _unknown(self) -> str:
        if state_is_known(self.snapshot):
            return ""
        return f"what is completed cannot be told, the state was not read: {self.snapshot.state.because}"

    def _is_chosen(self, *members: WorkstreamId) -> bool:
        return self.chosen is None or not self.chosen.isdisjoint(members)

    def _cut(self) -> None:
        waits = self.found.waits
        for one, needs in waits.items():
            if one in needs and self._is_chosen(one):
                self._remove(one, one, "nothing can wait for itself")
        for members in cyclic_groups(waits):
            if self._is_chosen(*members):
                cut = cut_of(members, self.found)
                self.cuts.append(cut)
                self.knotted.update(members)
                for waiting_one, other in cut.edges:
                    edge = (WorkstreamId(waiting_one), WorkstreamId(other))
                    self._remove(*edge, why(edge, cut, members, self.found))

    def _drop_missing(self) -> None:
        if self._unread():
            return
        for one, names in self.found.missing.items():
            if self._is_chosen(one):
                for name in names:
                    near = likely_meant(name, one, self.found)
                    hint = f" (if {shown(near)} was meant, correct it instead)" if near else ""
                    self._remove(one, name, f"no spec, row or branch is called {shown(name)}{hint}")

    def _unread(self) -> bool:
        return not specs_are_known(self.snapshot)

    def _remove(self, one: WorkstreamId, other: WorkstreamId, reason: str) -> None:
        self.removed.setdefault(one, []).append(other)
        self.reasons.setdefault(one, []).append(reason)

    def _edits(self) -> Iterator[EditSpec]:
        for one, others in sorted(self.removed.items()):
            spec = self.found.specs.get(one)
            without = tuple(other for other in others if spec and other in spec.depends_on)
            if spec is None or not without:
                continue  # only its row says so, and that is reopened
            named = ", ".join(shown(other) for other in without)
            yield EditSpec(
                subject=f"{shown(one)} without {named}",
                reason="; ".join(dict.fromkeys(self.reasons[one])),
                facts=(
                    *self.nobody,
                    fact("state", "", self.snapshot),
                    Fact("spec of", one, as_ordered(spec)),
                    *self._facts_of_cut(one, without),
                ),
                workstream=one,
                path=spec.path,
                without=without,
            )

    def _reopened(self) -> Iterator[Reopen]:
        finished = set(unblocked(self.snapshot, self.found))
        retried = set(self._retried())
        startable = set(retried)
        for one in in_order(self.left):
            status = self.found.status(one)
            left = self.left.get(one, ())
            if status in _UNSTARTED or one in finished:
                startable.add(one)
            elif status == Status.BLOCKED and self._is_held_back_by_its_spec(one, left, startable):
                startable.add(one)
                if self.found.stuck or one in self.knotted or one in self.removed:
                    finished.add(one)
        for one in sorted(finished | retried):
            if self._is_chosen(one) or one in self.removed:
                yield Reopen(
                    subject=shown(one),
                    reason=self._why_reopened(one, retried),
                    facts=(
                        *self.nobody,
                        fact("row of", one, self.snapshot),
                        *self._facts_of_why(one, finished | retried),
                    ),
                    workstream=one,
                )

    def _is_held_back_by_its_spec(
        self, one: WorkstreamId, left: Ids, startable: set[WorkstreamId]
    ) -> bool:
        """Tell whether a blocked row may as well be pending: the order alone keeps it from starting."""
        spec = self.found.specs.get(one)
        touched = one in self.removed or bool(left)
        ordered = all(other in startable and spec and other in spec.depends_on for other in left)
        lacking = set(self.found.missing.get(one, ())) - set(self.removed.get(one, ()))
        return touched and ordered and not lacking

    def _left(self) -> dict[WorkstreamId, Ids]:
        """Return who waits for whom after the cut."""
        return {
            one: tuple(need for need in needs if need not in self.removed.get(one, ()))
            for one, needs in self.found.waits.items()
        }

    def _retried(self) -> Iterator[WorkstreamId]:
        """Name what failed, blocks others, and has not been tried too often."""
        if not self.found.stuck:
            return
        starts = dict(self.snapshot.state.starts)
        for one in {by for needs in self.found.blocked.values() for by in needs}:
            if self.found.status(one) == Status.FAILED and starts.get(one, 0) < MOST_STARTS:
                yield one

    def _why_reopened(self, one: WorkstreamId, retried: set[WorkstreamId]) -> str:
        if one in retried:
            waiting_rows = sorted(
                shown(other) for other, needs in self.found.blocked.items() if one in needs
            )
            return f"it failed, and {', '.join(waiting_rows)} cannot go on without it"
        left = self.left.get(one, ())
        if not left:
            return "what it was blocked by is completed, or holds it back no more"
        return f"it can wait for {', '.join(map(shown, left))} as its spec says, and needs no block"

    def _facts_of_cut(self, one: WorkstreamId, without: Ids) -> Iterator[Fact]:
        """Yield what shows that an entry names nothing, or is of a circle; not what this plan edits."""
        missing = set(self.found.missing.get(one, ()))
        for other in without:
            if other in missing:
                yield from (fact(kind, other, self.snapshot) for kind in ("spec of", "work of"))
            elif other in self.knotted and other not in self.removed:
                yield fact("spec of", other, self.snapshot)

    def _facts_of_why(self, one: WorkstreamId, reopened: set[WorkstreamId]) -> Iterator[Fact]:
        """Yield what its reason says of others, but for those that this plan changes before."""
        spec, row = self.found.specs.get(one), self.found.rows.get(one)
        if spec is not None:
            yield Fact("spec of", one, as_ordered(spec))
        named = (*(spec.depends_on if spec else ()), *(blockers(row) if row else ()))
        for other in sorted(set(named) - reopened):
            yield fact("row of", other, self.snapshot)

    def _push(self) -> Iterator[Push]:
        if self.policy.remote and any(self._edits()):
            yield Push(
                subject=f"{self.policy.remote} {self.snapshot.trunk_name}",
                reason="the remote has to have the specs that hold",
                facts=self.nobody,
                remote=self.policy.remote,
            )

    def _restart(
        self, planned: tuple[Step, ...], reopened: tuple[Reopen, ...]
    ) -> Iterator[Restart]:
        owed = any(isinstance(step, Restart) for step in self.owed)
        again = {step.workstream for step in reopened if step.workstream is not None}
        left = left_to_run(self.snapshot, self.chosen, again)
        command = resume_command(self.policy, self.snapshot, self.chosen)
        if command and left and (planned or owed):
            yield Restart(
                subject="the orchestrator",
                reason=f"{counted(len(left), 'workstream')} left to run: {' '.join(command)}",
                facts=self.nobody,
                command=command,
            )

    def _by_hand(self) -> Iterator[str]:
        """Say of each finding that no step is for what a person can do about it."""
        for bad in self.snapshot.bad_specs if self.found.stuck else ():
            place = self.snapshot.place(bad.path)
            cure = "give one of the two another id" if bad.same_as else "correct it"
            yield f"{place}: {bad.because}; {cure}"
        for one in sorted(self.found.starved) if self.found.stuck else ():
            served = ", ".join(sorted(self.found.served))
            yield f"{shown(one)}: give it a track that agents serve ({served}), or start an agent for its own"
        starts = dict(self.snapshot.state.starts)
        for one in sorted({by for needs in self.found.waits.values() for by in needs}):
            status = self.found.status(one)
            if status in _BEYOND_REPAIR:
                yield f"{shown(one)} was {status}: order it anew, or take it out of what waits for it"
            elif status == Status.FAILED and starts.get(one, 0) >= MOST_STARTS:
                yield f"{shown(one)} failed {starts[one]} times: look at its log before it is tried again"
