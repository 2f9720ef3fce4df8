"""The orchestrator is started so that it outlives us, and it is proven that it started."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.adapters.programs import WAIT, Bench, is_alive
from tests.world import Program
from unjam.adapters.processes.identity import is_same
from unjam.adapters.processes.looking.scan import Request
from unjam.adapters.processes.running.start_orchestrator import (
    Patience,
    find_command,
    proof_of_start,
    start_detached,
)
from unjam.domain.world.identity import ProcessIdentity
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, UsageError

ROOT = Path(__file__).parents[3]
PATTERNS = ("multi_agent_orchestrator",)
QUICK = Patience(deadline=5, settle=0.3)


class Stage:
    """A repository in which something is started."""

    def __init__(self, root: Path, bench: Bench) -> None:
        self.repo = root / "project"
        self.output = root / "restart" / "run.log"
        self.bench = bench
        self.started: list[ProcessIdentity] = []
        self.request = Request(self.repo, {}, PATTERNS)
        self.moved = ""  # what the state shows that it did
        self.repo.mkdir()

    def start(self, body: str, name: str = "resume.py") -> ProcessIdentity:
        command = (sys.executable, str(self.bench.script(body, name)))
        identity = start_detached(command, self.repo, self.output)
        self.started.append(identity)
        return identity

    def proof(self, identity: ProcessIdentity, patience: Patience = QUICK) -> str:
        return proof_of_start(identity, self.request, self.output, lambda: self.moved, patience)

    def close(self) -> None:
        for one in self.started:
            with suppress(ProcessLookupError, ChildProcessError):
                if is_same(one) is Truth.YES:
                    os.kill(one.pid, signal.SIGKILL)
                os.waitpid(one.pid, 0)


@pytest.fixture
def stage(tmp_path: Path, start: Callable[..., Program]) -> Iterator[Stage]:
    made = Stage(tmp_path, Bench(tmp_path / "bench", start))
    yield made
    made.close()


def test_it_runs_in_a_session_of_its_own_with_its_own_output(stage: Stage) -> None:
    identity = stage.start("print('hello', flush=True)\ntell('main')" + WAIT)

    assert stage.bench.pid("main") == identity.pid
    assert os.getsid(identity.pid) == identity.pid
    assert psutil.Process(identity.pid).cwd() == str(stage.repo)
    assert stage.output.read_text() == "hello\n"


def test_it_outlives_us(stage: Stage, tmp_path: Path) -> None:
    script = stage.bench.script("tell('main')" + WAIT, "main.py")
    ours = f"""
sys.path.insert(0, {str(ROOT)!r})
from unjam.adapters.processes.running.start_orchestrator import start_detached
start_detached({[sys.executable, str(script)]!r}, pathlib.Path({str(stage.repo)!r}), HERE / "log")
"""
    starter = stage.bench.run(ours, cwd=tmp_path, name="starter.py")
    assert starter.wait() == 0
    pid = stage.bench.pid("main")

    assert is_alive(pid)
    assert psutil.Process(pid).ppid() != starter.pid


def test_an_orchestrator_that_stays_is_the_proof(stage: Stage) -> None:
    identity = stage.start("tell('main')" + WAIT, "multi_agent_orchestrator.py")

    said = stage.proof(identity)

    assert said.startswith(f"the orchestrator runs: pid {identity.pid} (")


def test_an_orchestrator_that_a_script_put_into_the_background_is_the_proof(stage: Stage) -> None:
    stage.bench.script("tell('main')" + WAIT, "multi_agent_orchestrator.py")
    launch = "subprocess.Popen([sys.executable, str(HERE / 'multi_agent_orchestrator.py')])"
    identity = stage.start(launch)

    said = stage.proof(identity)

    assert said.startswith(f"the orchestrator runs: pid {stage.bench.pid('main')} (")


def test_a_command_under_another_name_is_proven_by_staying_alive(stage: Stage) -> None:
    identity = stage.start("tell('main')" + WAIT)

    said = stage.proof(identity, Patience(deadline=1, settle=0.3))

    assert said == f"pid {identity.pid} runs, though under no orchestrator's name"


def test_a_command_that_ends_well_and_did_nothing_did_not_start_anything(stage: Stage) -> None:
    identity = stage.start("print('nothing to resume')")

    with pytest.raises(PermanentError) as caught:
        stage.proof(identity)

    assert re.fullmatch(
        r"the command ended with status 0 after \d+\.\d s, left no orchestrator running, and nothing "
        rf"has moved in the state: nothing to resume \(see {stage.output}\)",
        str(caught.value),
    )


def test_a_command_that_has_done_its_work_before_it_ended_is_proven_by_that(stage: Stage) -> None:
    stage.moved = "ws-06 pending → completed"

    said = stage.proof(stage.start(""))

    assert said.startswith("the command ended with status 0 after ")
    assert said.endswith("but its work shows: ws-06 pending → completed")


@pytest.mark.parametrize("name", ["resume.py", "multi_agent_orchestrator.py"])
def test_a_command_that_fails_is_an_error_with_its_last_words(stage: Stage, name: str) -> None:
    identity = stage.start("print('line')\nsys.exit('no configuration')", name)

    with pytest.raises(PermanentError, match=r"ended with status 1 after .*no configuration"):
        stage.proof(identity)


@pytest.mark.parametrize("command", [("no-such-program",), ("./no-such",), ()])
def test_a_command_that_is_not_there_is_the_persons_mistake(
    stage: Stage, command: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError, match="resume command not found"):
        start_detached(command, stage.repo, stage.output)
    assert not stage.output.exists()


def test_nothing_that_steers_git_is_handed_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("ORCHESTRATOR_TOKEN", "its own")
    stage.start("tell('env', [os.environ.get('GIT_DIR'), os.environ['ORCHESTRATOR_TOKEN']])")

    assert stage.bench.heard("env") == "[None, 'its own']"


def test_a_command_is_found_as_a_shell_would(stage: Stage) -> None:
    script = stage.repo / "run"
    script.write_text("")

    assert find_command("./run", stage.repo) is None
    script.chmod(0o755)
    assert find_command("./run", stage.repo) == script
    assert find_command("sh", stage.repo) is not None
    assert find_command("run", stage.repo) is None
    assert find_command(f"./{'run' * 999}", stage.repo) is None  # what cannot be looked at
