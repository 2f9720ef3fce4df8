"""Look at what a run stands on: what a preflight and a postflight need beside the snapshot."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unjam.adapters import disk, lease, mounts
from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving import remote, upstream
from unjam.adapters.git.observing.tracked import has_identity, is_ignored
from unjam.adapters.processes.running.start_orchestrator import find_command
from unjam.adapters.state.file_format import read_format
from unjam.adapters.state.files.soundness import soundness_of
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.readiness.checks import Checked
from unjam.domain.readiness.postflight import SHOWN, TrunkVerified, postflight
from unjam.domain.readiness.preflight import preflight
from unjam.domain.readiness.prerequisites import (
    Prerequisites,
    RemoteStanding,
    StateFile,
    Tools,
    WorktreesPlace,
)
from unjam.domain.world.database import Soundness
from unjam.domain.world.identity import CommitId
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.truth import Truth
from unjam.engine.culprits.fresh_checkout import verify_trunk, why_no_runner, why_not_passing
from unjam.engine.keeping.past_runs import unfinished
from unjam.engine.observing.conflict_prediction import with_clashes
from unjam.engine.observing.observe_closely import observe_for
from unjam.engine.orchestration import Orchestration, state_file
from unjam.errors import UnjamError

_SIDES = {
    upstream.UpstreamSide.SAME: RemoteStanding.SAME,
    upstream.UpstreamSide.LESS: RemoteStanding.BEHIND,
    upstream.UpstreamSide.MORE: RemoteStanding.AHEAD,
    upstream.UpstreamSide.OTHER: RemoteStanding.APART,
}


def check_before(orchestration: Orchestration) -> tuple[Snapshot, tuple[Checked, ...]]:
    """Observe, survey and check before a run; no ref moves and no file of a person's changes."""
    seen = observe_for(orchestration, tuple(SCENARIOS))
    snapshot = with_clashes(orchestration, seen, all_of_them=True)
    ground = look_at_prerequisites(orchestration, snapshot)
    return snapshot, preflight(snapshot, ground, orchestration.branch_template)


def check_after(
    orchestration: Orchestration, *, verify: bool
) -> tuple[Snapshot, tuple[Checked, ...]]:
    """Observe, verify the trunk in a throw-away checkout if asked to, and check after a run.

    Raises RefusedError where it is to be verified and a setting is held.
    """
    if verify:
        orchestration.require_trust()
    snapshot = observe_for(orchestration, tuple(SCENARIOS))
    ground = replace(
        look_at_prerequisites(orchestration, snapshot), loose=_loose(orchestration, snapshot)
    )
    verified = _verified(orchestration, snapshot) if verify else None
    return snapshot, postflight(snapshot, ground, verified)


def _verified(orchestration: Orchestration, snapshot: Snapshot) -> TrunkVerified:
    """Run the tests on the trunk; what could not be tried is told with what to set."""
    said = verify_trunk(orchestration, snapshot.trunk_tip)
    if said.passed:
        return TrunkVerified(passed=True, found_nothing=False, sentence=said.sentence)
    why = why_not_passing(orchestration, said)
    return TrunkVerified(passed=False, found_nothing=why.untried, sentence=why.because)


def look_at_prerequisites(orchestration: Orchestration, snapshot: Snapshot) -> Prerequisites:
    """Look at disk, tools, remote and the state's file."""
    standing, because = _remote(orchestration, snapshot)
    at_work = lease.holder(orchestration.common)
    return Prerequisites(
        place=_place(orchestration),
        tools=_tools(orchestration, snapshot.trunk_tip),
        remote=standing,
        remote_because=because,
        enough=orchestration.settings.limits.free_disk,
        refs=frozenset(ref for ref, _ in refs.refs_below(Git(orchestration.common), "refs/heads/")),
        state=_state(orchestration),
        killed=() if at_work else tuple(one.id for one in unfinished(orchestration)),
        at_work=str(at_work) if at_work else "",
    )


def _loose(orchestration: Orchestration, snapshot: Snapshot) -> dict[str, int]:
    """Count the commits that only the reflog of a branch reaches: they go when it is deleted."""
    common = orchestration.common
    logged = {one.ref: refs.reflog_commits(common, one.ref) for one in snapshot.branches[:SHOWN]}
    loose = refs.unreached(common, (commit for some in logged.values() for commit in some))
    return {ref: len(some & loose) for ref, some in logged.items() if some & loose}


def _place(orchestration: Orchestration) -> WorktreesPlace:
    path = orchestration.below(orchestration.settings.orchestration.worktrees)
    there = disk.nearest_existing(path)
    inside = path.is_relative_to(orchestration.primary)
    ignored = not inside or is_ignored(orchestration.common, orchestration.primary, path)
    free = inodes = None
    with suppress(UnjamError):
        free, inodes = disk.free_bytes(path), disk.free_inodes(path)
    return WorktreesPlace(
        path=path,
        free=free,
        inodes=inodes,
        volatile=mounts.volatile_kind(there),
        shared=mounts.shared_kind(there),
        not_writable=mounts.why_nothing_can_be_made_in(there),
        ignored=Truth.YES if ignored else Truth.NO,
    )


def _tools(orchestration: Orchestration, tip: CommitId) -> Tools:
    settings, here = orchestration.settings.orchestration, orchestration.primary
    resume = settings.resume[0] if settings.resume and not settings.resume_is_default else None
    return Tools(
        verify=_found(orchestration.settings.verify.command[0], here),
        resume=_found(resume, here) if resume else None,
        agents=tuple(one for one in settings.agents if find_command(one, here)),
        identity=has_identity(orchestration.common),
        verify_because=why_no_runner(orchestration, tip),
    )


def _found(word: str, here: Path) -> tuple[str, str | None]:
    found = find_command(word, here)
    return word, str(found) if found else None


def _remote(orchestration: Orchestration, snapshot: Snapshot) -> tuple[RemoteStanding, str]:
    common = orchestration.common
    try:
        url = remote.remote_url(common, orchestration.settings.orchestration.remote)
        if url is None:
            return RemoteStanding.NONE, ""
        seen = upstream.look_upstream(common, url, snapshot.trunk, snapshot.trunk_tip)
    except UnjamError as error:
        return RemoteStanding.UNREACHABLE, str(error)
    return _SIDES[seen.side], ""


def _state(orchestration: Orchestration) -> StateFile | None:
    path = state_file(orchestration)
    if path is None or not path.is_file():
        return None
    shape, because = soundness_of(path)
    sound = {Soundness.SOUND: Truth.YES, Soundness.UNREAD: Truth.UNKNOWN}.get(shape, Truth.NO)
    said = f"{shape}: {because}" if because else str(shape)
    return StateFile(read_format(path).mode, sound, said, mounts.shared_kind(path))
