"""Put lost objects back from wherever a copy of them is; name those of which there is none."""

from pathlib import Path

from unjam.adapters.git.mending import found
from unjam.adapters.git.mending.lost import find_lost
from unjam.adapters.git.moving import remote
from unjam.domain.change import MovePath
from unjam.domain.damage import LostObject
from unjam.domain.outcome import Outcome, StepWord
from unjam.domain.plan import RestoreObjects
from unjam.domain.policy import Approval, StepClass
from unjam.domain.snapshot import Snapshot
from unjam.domain.words import counted
from unjam.engine.recovery import Recovery, outcome
from unjam.engine.vault import folder_of
from unjam.errors import UnjamError

_ROUNDS = 50  # a tree that is back shows what is missing below it
_SHOWN = 10  # objects in a sentence


def restore_objects(run: Recovery, step: RestoreObjects, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Move spoilt files into the vault and write what is found into a pack, until no more is found."""
    trees = (fresh.primary, *fresh.worktrees)
    admins = tuple(Path(tree.admin) for tree in trees)
    directories = (
        *(Path(one.moved_to or one.path) for one in trees),
        *(Path(one.path) for one in fresh.strays),
        run.orchestration.home / "vault",
    )
    places = found.Places(run.orchestration.common, directories, admins)
    back, moved, asked = 0, 0, False
    for _ in range(_ROUNDS):
        lost = find_lost(run.orchestration.repository, admins).objects
        aside = _move_spoilt(run, lost)
        copies = found.find_here(places, (one.id for one in lost))
        if copies.left and not asked:
            asked = True
            _ask_remote(run, copies)
        found.put_back(places.common, copies)
        back, moved = back + len(copies.found), moved + aside
        if not copies.found and not aside:
            break
    left = find_lost(run.orchestration.repository, admins).objects
    return (_told(step, left, back, moved),)


def _move_spoilt(run: Recovery, lost: tuple[LostObject, ...]) -> int:
    vault = folder_of(run.orchestration, run.run) / "objects"
    spoilt = [one for one in lost if one.file is not None]
    for one in spoilt:
        if one.file is not None:
            run.door.make(MovePath(one.file, vault / one.id))
    return len(spoilt)


def _ask_remote(run: Recovery, copies: found.Copies) -> None:
    """Fetch everything the remote has, apart; where pushing to it is off, it is not asked."""
    name, common = run.policy.remote, run.orchestration.common
    if name is None or run.policy.approval(StepClass.PUSH) is Approval.OFF:
        return
    try:
        url = remote.remote_url(common, name)
        if url is not None:
            with remote.fetched_apart(common, url) as apart:
                found.take_from(apart, copies)
    except UnjamError as error:
        run.note("remote not asked", because=str(error))


def _told(step: RestoreObjects, left: tuple[LostObject, ...], back: int, moved: int) -> Outcome:
    done = f"{counted(back, 'object')} found again"
    if moved:
        done += f", {counted(moved, 'spoilt file')} moved into the vault"
    if not left:
        return outcome(step, StepWord.DONE if back or moved else StepWord.ALREADY_DONE, done)
    named = "; ".join(f"{one.kind or 'object'} {one.id} ({one.named})" for one in left[:_SHOWN])
    more = len(left) - _SHOWN
    named += f" and {more} more" if more > 0 else ""
    sentence = f"{done}; there is no copy of {named}; another clone may have it"
    return outcome(step, StepWord.FAILED, sentence)
