"""Run the verify command: with a deadline, without credentials, and with nothing left behind.

It runs agents' code. What it can see of our environment is an allow-list.
"""

import errno
import fnmatch
import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

from unjam.adapters.processes.helper import helper_command
from unjam.adapters.processes.running.supervisor import GRACE, KILLED
from unjam.adapters.processes.signals import Key, send
from unjam.adapters.processes.table import PROC, read_table
from unjam.errors import PermanentError, TransientError

ALLOWED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TERM"),
    *("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "DISPLAY", "CI"),
    *("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHON*", "PYENV_*", "UV_CACHE_DIR"),
    *("NODE_PATH", "NODE_ENV", "NVM_*", "JAVA_HOME", "GOPATH", "GOROOT", "GOCACHE", "CARGO_HOME"),
    *("RUSTUP_HOME", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_SECRET = ("*TOKEN*", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*CREDENTIAL*", "*_KEY", "*APIKEY*")
_TAIL = 8192  # bytes of output that are kept in the outcome
_TAIL_LINES = 40
_NO_SUCH_PROGRAM = (errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR, errno.ELOOP)
_TRIES = 2  # a supervisor that is killed again is killed by what it runs
_SLACK = 30.0  # seconds a busy machine may add before the supervisor itself is given up
_NAME = "VERIFICATION"
_BEAT = 0.02  # seconds


class VerifyStatus(StrEnum):
    """How a verify command ended."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    NOT_FOUND = "not found"
    NOT_TRIED = "could not be tried"


@dataclass(frozen=True, slots=True)
class Verification:
    """What the verify command said of one tree."""

    command: tuple[str, ...]
    status: VerifyStatus
    exit_code: int | None = None  # negative: the signal that ended it
    tail: str = ""  # the last lines of its output
    seconds: float = 0.0
    left: int = 0  # processes it left behind, all ended
    survivors: int = 0  # of these, the ones that would not end

    @property
    def passed(self) -> bool:
        """Whether it ended with status 0."""
        return self.status is VerifyStatus.PASSED

    @property
    def found_nothing(self) -> bool:
        """Whether it could not be run at all, so that nothing was said of the tree."""
        return self.status in (VerifyStatus.NOT_FOUND, VerifyStatus.NOT_TRIED)

    @property
    def sentence(self) -> str:
        """One line for an operator."""
        name = f"`{shlex.join(self.command)}`"
        match self.status:
            case VerifyStatus.PASSED:
                said = f"{name} passed in {self.seconds:.0f} s"
            case VerifyStatus.FAILED:
                how = self.exit_code if self.exit_code is not None else "unknown"
                said = f"{name} failed with status {how}{self._ending()}"
            case VerifyStatus.TIMED_OUT:
                said = f"{name} was ended after {self.seconds:.0f} s{self._ending()}"
            case VerifyStatus.NOT_FOUND:
                said = f"the verify command {name} cannot be run: {self.tail}"
            case VerifyStatus.NOT_TRIED:
                said = f"{name} could not be tried: {self.tail}"
            case _:
                assert_never(self.status)
        return f"{said}; processes it left behind: {self.left}" if self.left else said

    @property
    def last_line(self) -> str:
        """The last thing that it said; empty if it said nothing."""
        lines = [line.strip() for line in self.tail.splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""

    def _ending(self) -> str:
        return f": {self.last_line}" if self.last_line else ""


def run_verify(
    command: Sequence[str],
    cwd: Path,
    deadline: float,
    environment: Mapping[str, str],
    log: Path,
) -> Verification:
    """Run it in a directory for at most ``deadline`` seconds; all of its output goes to ``log``.

    ``environment`` is added to what the allow-list lets through. A command that kills its
    supervisor has failed. Raises PermanentError if the directory or the log cannot be used,
    TransientError if the supervisor fell over by itself.
    """
    if not command:
        return Verification((), VerifyStatus.NOT_FOUND, tail="none is configured")
    if not cwd.is_dir():
        raise PermanentError(f"cannot verify in {cwd}: it is no directory")
    _prepare(log)
    told = _supervised(command, cwd, deadline, {**allowed(os.environ), **environment}, log)
    if told is None:
        tail = f"{tail_of(log)}\nit killed what ran it"
        return Verification(tuple(command), VerifyStatus.FAILED, tail=tail)
    if "errno" in told:
        return _not_run(command, told["errno"])
    return Verification(
        command=tuple(command),
        status=_status(told),
        exit_code=told["status"],
        tail=tail_of(log),
        seconds=told["seconds"],
        left=told["left"],
        survivors=told["survivors"],
    )


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that code of others may see: no credentials, nothing that steers Git."""
    return {
        name: value
        for name, value in environment.items()
        if any(fnmatch.fnmatchcase(name, one) for one in ALLOWED)
        and not any(fnmatch.fnmatchcase(name.upper(), one) for one in _SECRET)
    }


def tail_of(log: Path) -> str:
    """Return the last lines of a file; nothing if it cannot be read."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_TAIL_LINES:])


def _not_run(command: Sequence[str], code: int) -> Verification:
    because = os.strerror(code)
    if code not in _NO_SUCH_PROGRAM:
        raise TransientError(f"cannot run {command[0]}: {because}")
    if code == errno.ENOENT and os.sep not in command[0]:
        because = f"there is no {command[0]} on PATH"
    return Verification(tuple(command), VerifyStatus.NOT_FOUND, tail=because)


def _prepare(log: Path) -> None:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb"):
            pass
    except OSError as error:
        raise PermanentError(f"cannot write {log}: {error.strerror}") from error


def _status(told: dict[str, Any]) -> VerifyStatus:
    if told["timed_out"]:
        return VerifyStatus.TIMED_OUT
    return VerifyStatus.PASSED if told["status"] == 0 else VerifyStatus.FAILED


def _supervised(
    command: Sequence[str], cwd: Path, deadline: float, environment: Mapping[str, str], log: Path
) -> dict[str, Any] | None:
    """Return what the supervisor says; None if it was killed, and killed when tried again."""
    for _ in range(_TRIES):
        mark = new_mark()
        told = _told(command, cwd, deadline, {**environment, **mark}, log)
        if told is not None:
            return told
        end_marked(mark, KILLED)
    return None


def _told(
    command: Sequence[str], cwd: Path, deadline: float, environment: Mapping[str, str], log: Path
) -> dict[str, Any] | None:
    """Run it under a supervisor that ends with us."""
    ours, theirs = os.pipe()
    os.set_inheritable(ours, True)  # noqa: FBT003 -- the name of the call says it
    try:
        order = {
            "command": list(command),
            "deadline": deadline,
            "log": str(log.absolute()),
            "pipe": ours,
            "parent": os.getpid(),
        }
        supervisor = subprocess.Popen(
            helper_command("running.supervisor", json.dumps(order)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            pass_fds=[ours],
            start_new_session=True,
        )
    except OSError as error:
        os.close(theirs)
        raise TransientError(f"cannot start the verification: {error.strerror}") from error
    finally:
        os.close(ours)
    return _listened(supervisor, theirs, deadline)


def _listened(
    supervisor: subprocess.Popen[bytes], pipe: int, deadline: float
) -> dict[str, Any] | None:
    try:
        patience = deadline + GRACE + KILLED + _SLACK
        out, err = supervisor.communicate(timeout=patience)
    except subprocess.TimeoutExpired as error:
        supervisor.kill()
        raise TransientError("the supervisor of the verification does not answer") from error
    finally:
        # Its end tells the supervisor to end everything; an interrupt waits for that.
        os.close(pipe)
        supervisor.wait()
    if supervisor.returncode < 0:
        return None
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:
        said = err.decode("utf-8", "replace").strip().splitlines()
        because = said[-1] if said else f"status {supervisor.returncode}"
        raise TransientError(f"the supervisor of the verification died: {because}") from None
    return told


def new_mark() -> dict[str, str]:
    """Make a variable that every process of one verification inherits and no other has."""
    return {_NAME: os.urandom(16).hex()}


def end_marked(mark: dict[str, str], seconds: float) -> None:
    """SIGKILL every process that was started with this mark, and what they start meanwhile."""
    wanted = f"{_NAME}={mark[_NAME]}".encode()
    end = time.monotonic() + seconds
    while (found := list(_marked(wanted))) and time.monotonic() < end:
        for key in found:
            with suppress(PermissionError):
                send(key, signal.SIGKILL)
        time.sleep(_BEAT)


def _marked(wanted: bytes) -> Iterator[Key]:
    for pid, entry in read_table().items():
        if pid == os.getpid():
            continue
        with suppress(OSError):
            if wanted in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                yield entry.key
