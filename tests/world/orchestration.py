"""A real orchestration in a temporary directory, whole or broken in the ways of life."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.world.inventory import Inventory, take_inventory
from tests.world.primary import Primary
from tests.world.processes import Program, end_processes_below, processes_below
from tests.world.remote import Origin
from tests.world.script import Action
from tests.world.shell import git, wait_until
from tests.world.state import StateFile
from tests.world.treasure import Treasure, collect_treasure, lost_treasure
from tests.world.workstream import Workstream
from unjam.demo.sandbox import multi_agent_orchestrator

Setting = str | int | bool | list[str]

ORCHESTRATOR = Path(multi_agent_orchestrator.__file__)
AIDER = Path(__file__).parents[1] / "reference" / "bin" / "aider"
IGNORED = ".worktrees/\n.state/\nlogs/\nreports/\n"
# Passes unless a source says it is broken, or two halves that do not go together have met.
CHECK = """\
import pathlib, sys
text = "".join(path.read_text() for path in sorted(pathlib.Path("src").rglob("*.py")))
sys.exit("BROKEN" in text or {"HALF_A", "HALF_B"} <= set(text.split()))
"""
IDLE = ("--resume", "--idle")  # started again it hands nothing out, so that the world stands still


class World:
    """A repository with a trunk ``main``, specs, state, and where asked a remote and a check."""

    def __init__(
        self, root: Path, *, remote: bool = True, verify: bool = True, configured: bool = True
    ) -> None:
        self.root = root
        self.repo = root / "project"
        self.markers = root / "markers"
        self.repo.mkdir(parents=True)
        self.markers.mkdir()
        git("init", "--quiet", "--initial-branch=main", cwd=self.repo)
        self.primary = Primary(self.repo)
        self.state = StateFile(self.repo / ".state" / "orchestration.db")
        self.origin = Origin(root / "origin.git") if remote else None
        self.settings: dict[str, dict[str, Setting]] = {}
        if configured:
            resume = [sys.executable, str(ORCHESTRATOR), *IDLE]
            self.settings["orchestration"] = {"resume": resume}
        if configured and verify:
            self.settings["verify"] = {"command": self.verify_command}
        self._first_commit()

    @property
    def common(self) -> Path:
        """The Git common directory."""
        return self.primary.common

    @property
    def vault(self) -> Path:
        """The store of what was saved."""
        return self.common / "unjam/vault.git"

    @property
    def trunk(self) -> str:
        """Where the trunk is."""
        return git("rev-parse", "refs/heads/main", cwd=self.repo)

    @property
    def verify_command(self) -> list[str]:
        """The command that tells whether a tree passes."""
        return [sys.executable, "check.py"]

    def workstream(self, name: str, agent: str = "agent-1") -> Workstream:
        """Begin to build a workstream; nothing is made yet."""
        return Workstream(self.repo, self.state, name, agent)

    def spec(
        self,
        name: str,
        *,
        script: Sequence[Action] = (),
        depends_on: Sequence[str] = (),
        file_name: str = "",
        **more: object,
    ) -> Path:
        """Order a workstream; the file's name may be longer than the id."""
        path = self.repo / "workstreams" / f"{file_name or name}.json"
        path.parent.mkdir(exist_ok=True)
        spec = {"id": name, "depends_on": list(depends_on), "tasks": [f"Do {name}"], **more}
        path.write_text(json.dumps(spec | {"script": list(script)}, indent=2) + "\n")
        return path

    def commit_specs(self) -> None:
        """Bring the specs into the trunk and onto the remote, as the playbook has them."""
        git("add", "--", "workstreams", cwd=self.repo)
        git("commit", "--quiet", "-m", "Order the work", cwd=self.repo)
        self.push()

    def push(self) -> None:
        """Push the trunk, where there is a remote."""
        if self.origin:
            git("push", "--quiet", "origin", "main", cwd=self.repo)

    def configure(self, **sections: dict[str, Setting]) -> None:
        """Change ``unjam.toml``: ``configure(verify={"timeout": "2s"})``; committed and pushed."""
        for name, values in sections.items():
            self.settings[name] = {**self.settings.get(name, {}), **values}
        self._write_settings()
        git("add", "--", "unjam.toml", cwd=self.repo)
        git("commit", "--quiet", "-m", "Configure unjam", cwd=self.repo)
        self.push()

    def marker(self, name: str) -> Path:
        """A file outside the repository by which agents and tests signal each other."""
        return self.markers / name

    def run_orchestrator(self, *options: str) -> Program:
        """Start the reference orchestrator in the primary checkout."""
        output = self.root / "orchestrator.out"
        command = [str(ORCHESTRATOR), "--agent", str(AIDER), *options]
        return Program(sys.executable, *command, cwd=self.repo, output=output)

    def kill_orchestrator_when(
        self, condition: Callable[[], bool], what: str, *options: str
    ) -> Program:
        """Run the orchestrator until the condition holds, then SIGKILL it and nothing else."""
        program = self.run_orchestrator(*options)
        wait_until(lambda: condition() or not program.alive, what)
        assert program.alive, f"it ended before {what}: {program.output.read_text()}"
        program.kill()
        return program

    def agents(self) -> list[int]:
        """Pids of the agents that live, orphans included."""
        living = processes_below(self.repo / ".worktrees")
        return [process.pid for process in living]

    def end_agents(self) -> None:
        """Let the agents, orphans included, be dead too."""
        end_processes_below(self.repo / ".worktrees")

    def inventory(self, *, without: Sequence[str] = ()) -> Inventory:
        """Everything as it stands now, to the byte; see ``tests.world.inventory``."""
        return take_inventory(self.repo, self.state, without=tuple(without))

    def treasure(self) -> Treasure:
        """Everything that must never be lost from now on."""
        return collect_treasure(self.repo, self.state)

    def lost(self, treasure: Treasure) -> list[str]:
        """What of it can no longer be reached, in words; empty is the promise kept."""
        return lost_treasure(self.repo, self.state, treasure)

    def close(self) -> None:
        """End every process that still works in this world."""
        end_processes_below(self.root)

    def _first_commit(self) -> None:
        (self.repo / "src").mkdir()
        (self.repo / "src" / "app.py").write_text("".join(f"line_{n} = {n}\n" for n in range(20)))
        (self.repo / ".gitignore").write_text(IGNORED)
        (self.repo / "check.py").write_text(CHECK)
        if self.settings:
            self._write_settings()
        git("add", "--all", cwd=self.repo)
        git("commit", "--quiet", "-m", "Start", cwd=self.repo)
        if self.origin:
            git("remote", "add", "origin", str(self.origin.path), cwd=self.repo)
            git("push", "--quiet", "-u", "origin", "main", cwd=self.repo)
            git("remote", "set-head", "origin", "main", cwd=self.repo)

    def _write_settings(self) -> None:
        lines = []
        for section, values in self.settings.items():
            # A string, number, truth value or list of strings is written alike in JSON and TOML.
            lines += [
                f"[{section}]",
                *(f"{key} = {json.dumps(one)}" for key, one in values.items()),
            ]
        (self.repo / "unjam.toml").write_text("\n".join(lines) + "\n")
