"""The record of a running `unjam up` of this person: where it is, and which process it is."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unjam.adapters import files
from unjam.adapters.only_one import only_one
from unjam.adapters.processes.identity import identity_of, is_same
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, RefusedError, UsageError

PASSWORD = "PREFECT_SERVER_API_AUTH_STRING"  # noqa: S105 -- the name of the variable


@dataclass(frozen=True, slots=True)
class Serving:
    """One that runs."""

    address: str
    identity: ProcessIdentity
    password_file: Path | None = None
    protected: bool = False

    @property
    def api(self) -> str:
        """Where flows and clients find it."""
        return f"{self.address}/api"


def home() -> Path:
    """Return where it keeps its record and its logs: beside Prefect's history, which is this person's."""
    prefect = os.environ.get("PREFECT_HOME") or "~/.prefect"
    return Path(prefect).expanduser().absolute() / "unjam-up"


@contextmanager
def alone() -> Iterator[None]:
    """Be the only one on this history, from before it can be reached; raises UsageError."""
    with only_one(home() / "lock") as other:
        if other is not None:
            raise UsageError(f"another unjam up (pid {other}) is starting, on the same history")
        yield


def announce(address: str, password_file: Path | None, *, protected: bool) -> None:
    """Say that this process serves there."""
    identity = identity_of(os.getpid())
    if identity is not None:
        told = asdict(Serving(address, identity, password_file, protected))
        files.write_atomically(_record(), json.dumps(told, default=str).encode())


def withdraw() -> None:
    """Say that this process serves no longer; another's word stays."""
    found = running_up()
    if found is not None and found.identity.pid == os.getpid():
        _record().unlink(missing_ok=True)


def running_up() -> Serving | None:
    """Return the one that runs on this machine; a record that another process left means nothing."""
    try:
        told: dict[str, Any] = json.loads(files.content(_record()) or b"{}")
        identity = ProcessIdentity(**told["identity"])
        password_file = Path(told["password_file"]) if told["password_file"] else None
        found = Serving(str(told["address"]), identity, password_file, bool(told["protected"]))
    except (ValueError, KeyError, TypeError, RecursionError, PermanentError):
        return None
    return found if is_same(identity) is Truth.YES else None


def password_in(file: Path) -> str:
    """Read ``user:password`` from a file that is its owner's alone; raises UsageError, RefusedError."""
    try:
        content = files.content(file)
    except PermanentError as error:
        raise UsageError(str(error)) from error
    if content is None:
        raise UsageError(f"{file}: no such file; write user:password into it")
    if file.stat().st_mode & 0o077:
        raise RefusedError(f"{file}: others may read it; chmod 600 it")
    return checked_password(content.decode("utf-8", "replace").strip(), str(file))


def checked_password(password: str, where: str) -> str:
    """Return it if it is one; raises UsageError, which does not show it."""
    user, colon, secret = password.partition(":")
    if not (user and colon and secret) or not password.isprintable():
        raise UsageError(f"{where}: not user:password on one line")
    return password


def way_in() -> dict[str, str] | None:
    """Return the settings of Prefect with which to reach the one that runs; None where there is no way."""
    found = running_up()
    if found is None:
        return None
    reached = {"PREFECT_API_URL": found.api}
    if not found.protected:
        return reached
    known = os.environ.get("PREFECT_API_AUTH_STRING") or os.environ.get(PASSWORD)
    if known is None and found.password_file is not None:
        with suppress(PermanentError, OSError):
            known = password_in(found.password_file)
    return {**reached, "PREFECT_API_AUTH_STRING": known} if known else None


def _record() -> Path:
    return home() / "running.json"
