"""A person's own configuration: what counts without being trusted first, for all repositories or by place."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from unjam.errors import UsageError
from unjam.settings.toml_file import Content, read_toml

_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Personal:
    """What a person's own file says."""

    file: Path
    for_all: Content
    by_place: tuple[tuple[str, Content], ...] = ()
    trusts: tuple[str, ...] = ()

    @property
    def says_more(self) -> bool:
        """Tell whether it says more than which places are trusted."""
        return bool(self.for_all or self.by_place)

    def for_repository(self, repository: Path) -> Iterator[tuple[str, Content]]:
        """Yield what is said of this repository, under which place; the later counts more."""
        return (one for one in self.by_place if lies_in(repository, one[0]))

    def trusts_place(self, *places: Path) -> bool:
        """Tell whether each of these directories lies in a place this person trusts."""
        return all(any(lies_in(one, place) for place in self.trusts) for one in places)


def personal_file() -> Path:
    """Return where a person's own configuration is."""
    return _base("XDG_CONFIG_HOME", ".config") / "unjam" / "config.toml"


def state_folder() -> Path:
    """Return where unjam remembers what is this person's and no repository's."""
    return _base("XDG_STATE_HOME", ".local/state") / "unjam"


def _base(variable: str, below_home: str) -> Path:
    # A relative one would be looked for where we are, and that is an agent's to write.
    named = os.environ.get(variable, "")
    return Path(named) if Path(named).is_absolute() else Path.home() / below_home


def require_outside(repository: Path, place: Path, variable: str) -> None:
    """Refuse what is the person's alone in the repository that it is about: an agent can have written it."""
    if Path(os.path.realpath(place)).is_relative_to(os.path.realpath(repository)):
        raise UsageError(
            f"{place} is the person's own and lies in the repository, where agents write: "
            f"keep it elsewhere, and name where with {variable}"
        )


def read_personal(repository: Path) -> Personal | None:
    """Read it; None where there is none. Raises UsageError, also where it lies in this repository."""
    file = personal_file()
    if not os.path.lexists(file):
        return None
    require_outside(repository, file, "XDG_CONFIG_HOME")
    for_all = dict(read_toml(file, private=True).content)
    places = for_all.pop("repository", {})
    trusts = for_all.pop("trust", [])
    if not isinstance(places, dict) or not all(isinstance(one, dict) for one in places.values()):
        raise UsageError(f'{file}: repository: write it as tables, [repository."~/code/x".policy]')
    if not isinstance(trusts, list) or not all(isinstance(one, str) for one in trusts):
        raise UsageError(f'{file}: trust: write it as a list of places, such as ["~/work/**"]')
    for place in (*trusts, *places):
        if not os.path.isabs(os.path.expanduser(place)):  # noqa: PTH111, PTH117 -- a pattern
            raise UsageError(f"{file}: {place}: write a place from / or from ~")
    return Personal(file, for_all, tuple(places.items()), tuple(trusts))


def lies_in(path: Path, place: str) -> bool:
    """Tell whether a directory is at a place: ``*`` stands for one name, ``**`` for any number of them.

    Links are followed on both sides: one in a trusted place that leads out of it is not in it.
    """
    expanded = Path(place).expanduser().parts
    fixed = next((at for at, one in enumerate(expanded) if _WILD & {*one}), len(expanded))
    start = Path(os.path.realpath(Path(*expanded[:fixed]))).parts
    return _matches(Path(os.path.realpath(path)).parts, (*start, *expanded[fixed:]))


def _matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not names
    first, further = pattern[0], pattern[1:]
    if first == "**":
        return any(_matches(names[at:], further) for at in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], first) and _matches(names[1:], further)
