"""``unjam up``: Prefect's server with its UI, every deployment, and the watch, as one command."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from unjam.adapters import clock, web
from unjam.adapters.git.repository import find_repository
from unjam.adapters.processes.looking.sockets import listener
from unjam.adapters.processes.running.companion import Companion, end_companion, start_companion
from unjam.cli.launch import application_root
from unjam.cli.say import Page
from unjam.engine.running import up_record
from unjam.engine.running.watched_repositories import repositories_in
from unjam.errors import PermanentError, RefusedError, UsageError
from unjam.settings import load
from unjam.settings.prefect import QUIET, SERVED, TUNED
from unjam.settings.units import written_duration

_PATIENCE = 240.0  # seconds until all can be asked for; the first time, alone, it takes 15
_BEAT = 0.1  # seconds between two looks
_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM, then return 0; 1 where a part of it ended by itself."""
    password = _password(arguments)
    _refuse_open(arguments.host, password)
    _require_port(arguments.host, arguments.port)
    _require_alone()
    watched = _watched(arguments)
    up = _Up(arguments, password, watched)
    for number in _STOP:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, up.stop)
    with up_record.alone():
        # Prefect takes settings from files in the current directory, and it may be an agent's.
        os.chdir(os.sep)
        try:
            return up.serve()
        finally:
            up.end()


def _password(arguments: argparse.Namespace) -> str | None:
    if arguments.auth_file is not None:
        return up_record.password_in(arguments.auth_file)
    given = os.environ.get(up_record.PASSWORD)
    return up_record.checked_password(given, up_record.PASSWORD) if given else None


def _refuse_open(host: str, password: str | None) -> None:
    if password is None and not web.is_loopback(host):
        raise RefusedError(
            f"--host {host}: whoever reaches it could start recoveries; "
            f"name a file that holds user:password with --auth-file, or set {up_record.PASSWORD}"
        )


def _require_port(host: str, port: int) -> None:
    if not web.is_free(host, port):
        ours = up_record.running_up()
        is_ours = ours is not None and ours.address == web.address(host, port)
        who = f"unjam up, pid {ours.identity.pid}" if ours and is_ours else listener(port)
        by = f" by {who}" if who else ""
        raise UsageError(f"port {port} is taken{by}; choose another with --port")


def _require_alone() -> None:
    found = up_record.running_up()
    if found is not None:
        raise UsageError(
            f"unjam up runs already at {found.address} (pid {found.identity.pid}), on the same history"
        )


def _watched(arguments: argparse.Namespace) -> list[Path]:
    """Return what was named, else what UNJAM_REPOS names, else the repository that we are in."""
    if arguments.config is not None:
        load(arguments.config.parent, arguments.config)  # raises for what no look could use
    variable = os.environ.get("UNJAM_REPOS", "").split(os.pathsep)
    named = [
        one.expanduser().absolute() for one in arguments.repos or map(Path, filter(None, variable))
    ]
    if not named:
        try:
            named = [find_repository(arguments.repo).primary]
        except PermanentError:
            if arguments.repo != Path():
                raise
    repositories_in(named, arguments.config)  # raises for what is not there
    return named


class _Up:
    """The server and the runner beside it, as processes that end with this one, however it ends."""

    def __init__(
        self, arguments: argparse.Namespace, password: str | None, watched: list[Path]
    ) -> None:
        self._arguments = arguments
        self._watched = watched
        self._address = web.address(arguments.host, arguments.port)
        self._environment = _environment(arguments, self._address, password)
        self._is_protected = password is not None
        self._ready = up_record.home() / "ready"
        self._parts: dict[str, Companion] = {}
        self._is_stopping = False

    def stop(self, *_: object) -> None:
        """Be told to stop."""
        self._is_stopping = True

    def serve(self) -> int:
        """Start all, say where it is, and stay."""
        home = self._ready.parent
        self._ready.unlink(missing_ok=True)
        self._start("server", "uvicorn", *_server_words(self._arguments))
        self._start("runner", "deployments.serve", *self._runner_words())
        end = clock.monotonic() + _PATIENCE
        while not self._ready.exists() and self._may_go_on():
            if clock.monotonic() > end:
                raise PermanentError(f"not ready after {_PATIENCE:.0f} s; look at {home}")
            clock.pause(_BEAT)
        if self._may_go_on():
            file = self._arguments.auth_file
            up_record.announce(self._address, file, protected=self._is_protected)
            self._say()
        while self._may_go_on():
            clock.pause(_BEAT)
        return 0

    def end(self) -> None:
        """End what was started, the runner first: it tells the server what becomes of its runs."""
        for number in _STOP:
            signal.signal(number, signal.SIG_IGN)
        for part in reversed(self._parts.values()):
            end_companion(part)
        up_record.withdraw()
        self._ready.unlink(missing_ok=True)

    def _start(self, name: str, module: str, *words: str) -> None:
        log = self._ready.parent / f"{name}.log"
        self._parts[name] = start_companion(module, *words, environment=self._environment, log=log)

    def _may_go_on(self) -> bool:
        """Tell whether nobody wants it to stop; raises PermanentError where a part has ended."""
        for name, part in self._parts.items():
            if part.poll() is not None and not self._is_stopping:
                log = self._ready.parent / f"{name}.log"
                raise PermanentError(
                    f"the {name} ended by itself ({part.returncode}); look at {log}"
                )
        return not self._is_stopping

    def _runner_words(self) -> list[str]:
        config = self._arguments.config
        return [
            *("--ready", str(self._ready)),
            *("--every", str(self._arguments.every.total_seconds())),
            *(("--config", str(config)) if config else ()),
            *(("--repos", *map(str, self._watched)) if self._watched else ()),
        ]

    def _say(self) -> None:
        page = Page()
        page.line(f"Prefect UI  {self._address}", "bold")
        page.line(f"API         {self._address}/api")
        often = written_duration(self._arguments.every)
        names = ", ".join(map(str, self._watched))
        page.line(f"watches     {names or 'nothing yet: name repositories with --repos'}")
        if names:
            page.line(f"            every {often}")
        page.line("Ctrl-C stops it.")
        sys.stdout.flush()


def _server_words(arguments: argparse.Namespace) -> list[str]:
    return [
        *("--factory", "deployments.server:application"),
        *("--app-dir", str(application_root())),  # else uvicorn imports from the current directory
        *("--host", arguments.host, "--port", str(arguments.port)),
        *("--lifespan", "on", "--log-level", "warning", "--timeout-graceful-shutdown", "2"),
    ]


def _environment(
    arguments: argparse.Namespace, address: str, password: str | None
) -> Mapping[str, str]:
    """Return what the parts are told; a password only here, which nobody else can read."""
    path = [str(application_root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    told = {**TUNED, **SERVED, **os.environ, **QUIET}
    told |= {
        "PYTHONPATH": os.pathsep.join(path),
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_SERVER_API_HOST": arguments.host,
        "PREFECT_SERVER_API_PORT": str(arguments.port),
    }
    if password is not None:
        told |= {up_record.PASSWORD: password, "PREFECT_API_AUTH_STRING": password}
    return told
