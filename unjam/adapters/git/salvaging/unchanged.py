"""Which tracked files provably still are their staged blob, so that they need not be read.

Git's stat data says "unchanged since it was checked out", not "the blob is what is on disk": a
conversion on the way may have changed every byte. Sizes tell conversions of line ends, keywords and
encodings; a filter or an encoding that keeps the size cannot be told, so where one may be, every
file is read.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from unjam.adapters.git.objects import Known
from unjam.adapters.git.salvaging.staged import Index, Staged
from unjam.adapters.git.salvaging.survey import Survey

_CONVERTS = re.compile(rb"filter|working-tree-encoding", re.IGNORECASE)
_CONFIGURES = re.compile(rb"\[\s*filter|attributesfile|\[\s*include", re.IGNORECASE)
_CONFIGURES_GLOBALLY = re.compile(rb"attributesfile", re.IGNORECASE)
_ATTRIBUTES = b".gitattributes"
_WORD = 0xFFFFFFFF
_SECOND = 1_000_000_000


def stampable(found: Survey, index: Index, common: Path) -> dict[bytes, Staged]:
    """Return the entries whose stat data may be believed; none where a conversion is possible."""
    if not index.written_ns or _may_convert(found, index, common):
        return {}
    return {one.path: one for one in index.entries if one.stamp is not None and one.stage == 0}


def is_unchanged(
    entry: Staged, status: os.stat_result, index: Index, known: Mapping[bytes, Known]
) -> bool:
    """Tell whether this file certainly holds the bytes of its staged blob."""
    modified = status.st_mtime_ns
    blob = known.get(entry.oid)
    stamp = entry.stamp
    return (
        blob is not None
        and stamp is not None
        and blob.size == status.st_size
        and modified < index.written_ns  # else it may have changed in the same tick
        and stamp[2] * _SECOND + stamp[3] == modified
        and stamp[0] * _SECOND + stamp[1] == status.st_ctime_ns
        and stamp[5] == status.st_ino & _WORD
        and stamp[9] == status.st_size & _WORD
        and (stamp[7], stamp[8]) == (status.st_uid & _WORD, status.st_gid & _WORD)
        and (entry.mode == b"100755") == bool(status.st_mode & stat.S_IXUSR)
    )


def _may_convert(found: Survey, index: Index, common: Path) -> bool:
    on_disk = {one[0] for one in found.worktree.files if one[0].endswith(_ATTRIBUTES)}
    staged = {one[0] for one in index.entries if one[0].endswith(_ATTRIBUTES)}
    if staged - on_disk:
        return True
    attributes = [Path(os.fsdecode(found.worktree.absolute(path))) for path in on_disk]
    home = Path.home()
    attributes += [common / "info/attributes", home / ".config/git/attributes"]
    admin = found.source.admin or common
    configurations = (common / "config", common / "config.worktree", admin / "config.worktree")
    return (
        _any(attributes, _CONVERTS)
        or _any(configurations, _CONFIGURES)
        or _any((home / ".gitconfig", home / ".config/git/config"), _CONFIGURES_GLOBALLY)
    )


def _any(paths: Iterable[Path], pattern: re.Pattern[bytes]) -> bool:
    for path in paths:
        try:
            if pattern.search(path.read_bytes()):
                return True
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False
