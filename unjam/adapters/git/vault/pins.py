"""Move the refs of what is in the vault, each with its pin: the ref that lets the repository keep its commits."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.git.moving.ref_moves import move_refs
from unjam.adapters.git.taking.store import is_there, make, pin_of, place, reader
from unjam.domain.steps.change import MoveRef
from unjam.domain.world.identity import CommitId

_DURABLE = ("core.fsync=all",)
_PARENT = re.compile(rb"^parent ([0-9a-f]{40})$", re.MULTILINE)
_WHEN = re.compile(rb"^committer .*> (\d+ [-+]\d{4})$", re.MULTILINE)


def move_private(common: Path, move: MoveRef, message: str) -> None:
    """Make, move or drop a salvage's ref by compare-and-swap, and its pin with it.

    The pin is there before the ref and goes after it; of a salvage that an earlier version left in
    the repository itself, the ref goes there. Raises as ``move_refs`` does.
    """
    unlogged = replace(move, logged=False)  # a log would tell of what was erased
    if move.new is not None:
        make(common)
        pin(common, move.ref, move.new)
    if is_there(common):
        vault = Git(place(common))
        if move.new is not None or refs.resolve(vault, move.ref) is not None:
            move_refs(vault, [unlogged], message)
    if move.new is None:
        if refs.resolve(Git(common), move.ref) is not None:
            move_refs(Git(common), [unlogged], message)
        drop_pin(common, move.ref)


def pin(common: Path, ref: str, commit: CommitId) -> None:
    """Let the repository hold every commit that a salvage builds on, with one ref."""
    text = reader(common).run("cat-file", "commit", commit).out
    parents = [one.decode() for one in _PARENT.findall(text.split(b"\n\n", 1)[0])]
    if not parents:
        return
    holds = CommitId(parents[0]) if len(parents) == 1 else _joined(common, parents, text)
    now = refs.resolve(Git(common), pin_of(ref))
    if now != holds:
        move_refs(Git(common), [MoveRef(pin_of(ref), now, holds, logged=False)], "unjam: pin")


def drop_pin(common: Path, ref: str) -> None:
    """Let go what a salvage built on; gone already is fine."""
    now = refs.resolve(Git(common), pin_of(ref))
    if now is not None:
        move_refs(Git(common), [MoveRef(pin_of(ref), now, None, logged=False)], "unjam: pin")


def _joined(common: Path, parents: Sequence[str], salvage: bytes) -> CommitId:
    """Write a commit that reaches them all and holds nothing else; the same for the same."""
    git = Git(common, settings=_DURABLE)
    head = git.run("cat-file", "commit", parents[0]).out
    when = _WHEN.search(salvage)
    who = f"unjam <unjam@localhost> {when[1].decode() if when else '946684800 +0000'}"
    text = "\n".join(
        (
            head.split(b"\n", 1)[0].decode(),
            *(f"parent {one}" for one in parents),
            f"author {who}",
            f"committer {who}",
            "",
            "Commits that a salvage builds on",
            "",
        )
    )
    made = git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
    return CommitId(made.text)
