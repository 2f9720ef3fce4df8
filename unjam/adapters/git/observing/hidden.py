"""Count the commits that only a worktree's own HEAD or reflog still reaches."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from unjam.adapters.git.batches import ask_in_batches, resolve_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import NOBODY
from unjam.adapters.git.proving.history import History
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.worktrees import Checkout


def count_hidden(
    git: Git,
    repository: Repository,
    checkouts: Iterable[Checkout],
    history: History,
    reached: Collection[str],
) -> dict[str, int]:
    """Count by worktree; ``reached`` are the tips of all refs."""
    named = {one.name: _named_by(one, repository, history) for one in checkouts}
    candidates = {commit for commits in named.values() for commit in commits}
    found = resolve_objects(git, sorted(candidates))
    there = sorted(one for one, kind in found.items() if kind and kind[1] == "commit")
    parents = _beyond(git, there, reached) if there else {}
    return {name: len(_reached(commits, parents)) for name, commits in named.items()}


def _named_by(checkout: Checkout, repository: Repository, history: History) -> set[str]:
    """List what HEAD and its reflog name that neither the history nor the branch's reflog has."""
    moves = read_reflog(checkout.admin, "HEAD")
    named = {commit for move in moves for commit in (move.old, move.new)}
    if checkout.detached:
        named.add(checkout.detached)
    named = {one for one in named if one != NOBODY and not history.knows(one)}
    if named and checkout.branch:
        for move in read_reflog(repository.common, checkout.branch):
            named -= {move.old, move.new}
    return named


def _beyond(
    git: Git, commits: Sequence[str], reached: Collection[str]
) -> Mapping[str, tuple[str, ...]]:
    without = [f"^{one}" for one in reached]

    def ask(some: Sequence[str]) -> dict[str, tuple[str, ...]]:
        names = "\n".join((*some, *without, "")).encode()
        lines = git.run("rev-list", "--parents", "--stdin", stdin=names).text.split("\n")
        return {line[:40]: tuple(line[41:].split()) for line in lines if line}

    answers, damaged = ask_in_batches(ask, commits)
    parents: dict[str, tuple[str, ...]] = dict.fromkeys(damaged, ())
    for answer in answers:
        parents.update(answer)
    return parents


def _reached(commits: Iterable[str], parents: Mapping[str, tuple[str, ...]]) -> set[str]:
    waiting, found = list(commits), set[str]()
    while waiting:
        commit = waiting.pop()
        if commit in parents and commit not in found:
            found.add(commit)
            waiting += parents[commit]
    return found
