"""Which configuration an agent can have written, what of it counts nevertheless, and what a person trusted.

A person trusts a content: what is remembered is its digest, for one file of one repository.
"""

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from unjam.adapters import files
from unjam.domain.steps.policy import Consent
from unjam.domain.world.words import first_few
from unjam.errors import UsageError
from unjam.settings.model import SECTIONS, Untrusted
from unjam.settings.personal import Personal, require_outside, state_folder
from unjam.settings.toml_file import digest_of, read_bytes

_STRICTNESS = (Consent.AUTO, Consent.ASK, Consent.OFF)
_SHOWN = 4  # settings in a sentence


@dataclass(frozen=True, slots=True)
class Own:
    """A configuration file that an agent can have written, as it was read."""

    repository: Path
    file: Path
    digest: str
    needs: tuple[tuple[str, Any], ...]  # keys and values that count only once it is trusted
    trusted: str = ""  # by its "content" or by its "place"
    is_named: bool = False  # it is not where the repository's own is looked for

    @property
    def is_held(self) -> bool:
        """Tell whether something of it is not in force."""
        return bool(self.needs) and not self.trusted

    @property
    def command(self) -> str:
        """What to type to trust it."""
        named = ("--config", str(self.file)) if self.is_named else ()
        return shlex.join(("unjam", "--repo", str(self.repository), *named, "trust"))

    @property
    def sentence(self) -> str:
        """Say what is not in force, and what to do."""
        keys = [key for key, _ in self.needs]
        are = "is" if len(keys) == 1 else "are"
        return (
            f"you have not trusted {self.file} as it is now, so {first_few(keys, _SHOWN)} "
            f"{are} not in force; look at it and trust it with: {self.command}"
        )


def needing_trust(
    said: Mapping[str, Mapping[str, Any]], otherwise: Any, above: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str, Any]]:
    """Yield section, key and value of what would do more than is allowed ``otherwise``.

    What is said ``above``, by the person, is not this file's to say.
    """
    for section, values in said.items():
        for one in fields(SECTIONS[section]):
            if one.name not in values or one.name in above.get(section, {}):
                continue
            value, base = values[one.name], getattr(getattr(otherwise, section), one.name)
            if not _is_free(one.metadata["untrusted"], value, base):
                yield section, one.name, value


def _is_free(untrusted: str, value: Any, base: Any) -> bool:
    if value == base or untrusted == Untrusted.ANYTHING:
        return True
    if isinstance(base, Consent):
        return _STRICTNESS.index(value) > _STRICTNESS.index(base)
    if untrusted == Untrusted.EMPTY:
        return not value
    less, more = untrusted == Untrusted.LESS, untrusted == Untrusted.MORE
    return bool((less and value < base) or (more and value > base))


def trusted_by(own: Own, personal: Personal | None) -> str:
    """Return by what a file is trusted, its "place" or its "content"; nothing where it is not."""
    # A link in the place may lead out of it: the file that is read has to lie there, too.
    where = Path(os.path.realpath(own.file)).parent
    if personal is not None and personal.trusts_place(own.repository, where):
        return "place"
    if own.needs:
        require_outside(own.repository, state_folder(), "XDG_STATE_HOME")
    return "content" if _remembered(own.file) == own.digest else ""


def trust(own: Own) -> None:
    """Remember that a person trusts this content, in place of what was trusted of this file before."""
    told = {"schema": 1, "file": _identity(own.file), "digest": own.digest}
    files.write_atomically(_record(own.file), json.dumps(told).encode())


def revoke(own: Own) -> bool:
    """Forget it; False where there was nothing to forget."""
    record = _record(own.file)
    there = files.exists(record)
    record.unlink(missing_ok=True)
    return there


def is_in_repository(file: Path) -> bool:
    """Tell whether a file lies in a repository, and so where agents write."""
    return any(files.exists(one / ".git") for one in Path(os.path.realpath(file)).parents)


def _remembered(file: Path) -> str:
    record = _record(file)
    if not files.exists(record):
        return ""
    try:
        told = json.loads(read_bytes(record, private=True))
    except (UsageError, ValueError):  # as good as none: it is asked anew
        return ""
    is_ours = isinstance(told, dict) and told.get("file") == _identity(file)
    return str(told.get("digest", "")) if is_ours else ""


def _record(file: Path) -> Path:
    name = digest_of(os.fsencode(_identity(file)))[:32]
    return state_folder() / "trust" / f"{name}.json"


def _identity(file: Path) -> str:
    """Name a file by where it is looked for; where it may lead is part of its content."""
    return str(Path(os.path.realpath(file.parent)) / file.name)
