"""Push the trunk to the remote."""

import shlex

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving import remote
from unjam.adapters.git.moving.upstream import Upstream, UpstreamSide, look_upstream
from unjam.domain.steps.change import MoveRef, PushRef
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import EditSpec, Land, Push, Revert
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.errors import PermanentError, RefusedError


def push(run: Recovery, step: Push, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Push the trunk, fail-closed, and remember where the remote's trunk is."""
    if not step.owed and _nothing_landed(run):
        sentence = "nothing landed, so there is nothing to push"
        return (outcome(step, StepWord.ALREADY_DONE, sentence),)
    common, ours = run.orchestration.common, fresh.trunk_tip
    url = remote.remote_url(common, step.remote)
    if url is None:
        raise PermanentError(f"remote {step.remote} has no usable URL")
    there = look_upstream(common, url, fresh.trunk, ours)
    if there.side is UpstreamSide.OTHER:
        raise RefusedError(_grown_apart(step, fresh))
    if there.side is UpstreamSide.LESS:
        where = remote.host_of(url)  # the journal must not hold a password
        run.door.make(PushRef(step.remote, where, fresh.trunk, there.tip, ours))
        there = Upstream(ours, UpstreamSide.SAME)
        word = StepWord.DONE
    else:
        word = StepWord.ALREADY_DONE
    tracking = f"refs/remotes/{step.remote}/{fresh.trunk_name}"
    known = refs.resolve(Git(common), tracking)
    if known != there.tip:
        run.door.make(MoveRef(tracking, known, there.tip))
    more = ", and more" if there.side is UpstreamSide.MORE else ""
    return (outcome(step, word, f"{step.remote} has {ours[:12]}{more}"),)


def _nothing_landed(run: Recovery) -> bool:
    """Tell whether this run tried to land and nothing did: a person's own commits are not ours to push."""
    tried = [one for one in run.outcomes if one.step in (Land.verb, Revert.verb, EditSpec.verb)]
    return bool(tried) and not any(_moved_trunk(one) for one in tried)


def _moved_trunk(one: Outcome) -> bool:
    """Tell whether a step moved the trunk; a spec that Git does not have is only a file."""
    committed = any(kept.startswith("refs/") for kept in one.kept)
    return one.word is StepWord.DONE and (one.step in (Land.verb, Revert.verb) or committed)


def _grown_apart(step: Push, fresh: Snapshot) -> str:
    place = shlex.quote(str(fresh.primary.path))
    return (
        f"{step.remote} has commits that {fresh.trunk_name} has not, and {fresh.trunk_name} has its"
        f" own; to join them: git -C {place} pull --no-rebase {step.remote} {fresh.trunk_name},"
        " then: unjam recover"
    )
