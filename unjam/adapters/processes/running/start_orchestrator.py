"""Start the orchestrator so that it outlives us, and prove that it started."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.processes.identity import identity_of_child, is_same
from unjam.adapters.processes.looking.scan import Request, scan
from unjam.adapters.processes.running.run import tail_of
from unjam.domain.world.identity import ProcessIdentity, Role
from unjam.domain.world.snapshot import Process
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, UsageError

_BEAT = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: how long to look for the orchestrator, and how long it must then stay alive."""

    deadline: float = 10.0
    settle: float = 2.0


def find_command(name: str, cwd: Path) -> Path | None:
    """Find a program as a shell in this directory would; None if there is none that can run."""
    if os.sep not in name:
        found = shutil.which(name)
        return Path(found) if found else None
    path = cwd / name
    try:
        return path if path.is_file() and os.access(path, os.X_OK) else None
    except OSError:  # a directory on the way that this user may not enter, say
        return None


def start_detached(
    command: Sequence[str], cwd: Path, output: Path, environment: Mapping[str, str] | None = None
) -> ProcessIdentity:
    """Start it in a session of its own, all its output appended to a file.

    Raises UsageError if the command is not found, PermanentError if it cannot be started.
    """
    if not command or find_command(command[0], cwd) is None:
        named = command[0] if command else "none is configured"
        raise UsageError(f"resume command not found: {named}; correct orchestration.resume")
    inherited = dict(os.environ) if environment is None else environment
    try:
        process = _started(command, cwd, output, _without_ours(inherited))
    except OSError as error:
        raise PermanentError(f"cannot start {command[0]}: {error.strerror}") from error
    identity = identity_of_child(process.pid)
    # It is on its own from here. Popen would collect its exit status behind our back, and the
    # proof needs that.
    process.returncode = 0
    if identity is None:
        raise PermanentError(f"cannot start {command[0]}: it ended before it could be looked at")
    return identity


def proof_of_start(
    identity: ProcessIdentity,
    request: Request,
    output: Path,
    work: Callable[[], str] = str,
    patience: Patience = Patience(),
) -> str:
    """Wait until an orchestrator is seen to stay alive; returns the sentence that proves it.

    ``work`` says what has moved since the start: the only proof of a command that has ended by then.
    Raises PermanentError, with the end of its output, if there is no proof.
    """
    began = time.monotonic()
    end = began + patience.deadline
    seen: dict[ProcessIdentity, float] = {}
    ended = None
    while time.monotonic() < end:
        now = time.monotonic()
        found = {one.identity: one for one in scan(request).processes if _is_orchestrator(one)}
        seen = {one: seen.get(one, now) for one in found}
        for one, since in seen.items():
            if now - since >= patience.settle:
                return f"the orchestrator runs: pid {one.pid} ({' '.join(found[one].command)[:80]})"
        if ended is None:
            ended = _end_of(identity, began)
            if ended is not None:
                if ended.status != 0:
                    raise _failed(f"the orchestrator {ended}", output)
                # What it may have put into the background gets its time to show.
                end = min(end, now + patience.settle + 1)
        time.sleep(_BEAT)
    return _judged(identity, ended, output, work)


@dataclass(frozen=True, slots=True)
class _End:
    """How the command that was started ended, and after how many seconds."""

    status: int | None  # None: somebody else has collected it
    lived: float

    def __str__(self) -> str:
        status = "a status nobody knows" if self.status is None else f"status {self.status}"
        return f"ended with {status} after {self.lived:.1f} s"


def _is_orchestrator(process: Process) -> bool:
    return process.role is Role.ORCHESTRATOR and process.certain


def _judged(
    identity: ProcessIdentity, ended: _End | None, output: Path, work: Callable[[], str]
) -> str:
    if ended is None:
        return f"pid {identity.pid} runs, though under no orchestrator's name"
    moved = work()
    if moved:
        return f"the command {ended} and left no orchestrator running, but its work shows: {moved}"
    nothing = "left no orchestrator running, and nothing has moved in the state"
    raise _failed(f"the command {ended}, {nothing}", output)


def _end_of(identity: ProcessIdentity, began: float) -> _End | None:
    """Return how it ended; None while it runs."""
    lived = time.monotonic() - began
    try:
        pid, status = os.waitpid(identity.pid, os.WNOHANG)
    except ChildProcessError:
        return None if is_same(identity) is Truth.YES else _End(None, lived)
    return _End(os.waitstatus_to_exitcode(status), lived) if pid else None


def _failed(what: str, output: Path) -> PermanentError:
    lines = [line for line in tail_of(output).splitlines() if line.strip()][-3:]
    said = " | ".join(lines) or "it said nothing"
    return PermanentError(f"{what}: {said} (see {output})")


def _started(
    command: Sequence[str], cwd: Path, output: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    sink = os.open(output, flags, 0o600)
    try:
        return subprocess.Popen(
            list(command),
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    finally:
        os.close(sink)


def _without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    """Drop what would lead its Git elsewhere, or tie it to the Prefect run that started it."""
    ours = ("GIT_", "PREFECT__", "UNJAM_")
    return {name: value for name, value in environment.items() if not name.startswith(ours)}
