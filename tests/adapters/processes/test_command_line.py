"""What a command line runs, told from what it only names."""

import pytest

from unjam.adapters.processes.command_line import is_interactive_shell
from unjam.adapters.processes.roles import is_hinted, orchestrates
from unjam.adapters.processes.table import Sketch

PATTERNS = ("multi_agent_orchestrator",)
REPO = "/home/person/project"


def entry(*command: str) -> Sketch:
    return Sketch(10, command, REPO)


@pytest.mark.parametrize(
    "command",
    [
        "python scripts/multi_agent_orchestrator.py --resume",
        "/usr/bin/python3.11 -u -X dev scripts/multi_agent_orchestrator.py",
        "python -m tools.multi_agent_orchestrator --agents 3",
        "python -um tools.multi_agent_orchestrator",
        "python -m cProfile -s time scripts/multi_agent_orchestrator.py",
        "./multi_agent_orchestrator --resume",
        "uv run --with rich --python 3.12 scripts/multi_agent_orchestrator.py",
        "uv run python scripts/multi_agent_orchestrator.py",
        "nohup nice -n 5 python scripts/multi_agent_orchestrator.py",
        "timeout -k 5 2h python scripts/multi_agent_orchestrator.py",
        "env -u HOME A=1 B=2 python scripts/multi_agent_orchestrator.py",
        "sudo -n -u bob python scripts/multi_agent_orchestrator.py",
        "bash scripts/multi_agent_orchestrator.sh",
        "pwsh -NoLogo -ExecutionPolicy Bypass -File scripts/multi_agent_orchestrator.ps1",
        "node --require x dist/multi_agent_orchestrator.js",
        "java -jar multi_agent_orchestrator.jar",
    ],
)
def test_a_command_that_runs_the_orchestrator_is_one(command: str) -> None:
    assert orchestrates(entry(*command.split()), PATTERNS, REPO)


@pytest.mark.parametrize(
    "line",
    [
        "cd /x && A=1 exec python scripts/multi_agent_orchestrator.py | tee log",
        "python 'scripts/multi_agent_orchestrator.py' --name \"a b\" > out; true",
        "source it\npython scripts/multi_agent_orchestrator.py",
        "python scripts/multi_agent_orchestrator.py --say it's",
    ],
)
@pytest.mark.parametrize("shell", [("sh", "-c"), ("bash", "-lc"), ("pwsh", "-Command")])
def test_a_shell_line_that_runs_the_orchestrator_is_one(shell: tuple[str, ...], line: str) -> None:
    assert orchestrates(entry(*shell, line), PATTERNS, REPO)


@pytest.mark.parametrize(
    "command",
    [
        "grep -r multi_agent_orchestrator .",
        "vim scripts/multi_agent_orchestrator.py",
        "tail -f logs/multi_agent_orchestrator.log",
        "less multi_agent_orchestrator.py",
        "git log -- scripts/multi_agent_orchestrator.py",
        "pgrep -f multi_agent_orchestrator",
        "sh -c grep multi_agent_orchestrator log",
        "watch pgrep -f multi_agent_orchestrator",
        "timeout 5 tail -f logs/multi_agent_orchestrator.log",
        "python -m pytest tests/test_multi_agent_orchestrator.py",
        "python -m unjam recover multi_agent_orchestrator",
        "python scripts/lint.py scripts/multi_agent_orchestrator.py",
        "claude -p fix\tmulti_agent_orchestrator.py",
        f"{REPO}/.venv/bin/python app.py",
    ],
)
def test_a_command_that_only_names_the_orchestrator_is_none(command: str) -> None:
    assert not orchestrates(entry(*command.split(" ")), PATTERNS, REPO)


def test_a_repository_called_like_the_orchestrator_makes_nothing_in_it_one() -> None:
    repo = "/home/person/multi_agent_orchestrator"

    assert not orchestrates(entry("python", f"{repo}/scripts/other.py"), PATTERNS, repo)
    assert orchestrates(entry("python", f"{repo}/multi_agent_orchestrator.py"), PATTERNS, repo)


@pytest.mark.parametrize(
    "command", ["bash", "-zsh", "bash --norc -i", "bash --init-file /x/rc", "pwsh -NoLogo", "fish"]
)
def test_a_shell_without_a_script_waits_for_a_person(command: str) -> None:
    assert is_interactive_shell(command.split())


@pytest.mark.parametrize(
    "command", ["sh -c true", "bash -e run.sh", "bash -o pipefail run.sh", "pwsh x.ps1", "python"]
)
def test_a_shell_with_a_script_does_not(command: str) -> None:
    assert not is_interactive_shell(command.split())


@pytest.mark.parametrize(
    "command",
    ["aider --yes", "python /opt/bin/aider", "node /usr/lib/claude -p x", "python -m aider.py"],
)
def test_a_known_agent_is_known_behind_its_interpreter(command: str) -> None:
    assert is_hinted(entry(*command.split()), frozenset({"aider", "claude"}))
    assert not is_hinted(entry("tail", "-f", "aider"), frozenset({"aider"}))
