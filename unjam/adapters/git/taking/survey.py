"""Find every directory that belongs to one worktree, and list it."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from unjam.adapters.git.taking.manifest import Base
from unjam.adapters.git.taking.walk import Admit, Walked, WalkedEntry, walk

# Of the common directory, only these belong to the primary checkout alone.
_OF_PRIMARY = re.compile(
    rb"(?:[A-Z_]+|index(?:\.lock)?|sharedindex\.[0-9a-f]+|config\.worktree"
    rb"|(?:rebase-merge|rebase-apply|sequencer)(?:/.*)?"
    rb"|logs(?:/HEAD)?|info(?:/sparse-checkout)?"
    rb"|(?:logs/)?refs(?:/(?:bisect|worktree|rewritten)(?:/.*)?)?)",
    re.DOTALL,
)
ANOTHERS = "it is a worktree of another repository"  # which would look for it in vain elsewhere
_GITFILE_LIMIT = 1 << 12


@dataclass(frozen=True, slots=True)
class Source:
    """One worktree and its admin directory; either may be damaged or missing.

    The primary's admin directory is the common directory. ``without`` names paths that are kept
    safe in another way, such as the state database, and are neither read nor restored.
    """

    worktree: Path
    admin: Path | None
    without: tuple[PurePath, ...] = ()


@dataclass(frozen=True, slots=True)
class SurveyedDirectory:
    """One directory to save."""

    label: str
    base: Base
    path: bytes  # below its base
    walked: Walked


@dataclass(slots=True)
class Survey:
    """Everything there is of one source, listed and not yet read."""

    source: Source
    primary: bool
    places: list[SurveyedDirectory] = field(default_factory=list)  # the worktree first
    others: list[bytes] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def worktree(self) -> Walked:
        """Return the listing of the worktree itself."""
        return self.places[0].walked

    def admin_files(self) -> Iterator[WalkedEntry]:
        """Give the files of the admin directory."""
        return (
            one for place in self.places if place.label == "admin" for one in place.walked.files
        )


def common_of(source: Source) -> Path:
    """Return the common directory of a source, from where its admin directory is."""
    if source.admin is None:
        return source.worktree / ".git"
    # Not from its `commondir` file: that may be damaged, and all of it is hostile.
    primary = (source.admin / "objects").is_dir()
    return source.admin if primary else source.admin.parent.parent


def survey(common: Path, source: Source) -> Survey:
    """List a worktree, its admin directory, and the repositories nested in it.

    Raises RefusedError where one of the first two is a symbolic link.
    """
    found = Survey(source, primary=is_primary(source.admin, common))
    found.others = other_worktrees(common, source.worktree) if found.primary else []
    root = os.fsencode(source.worktree)
    left_out = {*found.others, *_below(source.without, source.worktree)}
    admit = (lambda path: path not in left_out) if left_out else None
    walked = walk(root, admit=admit)
    found.places.append(SurveyedDirectory("worktree", Base.WORKTREE, b"", walked))
    if source.admin is not None:
        chosen = belongs_to_primary if found.primary else None
        admin = walk(os.fsencode(source.admin), admit=chosen, across_repositories=True)
        found.places.append(SurveyedDirectory("admin", Base.ADMIN, b"", admin))
    _add_nested(found, common, admit)
    return found


def is_primary(admin: Path | None, common: Path) -> bool:
    """Tell whether an admin directory is the common directory itself, however it is named."""
    try:
        return admin is not None and (admin == common or admin.samefile(common))
    except OSError:
        return False


def belongs_to_primary(path: bytes) -> bool:
    """Tell the primary checkout's own state from what all checkouts share."""
    return _OF_PRIMARY.fullmatch(path) is not None


def other_worktrees(common: Path, primary: Path) -> list[bytes]:
    """Return the registered worktrees below the primary whose links are whole."""
    below = []
    for admin in sorted(common.glob("worktrees/*")):
        try:
            gitfile = Path(os.fsdecode((admin / "gitdir").read_bytes().rstrip(b"\n")))
            target = gitfile.read_bytes().removeprefix(b"gitdir: ").rstrip(b"\n")
            if Path(os.fsdecode(target)).samefile(admin):
                below.append(gitfile.parent.resolve())
        except (OSError, ValueError):
            continue
    return list(_below(tuple(below), primary.resolve()))


def _below(paths: tuple[PurePath, ...], root: Path) -> Iterator[bytes]:
    for path in paths:
        if path.is_relative_to(root) and path != root:
            yield os.fsencode(path.relative_to(root))


def _add_nested(found: Survey, common: Path, admit: Admit | None) -> None:
    """Add nested repositories, theirs in turn, and the Git directories of all of them."""
    top = found.places[0]
    pending, number = [top], 0
    while pending:
        place = pending.pop(0)
        for name in place.walked.git_directories:
            if not (place is top and found.primary):
                _add_raw(found, place, name, number)
                number += 1
        if place is not top:
            _add_linked(found, common, place)
        for name in place.walked.repositories:
            path = b"/".join(part for part in (place.path, name) if part)
            inner = walk(
                place.walked.absolute(name),
                admit=_shifted(admit, path) if admit else None,
            )
            nested = SurveyedDirectory(f"nested/{number}/worktree", Base.WORKTREE, path, inner)
            found.places.append(nested)
            pending.append(nested)
            number += 1


def _shifted(admit: Admit, prefix: bytes) -> Admit:
    return lambda path: admit(prefix + b"/" + path)


def _add_raw(found: Survey, place: SurveyedDirectory, name: bytes, number: int) -> None:
    label = place.label.removesuffix("worktree") + "git"
    if place.label == "worktree":
        label = f"nested/{number}/git"
    path = b"/".join(part for part in (place.path, name) if part)
    walked = walk(place.walked.absolute(name), across_repositories=True)
    found.places.append(SurveyedDirectory(label, Base.WORKTREE, path, walked))


def _add_linked(found: Survey, common: Path, place: SurveyedDirectory) -> None:
    """Add the Git directory a nested ``.git`` file names, if it is one of this repository."""
    gitfile = next((one for one in place.walked.files if one.path == b".git"), None)
    if gitfile is None or gitfile.status.st_size > _GITFILE_LIMIT:
        return
    name = os.fsdecode(place.path)
    try:
        text = Path(os.fsdecode(place.walked.absolute(b".git"))).read_bytes()
        inside = Path(os.fsdecode(place.walked.root))
        target = (inside / os.fsdecode(text.removeprefix(b"gitdir: ").rstrip(b"\n"))).resolve()
    except (OSError, ValueError):
        found.problems.append(f"{name}: its Git directory could not be found")
        return
    if not _shared(target, common) or not target.is_dir():
        if not target.is_relative_to(found.source.worktree.resolve()):
            place_of_it = f"its Git directory {target} is elsewhere, and stays there"
            if target.parent.name == "worktrees" and target.is_dir():
                place_of_it = f"{ANOTHERS}: {target.parent.parent}"
            found.problems.append(f"{name}: {place_of_it}")
        return
    own = None if found.primary else found.source.admin
    if own is not None and target.is_relative_to(own.resolve()):
        return  # listed with the rest of the admin directory
    # The objects of a submodule stay where they are: nothing of ours moves that directory.
    walked = walk(
        os.fsencode(target), admit=lambda path: path != b"objects", across_repositories=True
    )
    label = place.label.removesuffix("worktree") + "git"
    relative = os.fsencode(target.relative_to(common.resolve()))
    found.places.append(SurveyedDirectory(label, Base.COMMON, relative, walked))


def _shared(target: Path, common: Path) -> bool:
    roots = (common.resolve() / "modules", common.resolve() / "worktrees")
    return any(target.is_relative_to(root) and target != root for root in roots)


def signature_of(found: Survey, tip: str | None, admin: dict[bytes, bytes]) -> str:
    """Fingerprint a survey, wherever its directories are; ``admin`` has the ids of admin files."""
    digest = hashlib.sha256(f"{tip}\n".encode())
    for place in found.places:
        if place.base is Base.COMMON:
            continue
        digest.update(b"%b\n" % place.label.encode())
        content = admin if place.label == "admin" else None
        digest.update(b"".join(_lines(place.walked.files, content)))
        for listing in (place.walked.links, place.walked.special):
            digest.update(b"".join(_lines(listing, None)))
        for path, status in place.walked.directories:
            digest.update(b"%b\0%o\n" % (path, status.st_mode))
        digest.update(b"\0".join(place.walked.unreadable))
    return digest.hexdigest()


def _lines(listing: list[WalkedEntry], content: dict[bytes, bytes] | None) -> list[bytes]:
    if content is not None:  # Git rewrites its own files without changing them
        return [
            b"%b\0%o %b\n" % (path, at.st_mode, content.get(path, b"?")) for path, at in listing
        ]
    return [
        b"%b\0%o %d %d %d %d\n"
        % (path, at.st_mode, at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino)
        for path, at in listing
    ]
