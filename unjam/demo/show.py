"""The stage of the demonstration: a sandbox, its programs, and unjam at work in it."""

import atexit
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Self

from unjam.adapters import clock, files
from unjam.adapters.processes.identity import identity_of, is_same
from unjam.adapters.processes.running.start_orchestrator import start_detached
from unjam.adapters.processes.stopping.stop import stop
from unjam.cli.launch import Launcher
from unjam.demo.inventory import Inventory
from unjam.demo.screen import Excerpt, Screen
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.truth import Truth
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import Orchestration, open_orchestration
from unjam.errors import PermanentError, UsageError

PROGRAMS = "unjam.demo.sandbox"
PATIENCE = 90.0  # seconds for a program of the sandbox, or for the orchestrator to end
BEAT = 0.05
# Neither a push nor a started orchestrator can be taken back, so they wait for another time.
ALL_UNDOABLE = {"UNJAM_POLICY__PUSH": "off", "UNJAM_POLICY__RESTART": "off"}
FINDINGS = r"^(error|warning): |^    [a-z]+: "
UNDONE = r"^ +(undone|undo|/|refs/|row )"
_FOREIGN = ("GIT_", "PREFECT_", "UNJAM_")


class Show:
    """One sandbox after the other, from their making to their end."""

    def __init__(self, directory: Path) -> None:
        self._root = self.directory = directory
        self.screen = Screen()
        self._launcher = Launcher()
        self._began = clock.monotonic()
        self._claims: list[bool] = []
        self._started: list[ProcessIdentity] = []

    @classmethod
    @contextmanager
    def set(cls, keep: Path | None) -> Iterator[Self]:
        """Make an empty sandbox, sealed from the person's configuration; no process outlives it."""
        directory = _new_directory(keep)
        _seal(directory)
        stage = cls(directory)
        stage._launcher.start()
        try:
            yield stage
        finally:
            stage._end_processes()

    def enter(self, name: str) -> None:
        """Go on in a new sandbox."""
        self.directory = self._root / name
        self.directory.mkdir()

    @property
    def shop(self) -> Path:
        """The repository."""
        return self.directory / "shop"

    @property
    def origin(self) -> Path:
        """Its remote."""
        return self.directory / "origin.git"

    @property
    def orchestration(self) -> Orchestration:
        """The repository, as unjam opens it."""
        return open_orchestration(self.shop)

    def claim(self, text: str, held: bool) -> None:  # noqa: FBT001 -- it reads as what was seen
        """Print what was seen to hold, or that it did not."""
        self._claims.append(held)
        self.screen.claim(text, held=held)

    def claim_same(self, before: Inventory, after: Inventory) -> None:
        """Print what differs, or that nothing does."""
        different = list(before.differences(after))
        for one in different:
            self.screen.line(f"    differs: {one}", "red")
        self.claim(f"{before.counts()} are again as before the recovery", not different)

    def verdict(self) -> int:
        """Print how many claims held, and return the exit status."""
        seconds = clock.monotonic() - self._began
        count = f"{sum(self._claims)} of {len(self._claims)}"
        self.screen.line()
        self.screen.line(f"{count} claims were seen to hold; {seconds:.0f} s", "bold")
        return 0 if all(self._claims) else 1

    def play(self, program: str, result: str, *arguments: str, style: str = "") -> dict[str, Any]:
        """Run a program of the sandbox, showing what it says; returns its result."""
        output = self.directory / f"{program}.log"
        self._run(program, output, str(self.directory), *arguments, style=style)
        written = self.directory / result
        if not written.exists():
            raise PermanentError(f"the sandbox could not be made: {output.read_text()[-500:]}")
        told: dict[str, Any] = json.loads(written.read_text())
        self._started.extend(filter(None, map(identity_of, told.get("orphans", ()))))
        return told

    def note_worth(self) -> int:
        """Note every content and commit the wreck holds; returns their number."""
        self._run("worth", self.directory / "worth.log", "note", str(self.shop), self._noted)
        return len(json.loads(Path(self._noted).read_text()))

    def lost(self) -> list[str]:
        """Name what of the noted can be reached no more."""
        output = self.directory / "lost.log"
        self._run("worth", output, "lost", str(self.shop), self._noted)
        return output.read_text().splitlines()

    def unjam(
        self,
        *words: str,
        variables: Mapping[str, str] | None = None,
        shown_from: str = "",
        hidden: str = "(?!)",
    ) -> int:
        """Run a command of unjam as a person would and show its output, or an excerpt of it."""
        from unjam.cli import main

        given = variables or {}
        typed = (*(f"{name}={value}" for name, value in given.items()), "unjam", *words)
        self.screen.command(shlex.join(typed))
        if words[0] in ("recover", "undo"):
            self._launcher.wait()
        os.environ.update(given)
        try:
            with redirect_stdout(Excerpt(sys.stdout, re.compile(shown_from), re.compile(hidden))):
                return main(["--repo", str(self.shop), *words])
        finally:
            for name in given:
                del os.environ[name]

    def await_orchestrator(self) -> None:
        """Wait until the orchestrator that was started has done its work."""
        until = clock.monotonic() + PATIENCE
        living = [one.identity for one in observe(self.orchestration).orchestrators()]
        self._started.extend(living)
        while any(is_same(one) is Truth.YES for one in living):
            if clock.monotonic() > until:
                raise PermanentError(f"the orchestrator did not end in {PATIENCE:.0f} s")
            clock.pause(BEAT)

    @property
    def _noted(self) -> str:
        return str(self.directory / "worth.json")

    def _run(self, program: str, output: Path, *arguments: str, style: str | None = None) -> None:
        """Run a program to its end; with a style, what it says is shown as it comes."""
        command = (sys.executable, "-m", f"{PROGRAMS}.{program}", *arguments)
        identity = start_detached(command, self.directory, output)
        self._started.append(identity)
        until = clock.monotonic() + PATIENCE
        shown = 0
        lives = True
        while lives:
            clock.pause(BEAT)
            lives = is_same(identity) is Truth.YES
            lines = output.read_text().splitlines() if style is not None else []
            for line in lines[shown:]:
                self.screen.line(line, style or "")
            shown = len(lines)
            if clock.monotonic() > until:
                raise PermanentError(f"{program} did not end in {PATIENCE:.0f} s")

    def _end_processes(self) -> None:
        for identity in self._started:
            if is_same(identity) is Truth.YES:
                stop(identity, None)


def _new_directory(keep: Path | None) -> Path:
    if keep is None:
        made = Path(tempfile.mkdtemp(prefix="unjam-demo-")).resolve()
        # At exit, and not sooner: Prefect's embedded backend still writes there.
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        return made
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there already and not empty; name a new directory")
    keep.mkdir(parents=True, exist_ok=True)
    return keep.resolve()


def _seal(directory: Path) -> None:
    """Leave the person's Git, Prefect and unjam out of it; here a person trusts what is in the sandbox."""
    for name in [one for one in os.environ if one.startswith(_FOREIGN)]:
        del os.environ[name]
    home = directory / "home"
    home.mkdir()
    trusts = f"trust = [{json.dumps(f'{directory}/**')}]\n"
    files.write_atomically(home / "unjam" / "config.toml", trusts.encode())
    os.environ |= {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "PREFECT_HOME": str(directory / "prefect"),
    }
