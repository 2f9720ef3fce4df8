"""List every ref, even where some are damaged: one bad ref must not blind us to the others."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.batches import resolve_objects
from unjam.adapters.git.command import Asked, Git, GitAnswer
from unjam.adapters.git.files import COMMIT, ID_LENGTH, NOBODY, read_line
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.repository import Repository
from unjam.domain.world.identity import CommitId
from unjam.domain.world.truth import Unknown
from unjam.errors import PermanentError, UsageError

_BROKEN = re.compile(r"^warning: ignoring (?:broken|dangling).* (refs/\S+)$", re.MULTILINE)
_HEADS = "refs/heads/"
_DAMAGED = "it is damaged"


class LostTrunkError(UsageError):
    """The trunk is known, and nothing of it is there."""


class Tips(NamedTuple):
    """Refs and what they name; ``sound`` holds those whose commit is there."""

    named: Mapping[str, CommitId]
    sound: Mapping[str, CommitId]
    unknown: tuple[Unknown, ...]

    def is_damaged(self, ref: str) -> bool:
        """Tell a ref that is there and cannot be read."""
        return Unknown(f"ref {ref}", _DAMAGED) in self.unknown


def read_tips(git: Git, asked: Asked) -> Tips:
    """Read all refs and whether their objects exist; raises PermanentError for bad packed refs."""
    try:
        answer = asked.answer()
    except PermanentError:
        return _read_one_by_one(git)
    named, kinds = {}, {}
    for line in answer.text.split("\n"):
        name, _, rest = line.partition(" ")
        kind, _, ref = rest.partition(" ")
        named[ref], kinds[ref] = CommitId(name), kind
    named.pop("", None)
    odd = _without_odd(named, kinds)
    return Tips(named, named, (*_broken(answer), *odd))


def _without_odd(named: dict[str, CommitId], kinds: Mapping[str, str]) -> tuple[Unknown, ...]:
    """Take out the branches that name something else than a commit: as good as unreadable."""
    odd = [ref for ref in named if ref.startswith(_HEADS) and kinds.get(ref, "commit") != "commit"]
    for ref in odd:
        del named[ref]
    return tuple(Unknown(f"ref {ref}", _DAMAGED) for ref in odd)


def _read_one_by_one(git: Git) -> Tips:
    """Tell the refs whose objects are there from those whose are not."""
    answer = git.run("for-each-ref", "--format=%(objectname) %(refname)")
    named = {
        line[ID_LENGTH + 1 :]: CommitId(line[:ID_LENGTH])
        for line in answer.text.split("\n")
        if line
    }
    commits = resolve_objects(git, sorted(set(named.values())))
    kinds = {ref: found[1] for ref, name in named.items() if (found := commits[name])}
    odd = _without_odd(named, kinds)
    # A tag names a commit through an object of its own; it only matters as something to reach from.
    sound = {ref: name for ref, name in named.items() if commits[name]}
    missing = [
        Unknown(f"ref {ref}", f"its object {name} is missing or damaged")
        for ref, name in named.items()
        if ref not in sound
    ]
    return Tips(named, sound, (*_broken(answer), *odd, *missing))


def _broken(answer: GitAnswer) -> tuple[Unknown, ...]:
    return tuple(Unknown(f"ref {ref}", _DAMAGED) for ref in _BROKEN.findall(answer.err))


def choose_trunk(
    repository: Repository, tips: Tips, wanted: str | None, remote: str
) -> tuple[str, CommitId]:
    """Return the trunk's ref and tip: the wanted one, else the remote's HEAD, else main or master.

    Of a damaged one, the last tip that its reflog names and that is there. Raises LostTrunkError
    where there is none, UsageError where there is no trunk at all.
    """
    if wanted is not None:
        return _required(repository, tips, _HEADS + wanted.removeprefix(_HEADS))
    line = read_line(repository.common / f"refs/remotes/{remote}/HEAD") or ""
    by_remote = line.removeprefix(f"ref: refs/remotes/{remote}/")
    choices = ([by_remote] if by_remote != line else []) + ["main", "master"]
    for name in choices:
        ref = _HEADS + name
        if ref in tips.named or tips.is_damaged(ref) or _was_there(repository, ref):
            return _required(repository, tips, _HEADS + name)
    raise UsageError(
        f"{repository.primary}: no trunk: neither {' nor '.join(choices)} is a branch here;"
        " set orchestration.trunk"
    )


def _was_there(repository: Repository, ref: str) -> bool:
    """Tell a branch that was lost: Git removes the reflog of one that is deleted."""
    return bool(read_reflog(repository.common, ref))


def _required(repository: Repository, tips: Tips, ref: str) -> tuple[str, CommitId]:
    if ref in tips.sound:
        return ref, tips.sound[ref]
    name = ref.removeprefix(_HEADS)
    was_there = tips.is_damaged(ref) or _was_there(repository, ref)
    if ref not in tips.named and not was_there:
        raise UsageError(f"no trunk: there is no branch {name}")
    last = last_of(repository.common, ref)
    if last is None:
        raise LostTrunkError(
            f"the trunk {name} is damaged, and no reflog names a commit that is there"
        )
    return ref, last


def last_of(common: Path, ref: str, admin: Path | None = None) -> CommitId | None:
    """Return the last commit, of those that are there, that a branch's reflog names.

    Without one, that of the checkout which is on it.
    """
    moves = read_reflog(common, ref) or (read_reflog(admin, "HEAD") if admin else ())
    named = sorted({one.new for one in moves if one.new != NOBODY and COMMIT.fullmatch(one.new)})
    there = resolve_objects(Git(common), named) if named else {}
    sound = {one for one, kind in there.items() if kind and kind[1] == "commit"}
    return next((CommitId(one.new) for one in reversed(moves) if one.new in sound), None)
