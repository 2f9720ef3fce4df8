"""Put lost objects back from wherever a copy of them is; name those of which there is none."""

import shlex
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from unjam.adapters.git.all_refs import last_of
from unjam.adapters.git.command import Git
from unjam.adapters.git.mending import find_objects
from unjam.adapters.git.mending.lost_objects import find_lost_objects
from unjam.adapters.git.moving import remote
from unjam.adapters.git.refs import BRANCHES
from unjam.adapters.git.taking import store
from unjam.domain.steps.change import MovePath
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import RestoreObjects
from unjam.domain.steps.policy import Consent, StepClass
from unjam.domain.world.damage import LostObject
from unjam.domain.world.snapshot import Snapshot
from unjam.domain.world.words import counted, first_few
from unjam.engine.acts.recovery import Recovery, outcome
from unjam.engine.keeping.vault import folder_of
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
    places = find_objects.SearchPlaces(run.orchestration.common, directories, admins)
    back, moved = 0, 0
    with ExitStack() as remote_copy:
        ask = cache(lambda: _remote_apart(run, remote_copy))
        for _ in range(_ROUNDS):
            lost = find_lost_objects(run.orchestration.repository, admins).objects
            aside = _move_spoilt(run, lost)
            copies = find_objects.find_here(places, (one.id for one in lost))
            if copies.left and store.is_there(places.common):
                find_objects.take_from(store.reader(places.common), copies)
            if copies.left and (apart := ask()) is not None:
                find_objects.take_from(apart, copies)
            find_objects.put_back(places.common, copies)
            back, moved = back + len(copies.found), moved + aside
            if not copies.found and not aside:
                break
    left = find_lost_objects(run.orchestration.repository, admins).objects
    return (_told(step, left, (back, moved), _way_back(run, left)),)


def _move_spoilt(run: Recovery, lost: tuple[LostObject, ...]) -> int:
    vault = folder_of(run.orchestration, run.run) / "objects"
    spoilt = [one for one in lost if one.file is not None]
    for one in spoilt:
        if one.file is not None:
            run.door.make(MovePath(one.file, vault / one.id))
    return len(spoilt)


def _remote_apart(run: Recovery, copy: ExitStack) -> Git | None:
    """Fetch everything the remote has, apart; where pushing to it is off, it is not asked."""
    name, common = run.policy.remote, run.orchestration.common
    if name is None or run.policy.approval(StepClass.PUSH) is Consent.OFF:
        return None
    try:
        url = remote.remote_url(common, name)
        return None if url is None else copy.enter_context(remote.fetched_apart(common, url))
    except UnjamError as error:
        run.note("remote not asked", because=str(error))
        return None


def _way_back(run: Recovery, left: tuple[LostObject, ...]) -> str:
    """Name the command that takes a branch, whose last commit is nowhere, back to one that is there."""
    for one in left:
        last = last_of(run.orchestration.common, one.named) if one.kind == "commit" else None
        if last is not None and one.named.startswith(BRANCHES):
            primary = shlex.quote(str(run.orchestration.primary))
            return f"; or without it: git -C {primary} update-ref {one.named} {last}"
    return ""


def _told(
    step: RestoreObjects, left: tuple[LostObject, ...], count: tuple[int, int], way_back: str
) -> Outcome:
    back, moved = count
    done = f"{counted(back, 'object')} found again"
    if moved:
        done += f", {counted(moved, 'spoilt file')} moved into the vault"
    if not left:
        return outcome(step, StepWord.DONE if back or moved else StepWord.ALREADY_DONE, done)
    each = [f"{one.kind or 'object'} {one.id} ({one.named})" for one in left]
    named = first_few(each, _SHOWN, "; ")
    sentence = f"{done}; there is no copy of {named}; another clone may have it{way_back}"
    return outcome(step, StepWord.FAILED, sentence)
