"""What a salvage says about itself: everything Git's trees cannot hold, without a clock.

The same content gives the same bytes, so that the same salvage has the same commit id.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from unjam.adapters.git.taking.walk import Walked, WalkedEntry
from unjam.errors import PermanentError

NAME = b"meta.json"
VERSION = 1
_PERMISSIONS = 0o7777
_OWNER_RUNS = 0o100


class Base(StrEnum):
    """What the path of an area is relative to."""

    WORKTREE = "worktree"
    ADMIN = "admin"
    COMMON = (
        "common"  # a nested checkout's Git directory, shared with others: never restored in place
    )


@dataclass(frozen=True, slots=True)
class Modes:
    """Permissions: the usual ones once, the others by path."""

    file: int = 0o644
    program: int = 0o755
    directory: int = 0o755
    others: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Iterable[WalkedEntry], directories: Iterable[WalkedEntry]) -> Self:
        """Note the permissions of files and directories."""
        permissions = [(path, status.st_mode & _PERMISSIONS) for path, status in files]
        counted = Counter([mode for _, mode in permissions])
        plain = Counter({one: counted[one] for one in counted if not one & _OWNER_RUNS})
        program = Counter({one: counted[one] for one in counted if one & _OWNER_RUNS})
        below = [(path, status.st_mode & _PERMISSIONS) for path, status in directories]
        folders = Counter(mode for _, mode in below)
        usual = cls(
            _commonest(plain, 0o644), _commonest(program, 0o755), _commonest(folders, 0o755)
        )
        ordinary = {usual.file, usual.program}
        others = {os.fsdecode(path): mode for path, mode in permissions if mode not in ordinary}
        others |= {os.fsdecode(path): mode for path, mode in below if mode != usual.directory}
        return cls(usual.file, usual.program, usual.directory, others)

    def of_file(self, path: str, *, runs: bool) -> int:
        """Return the permissions of a file."""
        return self.others.get(path, self.program if runs else self.file)

    def of_directory(self, path: str) -> int:
        """Return the permissions of a directory."""
        return self.others.get(path, self.directory)


def _commonest(modes: Counter[int], default: int) -> int:
    return min(modes, key=lambda mode: (-modes[mode], mode), default=default)


@dataclass(frozen=True, slots=True)
class Area:
    """One directory that was saved, and where in the commit its files are."""

    label: str
    base: Base
    path: str
    modes: Modes = field(default_factory=Modes)
    empty: tuple[str, ...] = ()
    special: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()  # paths no tree may hold; they are ``odd/<label>/<position>``

    @classmethod
    def of(cls, label: str, base: Base, path: bytes, walked: Walked) -> Self:
        """Describe what was walked."""
        return cls(
            label,
            base,
            os.fsdecode(path),
            modes=Modes.of(walked.files, walked.directories),
            empty=decoded(walked.empty),
            special=decoded(one.path for one in walked.special),
        )

    def below(self, path: str) -> str:
        """Return a path of this area as it is below its base."""
        return "/".join(part for part in (self.path, path) if part)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about one salvage that is not bytes of files."""

    worktree: str
    admin: str | None
    present: bool  # the directory of the worktree was there
    registered: bool  # its admin directory was there
    head: str
    tip: str | None
    index: str
    areas: tuple[Area, ...] = ()
    skipped: dict[str, int] = field(
        default_factory=dict
    )  # ignored and not copied, with their sizes
    ignored_left: bool = False  # ignored files were left out altogether
    others: tuple[str, ...] = ()  # registered worktrees below this one, left out
    without: tuple[str, ...] = ()  # left out because the caller said so
    problems: tuple[str, ...] = ()
    purged: tuple[str, ...] = ()  # taken out of the salvage afterwards, for good
    version: int = VERSION

    def to_json(self) -> bytes:
        """Return the same bytes for the same facts."""
        facts = asdict(self)
        if not self.purged:  # so that the same content has the id it always had
            del facts["purged"]
        return json.dumps(facts, indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read it back; raises PermanentError for one this program does not know."""
        try:
            facts: dict[str, Any] = json.loads(text)
            if facts["version"] != VERSION:
                raise PermanentError(
                    f"this salvage has version {facts['version']}: use a newer unjam"
                )
            areas = tuple(_area(one) for one in facts.pop("areas"))
            return cls(areas=areas, **_tuples(facts))
        except (ValueError, KeyError, TypeError) as error:
            raise PermanentError("this is not a salvage") from error


def _area(facts: dict[str, Any]) -> Area:
    modes = Modes(**facts.pop("modes"))
    base = Base(facts.pop("base"))
    return Area(modes=modes, base=base, **_tuples(facts))


def _tuples(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in facts.items()}


def decoded(paths: Iterable[bytes]) -> tuple[str, ...]:
    """Return paths as text that gives the same bytes back."""
    return tuple(os.fsdecode(path) for path in paths)
