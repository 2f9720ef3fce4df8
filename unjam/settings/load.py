"""Find every configuration that counts, read each once, and say in a line each what is wrong with it.

What is said of one repository counts more than what is said of all: the environment, ``--config``, the
person's own configuration of this repository, the repository's own file, the person's own of all, the defaults.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unjam.errors import UsageError
from unjam.settings.model import DELIMITER, ENVIRONMENT, SECTIONS, Settings
from unjam.settings.personal import Personal, read_personal
from unjam.settings.toml_file import Content, TomlFile, digest_of, parsed, read_bytes, read_toml

if TYPE_CHECKING:
    from pydantic import ValidationError

    from unjam.settings.trust import Own

FILE = "unjam.toml"
PROJECT = "pyproject.toml"
_Said = Mapping[str, Mapping[str, Any]]  # section, key, value
_NOTHING: _Said = {}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is in force, and the file among its sources that an agent can have written."""

    settings: Settings
    own: "Own | None" = None


def load(repo: Path, config: Path | None = None) -> Settings:
    """Return what is in force; raises UsageError, a line for each mistake, with where it is."""
    return load_all(repo, config).settings


def load_all(repo: Path, config: Path | None = None, *, standing: bool = False) -> Loaded:
    """Read ``config``, else the repository's own file, and what the person says; raises UsageError.

    Only what a person trusted counts of the repository's own file, and what makes unjam do less.
    ``standing``: ``config`` was named once for many times to come, so in a repository it is no better.
    """
    personal, file = read_personal(repo), _file(repo, config)
    overridden = _is_overridden()
    if not overridden and not (file and file.content) and not (personal and personal.says_more):
        return Loaded(Settings(), _empty(repo, file) if file and config is None else None)
    return _joined(_Sources(repo, file, personal, config is not None, standing), overridden)


def holds_same(own: "Own", raw: bytes) -> bool:
    """Tell whether these bytes say what a configuration says, by its digest."""
    try:
        file = parsed(own.file, raw)
        same = _section_of(file) if own.file.name == PROJECT else file
    except UsageError:
        return False
    return same.digest == own.digest


@dataclass(frozen=True, slots=True)
class _Sources:
    repo: Path
    file: TomlFile | None
    personal: Personal | None
    is_named: bool
    standing: bool

    @property
    def file_is_a_persons(self) -> bool:
        """Tell whether a person has just named the file, or named one where no agent works."""
        from unjam.settings.trust import is_in_repository

        if self.file is None or not self.is_named:
            return False
        return not (self.standing and is_in_repository(self.file.path))

    @property
    def of_this_repository(self) -> Iterator[tuple[str, Content]]:
        """Yield what the person says of it, and where."""
        if self.personal is not None:
            for place, content in self.personal.for_repository(self.repo):
                yield f'{self.personal.file}: repository."{place}".', content


def _joined(sources: _Sources, overridden: bool) -> Loaded:  # noqa: FBT001 -- one of the sources
    from unjam.settings.validation import settings_of

    personal, file = sources.personal, sources.file
    below = _said(f"{personal.file}: ", personal.for_all) if personal else _NOTHING
    said = _said(_place_in(file), file.content) if file else _NOTHING
    above = reduce(_merged, (_said(*one) for one in sources.of_this_repository), _NOTHING)
    of_environment = _environment() if overridden else _NOTHING
    if file is None or sources.file_is_a_persons:
        layers, own = (below, above, said, of_environment), None
    else:
        persons = _merged(above, of_environment)
        own = _judged(sources, file, said, settings_of(below), persons)
        in_force = _without(said, [key for key, _ in own.needs]) if own.is_held else said
        layers = (below, in_force, above, of_environment)
    return Loaded(settings_of(reduce(_merged, layers)), own)


def _judged(
    sources: _Sources, file: TomlFile, said: _Said, otherwise: Settings, persons: _Said
) -> "Own":
    from unjam.settings.trust import Own, needing_trust, trusted_by

    needs = tuple(
        (f"{section}.{key}", value)
        for section, key, value in needing_trust(said, otherwise, persons)
    )
    own = Own(sources.repo, file.path, file.digest, needs, is_named=sources.is_named)
    return replace(own, trusted=trusted_by(own, sources.personal))


def _empty(repo: Path, file: TomlFile) -> "Own":
    from unjam.settings.trust import Own

    return Own(repo, file.path, file.digest, ())


def _merged(low: _Said, high: _Said) -> _Said:
    return {name: {**low.get(name, {}), **high.get(name, {})} for name in SECTIONS}


def _without(said: _Said, keys: list[str]) -> _Said:
    return {
        section: {key: one for key, one in values.items() if f"{section}.{key}" not in keys}
        for section, values in said.items()
    }


def _said(place: str, content: Content) -> _Said:
    from pydantic import ValidationError

    from unjam.settings.validation import chosen

    try:
        return chosen(content)
    except ValidationError as error:
        problems = dict.fromkeys(_problems(error, place))
        raise UsageError("\n".join(problems)) from None


def _environment() -> _Said:
    from pydantic import ValidationError

    from unjam.settings.environment import Overridden
    from unjam.settings.validation import chosen

    try:
        return chosen({}, Overridden)
    except ValidationError as error:
        problems = dict.fromkeys(_problems(error, ""))
        raise UsageError("\n".join(problems)) from None


def _place_in(file: TomlFile) -> str:
    return f"{file.path}: {'tool.unjam.' if file.path.name == PROJECT else ''}"


def _file(repo: Path, config: Path | None) -> TomlFile | None:
    if config is not None:
        read = read_toml(config)
        return _section_of(read) if config.name == PROJECT else read
    own, project = repo / FILE, repo / PROJECT
    within = _project_section(project)
    if not os.path.lexists(own):
        return within
    if within is not None:
        raise UsageError(
            f"two configurations: {own} and [tool.unjam] in {project}; keep one of them"
        )
    return read_toml(own)


def _project_section(project: Path) -> TomlFile | None:
    """Return ``[tool.unjam]``; None without one, also when the file is broken and not ours."""
    # A file without our name cannot hold our section, and parsing it would cost time.
    raw = read_bytes(project) if project.is_file() else b""
    if b"unjam" not in raw:
        return None
    read = parsed(project, raw)
    return _section_of(read) if "unjam" in read.content.get("tool", {}) else None


def _section_of(file: TomlFile) -> TomlFile:
    """Return our section as a file of its own: what stands around it changes no digest."""
    import json

    section = file.content.get("tool", {}).get("unjam", {})
    if not isinstance(section, dict):
        raise UsageError(f"{file.path}: tool.unjam must be a table")
    written = json.dumps(section, sort_keys=True, default=repr).encode()
    return TomlFile(file.path, section, digest_of(written))


def _problems(error: "ValidationError", place: str) -> Iterator[str]:
    for one in error.errors(include_url=False):
        keys = [str(part) for part in one["loc"]]
        where = f"{place}{'.'.join(keys)}" if place else _variable(keys)
        if one["type"] == "extra_forbidden":
            yield f"{where}: unknown key; {_nearest(keys)}"
        elif one["type"] == "model_type":
            yield f"{where}: write it as a table, [{keys[0]}]"
        else:
            message = one["msg"].removeprefix("Value error, ")
            yield f"{where}: {message[0].lower()}{message[1:]} (it is {one['input']!r:.80})"


def _variable(keys: list[str]) -> str:
    """Name the variable that is set and holds this key, or all of its section."""
    for depth in range(len(keys), 0, -1):
        variable = ENVIRONMENT + DELIMITER.join(keys[:depth]).upper()
        if any(name.upper() == variable for name in os.environ):
            return f"environment variable {variable}"
    return ".".join(keys)


def _nearest(keys: list[str]) -> str:
    section, key = keys[0], keys[-1]
    elsewhere = [name for name in SECTIONS if key in _keys_of(name)]
    if elsewhere:
        return f"it belongs in [{elsewhere[0]}]"
    near = _near(key.lower(), _keys_of(section), 0.5)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(_keys_of(section))}"


def _near(word: str, candidates: list[str], cutoff: float) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(word, candidates, n=1, cutoff=cutoff)


def _keys_of(section: str) -> list[str]:
    """Return the keys of a section; without such a section, the sections."""
    known = SECTIONS.get(section)
    return list(SECTIONS) if known is None else [one.name for one in fields(known)]


def _is_overridden() -> bool:
    """Tell whether a variable of ours is set; raises UsageError."""
    known = _known_variables()
    _refuse_unknown_variables(known)
    return not known.isdisjoint(name.upper() for name in os.environ)


def _known_variables() -> frozenset[str]:
    keys = (
        f"{ENVIRONMENT}{section}{DELIMITER}{key}"
        for section in SECTIONS
        for key in _keys_of(section)
    )
    return frozenset(map(str.upper, (*keys, *(f"{ENVIRONMENT}{one}" for one in SECTIONS))))


def _refuse_unknown_variables(known: frozenset[str]) -> None:
    """Refuse variables that are nearly ours: they would silently change nothing."""
    for name in sorted(os.environ):
        inside = name.upper().removeprefix(ENVIRONMENT)
        section = inside.partition("_")[0].lower()
        ours = DELIMITER in inside or section in SECTIONS
        if name.upper().startswith(ENVIRONMENT) and ours and name.upper() not in known:
            hint = _nearest_variable(inside, section, known)
            raise UsageError(f"environment variable {name}: unknown; {hint}")


def _nearest_variable(inside: str, section: str, known: frozenset[str]) -> str:
    alike = (one for one in known if DELIMITER in one)
    candidates = sorted(one.removeprefix(ENVIRONMENT) for one in alike)
    near = _near(inside, candidates, 0.6)
    if near:
        return f"did you mean {ENVIRONMENT}{near[0]}?"
    return f"known here: {', '.join(_keys_of(section))}"
