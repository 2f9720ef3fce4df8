"""Which machine this is: another one may have a clone at the same place, with the same server."""

import hashlib
import os
import re
from functools import cache
from pathlib import Path

VARIABLE = "UNJAM_MACHINE"
_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def machine() -> str:
    """Name this machine so that no other is named alike, from one start to the next.

    Containers of one image share its machine-id, and many laptops a host name: so it is both.
    """
    told = os.environ.get(VARIABLE, "").strip()
    text = told or f"{_id()}\0{os.uname().nodename}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def names() -> frozenset[str]:
    """Return what a row may call this machine; what a person has set counts alone."""
    told = os.environ.get(VARIABLE, "").strip()
    return frozenset({told.lower()} if told else {os.uname().nodename.lower(), _id()} - {""})


def shown() -> str:
    """Name this machine as people do."""
    return os.environ.get(VARIABLE, "").strip() or os.uname().nodename


def mark(repo: Path) -> str:
    """Stand for a repository on this machine, wherever machines meet: keys, tags, names."""
    text = f"{machine()}\0{repo}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def key(kind: str, repo: Path | None = None) -> str:
    """Name what is published of a repository, or of this machine, so that no other replaces it.

    A server keeps the versions of one key as one history, and a key has small letters and digits only.
    """
    name, sign = (repo.name, mark(repo)) if repo else (shown(), machine())
    words = (kind, *re.findall(r"[a-z0-9]+", name.lower()), sign[:8])
    return "-".join(("unjam", *words))


@cache
def _id() -> str:
    for path in _IDS:
        try:
            return path.read_text("ascii").strip()
        except (OSError, ValueError):
            continue
    return ""
