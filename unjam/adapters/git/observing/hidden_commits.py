"""Count the commits that only a worktree's own HEAD or reflog still reaches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.batches import ask_in_batches, resolve_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import ID_LENGTH, NOBODY
from unjam.adapters.git.proving.commit_graph import History
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.identity import CommitId

_FEW = 16  # refs that are asked before all are


def named_by_heads(checkouts: Iterable[Checkout]) -> dict[str, frozenset[str]]:
    """List by worktree the commits that its HEAD and the reflog of that name."""
    return {one.name: frozenset(_named_by_head(one)) - {NOBODY} for one in checkouts}


def _named_by_head(checkout: Checkout) -> Iterator[str]:
    for move in read_reflog(checkout.admin, "HEAD"):
        yield from (move.old, move.new)
    if checkout.detached:
        yield checkout.detached


class Hidden(NamedTuple):
    """How many they are, and those of them that none of the others is built on."""

    number: int
    tips: tuple[CommitId, ...]


def count_hidden(
    git: Git,
    logs: Path | None,
    checkouts: Iterable[tuple[Checkout, frozenset[str]]],
    history: History,
    reached: Sequence[str],
) -> dict[str, Hidden]:
    """Count by worktree, of which none has the count 0.

    ``checkouts`` come with the commits that their HEADs name; ``reached`` are the tips of all refs,
    first those that are likely to reach them. What a branch's own reflog names counts as reached,
    too, if ``logs`` says where that is.
    """
    left = {one.name: _unknown_to(history, logs, one, names) for one, names in checkouts}
    named = {name: commits for name, commits in left.items() if commits}
    candidates = {commit for commits in named.values() for commit in commits}
    found = resolve_objects(git, sorted(candidates))
    there = sorted(one for one, kind in found.items() if kind and kind[1] == "commit")
    parents = _beyond(git, there, reached) if there else {}
    found_in = {name: _reached(commits, parents) for name, commits in named.items()}
    return {name: _hidden(commits, parents) for name, commits in found_in.items() if commits}


def _unknown_to(
    history: History, logs: Path | None, checkout: Checkout, names: frozenset[str]
) -> set[str]:
    """Drop what the history or the branch's own reflog has."""
    left = {one for one in names if not history.knows(one)}
    if left and checkout.branch and logs:
        for move in read_reflog(logs, checkout.branch):
            left -= {move.old, move.new}
    return left


def _beyond(
    git: Git, commits: Sequence[str], reached: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return what these reach and no ref does; all refs are only asked where a few do not reach it all."""
    if len(reached) > _FEW and not _beyond(git, commits, reached[:_FEW]):
        return {}
    without = [f"^{one}" for one in reached]

    def ask(some: Sequence[str]) -> dict[str, tuple[str, ...]]:
        names = "\n".join((*some, *without, "")).encode()
        lines = git.run("rev-list", "--parents", "--stdin", stdin=names).text.split("\n")
        return {line[:ID_LENGTH]: tuple(line[ID_LENGTH:].split()) for line in lines if line}

    answers, damaged = ask_in_batches(ask, commits)
    parents: dict[str, tuple[str, ...]] = dict.fromkeys(damaged, ())
    for answer in answers:
        parents.update(answer)
    return parents


def _hidden(commits: set[str], parents: Mapping[str, tuple[str, ...]]) -> Hidden:
    below = {parent for one in commits for parent in parents.get(one, ())}
    return Hidden(len(commits), tuple(CommitId(one) for one in sorted(commits - below)))


def _reached(commits: Iterable[str], parents: Mapping[str, tuple[str, ...]]) -> set[str]:
    waiting, found = list(commits), set[str]()
    while waiting:
        commit = waiting.pop()
        if commit in parents and commit not in found:
            found.add(commit)
            waiting += parents[commit]
    return found
