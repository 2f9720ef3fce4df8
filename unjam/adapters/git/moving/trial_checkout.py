"""Throw-away checkouts to verify in: repositories of their own over the real objects.

Whatever the verify command does with Git in there, the real refs, configuration and hooks are out
of its reach.
"""

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError, RefusedError, UnjamError

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = false
\tlogAllRefUpdates = false
\thooksPath = /dev/null
[gc]
\tauto = 0
[maintenance]
\tauto = false
[user]
\tname = trial
\temail = trial@localhost
"""


def trial_root(common: Path) -> Path:
    """Say where throw-away checkouts live; nothing else is ever removed by this module."""
    return common / "unjam" / "trial"


def trial_environment(common: Path) -> dict[str, str]:
    """Return what keeps Git from climbing into the real repository, should a trial lose its own."""
    return {"GIT_CEILING_DIRECTORIES": str(trial_root(common))}


def trial_checkout(common: Path, commit: CommitId, target: Path) -> Path:
    """Make a checkout of a commit below the trial root, or make the one that is there pristine."""
    _refuse_outside(common, target)
    if target.exists():
        return trial_move(common, target, commit)
    target.mkdir(mode=0o700, parents=True)
    _fill(common, target, commit)
    return target


def trial_move(common: Path, target: Path, commit: CommitId) -> Path:
    """Turn a trial into a pristine checkout of another commit; leftovers of the last one go."""
    _refuse_outside(common, target)
    try:
        _remove(target / ".git")
        _fill(common, target, commit)
    except (UnjamError, OSError):
        # The last one left something Git cannot get past: read-only directories, say.
        discard_trial(common, target)
        target.mkdir(mode=0o700, parents=True)
        _fill(common, target, commit)
    return target


def discard_trial(common: Path, target: Path) -> None:
    """Remove a trial, read-only directories and all; never follows a link out of it."""
    _refuse_outside(common, target)
    _remove(target)
    index = _kept_index(target)
    for one in (index, index.with_name(f"{index.name}.lock")):
        one.unlink(missing_ok=True)


def _fill(common: Path, target: Path, commit: CommitId) -> None:
    git = _own_repository(common, target)
    # Our own index beside the trial remembers what is on disk; the trial's own is never trusted.
    git.on(index=_kept_index(target)).run("read-tree", "--reset", "-u", commit)
    git.on(index=_kept_index(target)).run("clean", "-ffdxq")
    shutil.copy2(_kept_index(target), git.git_dir / "index")
    (git.git_dir / "HEAD").write_text(f"{commit}\n")


def _own_repository(common: Path, target: Path) -> Git:
    git_dir = target / ".git"
    for name in ("refs/heads", "objects/info", "info"):
        (git_dir / name).mkdir(parents=True)
    (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
    (git_dir / "config").write_text(_CONFIG)
    (git_dir / "objects/info/alternates").write_bytes(_quoted(os.fsencode(common / "objects")))
    if (common / "shallow").exists():
        shutil.copyfile(common / "shallow", git_dir / "shallow")
    return replace(Git(git_dir, target), settings=("core.hooksPath=/dev/null",))


def _quoted(path: bytes) -> bytes:
    """Write a path as the alternates file wants it."""
    if not set(path) & set(b'\n"\\#'):
        return path + b"\n"
    for one, escaped in ((b"\\", rb"\\"), (b'"', rb"\""), (b"\n", rb"\n")):
        path = path.replace(one, escaped)
    return b'"' + path + b'"\n'


def _kept_index(target: Path) -> Path:
    return target.with_name(f".{target.name}.index")


def _refuse_outside(common: Path, target: Path) -> None:
    """Prove that a target lies below the trial root, with no link on the way."""
    root = trial_root(common)
    if ".." in target.parts or root not in target.parents:
        raise RefusedError(f"{target} is not below {root}")
    below = [target, *target.parents]
    for one in below[: below.index(common)]:
        if one.is_symlink():
            raise RefusedError(f"{one} is a link; a trial is not made or removed through it")


def _remove(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        path.unlink()
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        _open_up(path)
        _remove_at_last(path)


def _remove_at_last(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise PermanentError(f"cannot remove {path}: {error.strerror}") from error


def _open_up(path: Path) -> None:
    """Make every directory writable, parents first; walk() does not follow links."""
    path.chmod(0o700)
    for parent, directories, _ in os.walk(path):
        for name in directories:
            one = Path(parent, name)
            if not one.is_symlink():
                one.chmod(0o700)
