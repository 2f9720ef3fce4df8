"""Find the one configuration, read it, and say in a line each what is wrong with it."""

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unjam.errors import UsageError
from unjam.settings.model import SECTIONS, Settings
from unjam.settings.variables import DELIMITER, ENVIRONMENT

if TYPE_CHECKING:
    from pydantic import ValidationError

FILE = "unjam.toml"
PROJECT = "pyproject.toml"
_Content = dict[str, Any]


def load(repo: Path, config: Path | None = None) -> Settings:
    """Read ``config``, else the repository's own configuration, else take the defaults.

    Raises UsageError, a line for each mistake, with where it is and what was probably meant.
    """
    file, content = _content(repo, config)
    overridden = _is_overridden()
    if not content and not overridden:
        return Settings()
    from pydantic import ValidationError

    from unjam.settings.validation import validated

    try:
        if overridden:
            from unjam.settings.environment import Overridden

            return validated(content, Overridden)
        return validated(content)
    except ValidationError as error:
        problems = dict.fromkeys(_problems(error, file))
        raise UsageError("\n".join(problems)) from None


def _content(repo: Path, config: Path | None) -> tuple[Path, _Content]:
    if config is not None:
        content = _read(config)
        return config, _section_of(config, content) if config.name == PROJECT else content
    own, project = repo / FILE, repo / PROJECT
    within = _project_section(project)
    if not os.path.lexists(own):
        return project, within or {}
    if within is not None:
        raise UsageError(
            f"two configurations: {own} and [tool.unjam] in {project}; keep one of them"
        )
    return own, _read(own)


def _project_section(project: Path) -> _Content | None:
    """Return ``[tool.unjam]``; None without one, also when the file is broken and not ours."""
    # A file without our name cannot hold our section, and parsing it would cost time.
    if not project.is_file() or b"unjam" not in _bytes(project):
        return None
    content = _read(project)
    return _section_of(project, content) if "unjam" in content.get("tool", {}) else None


def _section_of(file: Path, content: _Content) -> _Content:
    section = content.get("tool", {}).get("unjam", {})
    if not isinstance(section, dict):
        raise UsageError(f"{file}: tool.unjam must be a table")
    return section


def _read(file: Path) -> _Content:
    import tomllib

    try:
        return tomllib.loads(_bytes(file).decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 at byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: not TOML: {error}") from None


def _bytes(file: Path) -> bytes:
    if file.exists() and not file.is_file():
        raise UsageError(f"{file}: not a regular file")
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def _problems(error: "ValidationError", file: Path) -> Iterator[str]:
    for one in error.errors(include_url=False):
        keys = [str(part) for part in one["loc"]]
        where = _where(keys, file)
        if one["type"] == "extra_forbidden":
            yield f"{where}: unknown key; {_nearest(keys)}"
        elif one["type"] == "model_type":
            yield f"{where}: write it as a table, [{keys[0]}]"
        else:
            message = one["msg"].removeprefix("Value error, ")
            yield f"{where}: {message[0].lower()}{message[1:]} (it is {one['input']!r:.80})"


def _where(keys: list[str], file: Path) -> str:
    """Name the variable or the key in the file; the variable wins, so it is to blame."""
    for depth in range(len(keys), 0, -1):
        variable = ENVIRONMENT + DELIMITER.join(keys[:depth]).upper()
        if any(name.upper() == variable for name in os.environ):
            return f"environment variable {variable}"
    prefix = "tool.unjam." if file.name == PROJECT else ""
    return f"{file}: {prefix}{'.'.join(keys)}"


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
