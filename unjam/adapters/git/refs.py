"""What refs stand for, what their reflogs reach, and which checkout uses a branch."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import ID_LENGTH, NOBODY
from unjam.domain.world.identity import CommitId
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError

BRANCHES = "refs/heads/"
NOTHING = NOBODY
_LEFT_OPEN = ("rebase-merge", "rebase-apply", "BISECT_START")
_ON_A_COMMAND_LINE = 500  # names; more are found by listing every ref


class RefValue(NamedTuple):
    """A ref as it stands."""

    commit: CommitId | None = None
    symbolic: str = ""


def resolve(git: Git, ref: str) -> CommitId | None:
    """Return what a full ref name stands for; None where there is no such ref."""
    return standing(git, [ref])[ref].commit


def is_branch_name(git: Git, name: str) -> bool:
    """Tell whether Git would take a branch of this name, and take it for a name."""
    if name.startswith("-") or "\0" in name:
        return False
    return git.run("check-ref-format", f"{BRANCHES}{name}", accept=(0, 1)).status == 0


def refs_below(git: Git, prefix: str) -> tuple[tuple[str, CommitId], ...]:
    """List refs below a prefix with what they stand for; broken ones are left out."""
    return tuple((ref, at.commit) for ref, at in _list(git, (prefix,)) if at.commit)


def reflog_of(common: Path, ref: str) -> Path:
    """Name the file of a ref's reflog, which Git deletes with the ref."""
    return common / "logs" / ref


def reflog_commits(common: Path, ref: str) -> frozenset[CommitId]:
    """Name every commit the reflog of a ref still reaches."""
    try:
        lines = reflog_of(common, ref).read_text("utf-8", "surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise PermanentError(f"the reflog of {ref} cannot be read: {error.strerror}") from error
    named = sorted({word for line in lines for word in line.split(" ", 2)[:2] if _is_commit(word)})
    asked = "".join(f"{one}\n" for one in named).encode()
    answers = Git(common).run("cat-file", "--batch-check", stdin=asked).text.splitlines()
    return frozenset(CommitId(one.split()[0]) for one in answers if one.split()[1] == "commit")


def unreached(common: Path, commits: Iterable[CommitId]) -> frozenset[CommitId]:
    """Return those of these commits, and of their ancestors, that no ref reaches."""
    asked = "".join(f"{one}\n" for one in sorted(set(commits)))
    if not asked:
        return frozenset()
    found = Git(common).run("rev-list", "--stdin", "--not", "--all", stdin=asked.encode())
    return frozenset(map(CommitId, found.text.splitlines()))


def in_use(common: Path, ref: str) -> tuple[Truth, str]:
    """Tell whether a checkout uses a branch, as `git branch -f` would, and which.

    Sees branches that a rebase or a bisect will come back to. An unreadable HEAD is "cannot
    tell", unless that checkout's reflog shows that it was on another commit.
    """
    if not ref.startswith(BRANCHES):
        return Truth.NO, ""
    doubt = ""
    for admin in _admin_directories(common):
        match _uses(common, admin, ref):
            case Truth.YES:
                return Truth.YES, _place(common, admin)
            case Truth.UNKNOWN:
                doubt = doubt or f"{_place(common, admin)}, perhaps: its HEAD is unreadable"
            case _:
                pass
    return (Truth.UNKNOWN, doubt) if doubt else (Truth.NO, "")


def standing(git: Git, names: Sequence[str]) -> dict[str, RefValue]:
    """Tell how each of these refs stands; no commit where there is no such ref."""
    wanted = dict.fromkeys(names, RefValue())
    asked = tuple(names) if len(names) <= _ON_A_COMMAND_LINE else ()
    wanted.update((ref, at) for ref, at in _list(git, asked) if ref in wanted)
    return wanted


def _list(git: Git, patterns: Sequence[str]) -> Iterator[tuple[str, RefValue]]:
    # These fields open no object: one ref to a missing commit must not hide the others.
    form = "--format=%(refname)%00%(objectname)%00%(symref)%00"
    listing = git.run("for-each-ref", form, "--", *patterns)
    parts = [one.removeprefix("\n") for one in listing.text.split("\0")]
    for ref, commit, symbolic in zip(*[iter(parts)] * 3, strict=False):
        yield ref, RefValue(CommitId(commit), symbolic)


def _admin_directories(common: Path) -> Iterator[Path]:
    yield common
    try:
        yield from sorted(one for one in (common / "worktrees").iterdir() if one.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:  # what cannot be listed may use any branch
        raise PermanentError(f"{common / 'worktrees'}: {error.strerror}") from error


def _uses(common: Path, admin: Path, ref: str) -> Truth:
    if _comes_back_to(admin, ref):
        return Truth.YES
    head = _first_line(admin / "HEAD")
    if head is not None and head.startswith("ref: "):
        return Truth.YES if head.removeprefix("ref: ").strip() == ref else Truth.NO
    if head == NOTHING or _first_line(admin / "locked") == "initializing":
        return Truth.NO  # `git worktree add` was killed before it came to a branch
    if head is not None and _is_commit(head):
        return Truth.NO
    return _guess(common, admin, ref)


def _comes_back_to(admin: Path, ref: str) -> bool:
    """Tell whether a rebase or a bisect that was left in the middle will come back to a branch."""
    if not any(os.path.lexists(f"{admin}/{one}") for one in _LEFT_OPEN):
        return False
    held = {
        _first_line(admin / one) for one in ("rebase-merge/head-name", "rebase-apply/head-name")
    }
    started = _first_line(admin / "BISECT_START")
    return ref in held or started in (ref.removeprefix(BRANCHES), ref) or ref in _rewritten(admin)


def _rewritten(admin: Path) -> list[str]:
    """Name the branches that `git rebase --update-refs` will move: every third line."""
    try:
        text = (admin / "rebase-merge/update-refs").read_text("utf-8", "surrogateescape")
    except OSError:
        return []
    return text.splitlines()[::3]


def _guess(common: Path, admin: Path, ref: str) -> Truth:
    """Compare tips: a commit moves a branch and the reflog of its checkout together."""
    last = (_last_line(admin / "logs/HEAD") or "").split(" ")
    tip = resolve(Git(common), ref)
    known = len(last) > 1 and _is_commit(last[1]) and tip is not None
    return Truth.NO if known and last[1] != tip else Truth.UNKNOWN


def _place(common: Path, admin: Path) -> str:
    if admin == common:
        return str(common.parent) if common.name == ".git" else str(common)
    gitfile = _first_line(admin / "gitdir")
    return str(Path(gitfile).parent) if gitfile else f"worktree {admin.name}"


def _is_commit(text: str) -> bool:
    return len(text) == ID_LENGTH and set(text) <= set("0123456789abcdef") and text != NOTHING


def _first_line(path: Path) -> str | None:
    try:
        if path.is_symlink():  # how old versions of Git wrote HEAD
            return f"ref: {path.readlink()}"
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    return lines[0] if lines else None


def _last_line(path: Path) -> str | None:
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    return lines[-1] if lines else None
