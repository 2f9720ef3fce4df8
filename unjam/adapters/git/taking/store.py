"""The store of what was saved: a repository of our own, which no clone, fetch, push or bundle takes along.

It lies below the Git common directory, for its owner alone. It borrows the repository's objects, and
copies those that no commit of the repository holds; the commits a salvage builds on are held there
by one ref, its pin, so that the repository's own ``gc`` can take nothing away from it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from unjam.adapters.git import refs
from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError

NAMESPACE = "refs/unjam"
AGAIN = "again"  # a checkout that the same run has saved before, under its name and the salvage
_PRIVATE = frozenset(
    ("worktree", "before-stop", "dangling", AGAIN)
)  # kinds that hold more than commits
_PIN = "pin"
# 0600: whatever Git writes is its owner's alone, under any umask.
_CONFIG = (
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
    "\tsharedRepository = 0600\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
)
_ALTERNATES = "../../../objects\n"  # of the repository, wherever that is moved to


def place(common: Path) -> Path:
    """Name where it is."""
    return common / "unjam/vault.git"


def is_there(common: Path) -> bool:
    """Tell whether anything was ever saved into it."""
    return (place(common) / "HEAD").is_file()


def make(common: Path) -> Path:
    """Make it, if it is not there; made by halves is completed. Returns its place."""
    vault = place(common)
    if is_there(common):
        return vault
    try:
        for folder in ("", "objects", "objects/info", "objects/pack", "refs", "refs/heads"):
            _make_private(vault / folder, common)
        write_whole(vault / "objects/info/alternates", _ALTERNATES)
        write_whole(vault / "config", _CONFIG)
        write_whole(vault / "HEAD", "ref: refs/heads/none\n")  # last: with it, it is there
    except OSError as error:
        raise PermanentError(f"the vault {vault} cannot be made: {error.strerror}") from error
    return vault


def _make_private(folder: Path, common: Path) -> None:
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    for one in (folder.parent, folder):
        if one.is_symlink() or not one.is_relative_to(common / "unjam"):
            raise PermanentError(f"{one} leads elsewhere; the vault is not made there")
        one.chmod(0o700)


def write_whole(path: Path, text: str) -> None:
    """Put a file in place for its owner alone, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def objects_of(common: Path) -> Path:
    """Name the objects to read: the vault's, which lead to the repository's, or those alone."""
    return place(common) / "objects" if is_there(common) else common / "objects"


def reader(common: Path) -> Git:
    """Return the repository as a command sees it that also reads what was saved; it must not write."""
    return Git(common, objects=objects_of(common))


def is_private(ref: str) -> bool:
    """Tell whether a vault ref is kept apart from the repository: it holds more than its commits."""
    parts = ref.split("/", 4)
    return len(parts) > 4 and ref.startswith(f"{NAMESPACE}/") and parts[3] in _PRIVATE  # noqa: PLR2004 -- refs, unjam, run, kind, name


def pin_of(ref: str) -> str:
    """Name the one ref of the repository that holds the commits a salvage builds on."""
    _, _, run, rest = ref.split("/", 3)
    return f"{NAMESPACE}/{run}/{_PIN}/{rest}"


def is_pin(ref: str) -> bool:
    """Tell whether a ref only holds commits for what is in the vault."""
    parts = ref.split("/", 4)
    return len(parts) > 4 and ref.startswith(f"{NAMESPACE}/") and parts[3] == _PIN  # noqa: PLR2004


def pinned_by(name: str) -> str | None:
    """Name the vault ref that a pin is of; None for any other ref."""
    _, _, run, *rest = name.split("/", 4)
    return f"{NAMESPACE}/{run}/{rest[1]}" if is_pin(name) else None


def named(common: Path) -> tuple[tuple[str, CommitId], ...]:
    """List every vault ref with what it stands for, wherever it is kept; pins are none."""
    found = dict(old_and_public(common))
    if is_there(common):
        found |= dict(refs.refs_below(Git(place(common)), NAMESPACE))
    return tuple(sorted(found.items()))


def old_and_public(common: Path) -> tuple[tuple[str, CommitId], ...]:
    """List those that are in the repository: what holds commits alone, and old salvages."""
    return tuple(one for one in refs.refs_below(Git(common), NAMESPACE) if not is_pin(one[0]))


def resolve(common: Path, ref: str) -> CommitId | None:
    """Return what a vault ref stands for; None where there is no such ref."""
    if is_private(ref) and is_there(common):
        found = refs.resolve(Git(place(common)), ref)
        if found is not None:
            return found
    return refs.resolve(Git(common), ref)


@contextmanager
def room_with(common: Path, names: Sequence[str]) -> Iterator[Git]:
    """Open a room in which these refs have their names, be they the vault's or the repository's."""
    found = dict(named(common)) | {
        ref: at.commit for ref, at in refs.standing(Git(common), names).items() if at.commit
    }
    listed = sorted((name, found[name]) for name in set(names) if name in found)
    lines = "".join(f"{commit} {name}\n" for name, commit in listed)
    with clean_room(common, exact=False, objects=objects_of(common)) as room:
        text = lines.encode("utf-8", "surrogateescape")
        (room.git_dir / "packed-refs").write_bytes(text)
        if (common / "shallow").is_file():
            (room.git_dir / "shallow").write_bytes((common / "shallow").read_bytes())
        yield room
