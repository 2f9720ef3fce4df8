"""Files that a person has as a move brings them: taking the move back must leave them as they were.

The move finds their content in its place and lets it be; the way back would take it for what the
move had brought, and remove it.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.open_checkout import open_checkout
from unjam.adapters.git.moving.overlap import (
    Changed,
    Overlap,
    find_overlap,
    index_info,
)
from unjam.domain.steps.change import HeldFile, MoveCheckout


def held_now(change: MoveCheckout) -> tuple[HeldFile, ...]:
    """Name the files that are as the far end of a move has them, wherever the checkout is."""
    git = open_checkout(change.path, change.admin)
    found = find_overlap(git, change.old.commit, change.new.commit, resuming=False)
    return tuple(held_files(git, found))


def held_files(git: Git, found: Overlap) -> Iterator[HeldFile]:
    """Name what is on disk as the new side of the move has it, before the move."""
    for one in found.arrived:
        yield HeldFile(one.path, staged=False)
    for one in found.settled:
        if one.path not in found.edited and _is_there(git, one.path) is (one.new is not None):
            yield HeldFile(one.path, staged=True)


def give_back_held(git: Git, found: Overlap, held: Iterable[HeldFile]) -> None:
    """Write them as the side has them that the checkout leaves, and stage those that were staged."""
    changes = {one.path: one for one in found.changes}
    back = [(changes[one.path], one.staged) for one in held if one.path in changes]
    if not back:
        return
    gone = [one for one, _ in back if one.old is None]
    there = [one for one, _ in back if one.old is not None]
    if there:
        _stage(git, there)
        names = os.fsencode("".join(f"{one.path}\0" for one in there))
        git.run("checkout-index", "--force", "-z", "--stdin", stdin=names)
    for one in gone:
        Path(str(git.work_tree), one.path).unlink(missing_ok=True)
    _stage(git, [one for one, staged in back if staged])
    _unstage(git, [one for one, staged in back if not staged])
    git.run("update-index", "-q", "--ignore-submodules", "--refresh", accept=None)


def _stage(git: Git, changes: list[Changed]) -> None:
    """Let the index have the old side of these."""
    turned = tuple(Changed(one.path, one.new, one.old) for one in changes)
    if turned:
        git.run("update-index", "-z", "--replace", "--index-info", stdin=index_info(turned))


def _unstage(git: Git, changes: list[Changed]) -> None:
    if changes:
        info = index_info(tuple(changes))
        git.run("update-index", "-z", "--replace", "--index-info", stdin=info)


def _is_there(git: Git, path: str) -> bool:
    return os.path.lexists(Path(str(git.work_tree), path))
