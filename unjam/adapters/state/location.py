"""Where a state database is: a file, or a server named by a URL whose password stays hidden.

And whom it may serve beside this clone, by where it is; the file itself is not opened.
"""

import os
import re
from pathlib import Path
from urllib.parse import unquote

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SQLITE = re.compile(r"sqlite(\+[a-z0-9]+)?://(?:/(?P<path>[^?]*))?", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?P<scheme>^[^:/]+://)[^/?#]*@")
_SECRET_OPTION = re.compile(r"(?i)([?&][^=&]*(?:pass|pwd|secret|token|key)[^=&]*=)[^&]*")
_PASSWORD = re.compile(r"^[^:/]+://[^:/?#]*:(?P<password>[^/?#]*)@")


def is_url(location: str) -> bool:
    """Tell a SQLAlchemy URL from a path."""
    return _URL.match(location) is not None


def file_of(location: str) -> Path | None:
    """Return the SQLite file; None when the state is on a server (or in nobody's memory)."""
    if not is_url(location):
        return Path(location)
    match = _SQLITE.match(location)
    if match is None or match["path"] in {None, "", ":memory:"}:
        return None
    return Path(unquote(match["path"]))


def without_password(location: str) -> str:
    """Return the location without user and password, fit for a report."""
    if not is_url(location):
        return location
    return _SECRET_OPTION.sub(r"\1***", _CREDENTIALS.sub(r"\g<scheme>", location))


def without_secrets(message: str, location: str) -> str:
    """Cut the location and its password out of what a driver has to say."""
    message = " ".join(message.replace(location, without_password(location)).split())
    match = _PASSWORD.match(location)
    options = (found[0].partition("=")[2] for found in _SECRET_OPTION.finditer(location))
    for secret in (match["password"] if match else "", *options):
        for written in filter(None, {secret, unquote(secret)}):
            message = message.replace(written, "***")
    return message


def why_shared(location: str, primary: Path, common: Path) -> str:
    """Say what shows that others may use the state too; empty where it lies in this clone alone."""
    path = file_of(location)
    if path is None:
        return "the state is on a server, which may serve other machines"
    real = Path(os.path.realpath(path))
    roots = [Path(os.path.realpath(one)) for one in (primary, common)]
    root = next((one for one in roots if real.is_relative_to(one)), None)
    if root is None:
        return "the state's file lies outside of this repository, and may serve other clones"
    if root == roots[0] and _is_in_another(real.parent, root, roots[1]):
        return "the state's file lies in a repository of its own"
    return _by_its_file(real, root)


def _by_its_file(real: Path, root: Path) -> str:
    try:
        found = real.stat()
    except OSError:
        return ""
    if found.st_nlink > 1:
        return "the state's file has a second name, by which another clone may use it"
    # Of directories only: an overlay gives each file the number of the layer it lies in.
    if real.parent.stat().st_dev != root.stat().st_dev:
        return "the state's file is on a file system of its own, which others may have mounted"
    return ""


def _is_in_another(folder: Path, root: Path, common: Path) -> bool:
    while folder not in (root, common) and folder.is_relative_to(root):
        if (folder / ".git").exists():
            return True
        folder = folder.parent
    return False
