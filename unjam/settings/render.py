"""Write a configuration file: every key with its comment, what was found in force."""

import json
from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel

from unjam.settings.model import Settings
from unjam.settings.units import written_duration, written_size

_Found = Mapping[str, Mapping[str, object]]
_HEAD = """\
# unjam: how this repository is recovered. Every key has a default, shown here behind a #;
# no file is needed for the defaults. UNJAM_<SECTION>__<KEY> in the environment wins over it.
"""
_SIZES = frozenset({"free_disk"})


def render(found: _Found | None = None) -> str:
    """Return the text of an ``unjam.toml``: ``found`` (section, key, value) is in force, the rest default."""
    settings = Settings.model_construct()
    sections = (
        _section(name, getattr(settings, name), (found or {}).get(name, {}))
        for name in Settings.model_fields
    )
    return "\n".join((_HEAD, *sections))


def _section(name: str, defaults: BaseModel, found: Mapping[str, object]) -> str:
    lines = [f"# {type(defaults).__doc__}", f"[{name}]"]
    for key, field in type(defaults).model_fields.items():
        default = getattr(defaults, key)
        in_force = key in found and found[key] != default
        shown = found[key] if in_force else default
        example = shown if shown is not None else (field.examples or [""])[0]
        mark = "" if in_force else "# "
        lines.append(f"{mark}{key} = {_toml(key, example)}  # {field.description}")
    return "\n".join(lines) + "\n"


def _toml(key: str, value: object) -> str:
    if isinstance(value, timedelta):
        value = written_duration(value)
    if key in _SIZES and isinstance(value, int):
        value = written_size(value)
    # JSON's strings, lists and whole numbers are TOML's too.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
