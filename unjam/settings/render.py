"""Write a configuration file: every key with its comment, what was found in force."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta

from unjam.settings.model import SECTIONS
from unjam.settings.units import written_duration, written_size

_Found = Mapping[str, Mapping[str, object]]
_HEAD = """\
# unjam: how this repository is recovered. Every key has a default, shown here behind a #;
# no file is needed for the defaults. UNJAM_<SECTION>__<KEY> in the environment wins over it.
# What lets unjam do more than by default counts once you have trusted this file: unjam trust.
"""
_SIZES = frozenset({"free_disk"})


def render(found: _Found | None = None) -> str:
    """Return the text of an ``unjam.toml``: ``found`` (section, key, value) is in force, the rest default."""
    sections = (
        _section(name, section, (found or {}).get(name, {})) for name, section in SECTIONS.items()
    )
    return "\n".join((_HEAD, *sections))


def _section(name: str, section: type, found: Mapping[str, object]) -> str:
    lines = [f"# {section.__doc__}", f"[{name}]"]
    for one in fields(section):
        in_force = one.name in found and found[one.name] != one.default
        shown = found[one.name] if in_force else one.default
        example = one.metadata["example"] if shown is None else shown
        mark = "" if in_force else "# "
        lines.append(
            f"{mark}{one.name} = {toml_value(one.name, example)}  # {one.metadata['description']}"
        )
    return "\n".join(lines) + "\n"


def toml_value(key: str, value: object) -> str:
    """Write the value of a key."""
    if isinstance(value, timedelta):
        value = written_duration(value)
    if key in _SIZES and isinstance(value, int):
        value = written_size(value)
    # JSON's strings, lists and whole numbers are TOML's too.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
