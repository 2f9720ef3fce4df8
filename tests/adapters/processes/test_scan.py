"""Processes of an orchestration are found by what they are and where they work."""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adapters.programs import WAIT, Bench, Terminal, is_alive, is_held, wait_for_end
from tests.world import Program
from tests.world.shell import git, wait_until
from unjam.adapters.processes import table
from unjam.adapters.processes.looking.scan import ProcessFacts, Request, scan
from unjam.domain.world.identity import Role
from unjam.domain.world.snapshot import Process
from unjam.domain.world.truth import Truth

CHILD = "subprocess.Popen([sys.executable, str(HERE / 'child.py')]{how})\n"


class Scene:
    """A primary checkout with two agents' worktrees in it."""

    def __init__(self, root: Path) -> None:
        self.repo = root / "project"
        self.trees = {name: self.repo / ".worktrees" / name for name in ("one", "two")}
        for path in self.trees.values():
            path.mkdir(parents=True)
        self.request = Request(
            self.repo,
            self.trees,
            ("multi_agent_orchestrator",),
            frozenset({"aider"}),
            self.repo / ".worktrees",
        )

    def look(self) -> ProcessFacts:
        return scan(self.request)

    def roles(self) -> dict[int, Role]:
        return {one.identity.pid: one.role for one in self.look().processes}

    def find(self, pid: int) -> Process:
        return next(one for one in self.look().processes if one.identity.pid == pid)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def bench(tmp_path: Path, start: Callable[..., Program]) -> Bench:
    return Bench(tmp_path / "bench", start)


@pytest.fixture
def terminal(scene: Scene) -> Iterator[Terminal]:
    made = Terminal(scene.trees["one"])
    yield made
    made.close()


def test_an_orphan_is_found_by_the_worktree_it_works_in(scene: Scene, bench: Bench) -> None:
    bench.script("tell('child')" + WAIT, "child.py")
    parent = bench.run(CHILD.format(how="") + WAIT, cwd=scene.trees["one"])
    child = bench.pid("child")
    parent.kill()

    found = scene.find(child)

    assert (found.role, found.worktree, found.certain) == (Role.AGENT, "one", True)
    assert found.parent != parent.pid
    assert found.cwd == scene.trees["one"]
    assert found.identity.pid == child


def test_a_tree_is_named_once_by_its_topmost_process(scene: Scene, bench: Bench) -> None:
    bench.script("tell('child')" + WAIT, "child.py")
    body = "tell('agent')\n" + CHILD.format(how="") + CHILD.format(how=", cwd='/'") + WAIT
    script = bench.script(body)
    line = f"{sys.executable} {script} && true"
    shell = bench.run_command("/bin/sh", "-c", line, cwd=scene.trees["one"])
    bench.pid("child")

    assert scene.roles() == {shell.pid: Role.AGENT}


def test_a_stopped_agent_is_alive_and_a_zombie_is_dead(scene: Scene, bench: Bench) -> None:
    stopped = bench.run(
        "tell('ready')\nos.kill(os.getpid(), signal.SIGSTOP)" + WAIT, cwd=scene.trees["one"]
    )
    zombie = subprocess.Popen(["/bin/true"], cwd=scene.trees["two"])
    bench.heard("ready")
    wait_for_end(zombie.pid)

    assert is_held(stopped.pid)
    assert scene.roles() == {stopped.pid: Role.AGENT}
    zombie.wait()


@pytest.mark.parametrize("registered", [True, False])
def test_an_agent_outlives_its_worktree(scene: Scene, bench: Bench, registered: bool) -> None:
    agent = bench.run("tell('ready')" + WAIT, cwd=scene.trees["one"])
    bench.heard("ready")
    shutil.rmtree(scene.trees["one"])
    if not registered:
        del scene.trees["one"]

    found = scene.find(agent.pid)

    assert found.role is Role.AGENT
    assert found.worktree == ("one" if registered else None)


def test_a_worktree_reached_through_a_link_is_the_same_place(
    scene: Scene, bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(scene.repo)
    agent = bench.run("tell('ready')" + WAIT, cwd=tmp_path / "link" / ".worktrees" / "one")
    bench.heard("ready")
    scene.request = Request(tmp_path / "link", {"one": tmp_path / "link" / ".worktrees" / "one"})

    assert scene.find(agent.pid).worktree == "one"


def test_a_person_at_a_terminal_is_no_agent(scene: Scene, bench: Bench, terminal: Terminal) -> None:
    script = bench.script("tell('child')" + WAIT)
    terminal.type(f"{sys.executable} {script}")
    child = bench.pid("child")

    assert scene.roles() == {terminal.pid: Role.PERSON, child: Role.PERSON}


def test_an_agent_that_a_person_started_is_one(
    scene: Scene, bench: Bench, terminal: Terminal
) -> None:
    script = bench.script("tell('child')" + WAIT, "aider")
    terminal.type(f"{sys.executable} {script}")
    child = bench.pid("child")

    assert scene.roles() == {terminal.pid: Role.PERSON, child: Role.AGENT}


def test_a_shell_that_an_agent_opened_is_the_agents(scene: Scene, bench: Bench) -> None:
    body = """
import pty
pid, handle = pty.fork()
if pid == 0:
    os.execv("/bin/bash", ["bash", "--norc", "-i"])
tell('shell', pid)
"""
    agent = bench.run(body + WAIT, cwd=scene.trees["one"])
    bench.pid("shell")

    assert scene.roles() == {agent.pid: Role.AGENT}


def test_git_is_told_apart_and_our_own_git_is_nobody(scene: Scene) -> None:
    for path in (scene.repo, scene.trees["one"]):
        git("init", "--quiet", cwd=path)
    command, here = ["git", "cat-file", "--batch"], scene.repo
    ours = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, cwd=here, stdin=pipe) as theirs,
        subprocess.Popen(command, cwd=here, stdin=pipe, env={**os.environ, **ours}),
        subprocess.Popen(
            ["git", "cat-file", "--batch"], cwd=scene.trees["one"], stdin=pipe
        ) as there,
    ):
        expected = {theirs.pid: Role.GIT, there.pid: Role.GIT}
        wait_until(lambda: scene.roles() == expected, "Git to be told apart")
        assert scene.find(theirs.pid).worktree == ""
        assert scene.find(there.pid).worktree == "one"


def test_the_orchestrator_is_found_once_behind_its_launchers(scene: Scene, bench: Bench) -> None:
    script = bench.script("tell('main')" + WAIT, "multi_agent_orchestrator.py")
    line = f"exec 3>&1; {sys.executable} {script} && true"
    shell = bench.run_command("/bin/sh", "-c", line, cwd=scene.repo)
    bench.pid("main")

    found = scene.find(shell.pid)

    assert scene.roles() == {shell.pid: Role.ORCHESTRATOR}
    assert (found.certain, found.worktree) == (True, "")


def test_an_orchestrator_of_another_repository_is_none_of_ours(
    scene: Scene, bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    bench.run("tell('main')" + WAIT, cwd=tmp_path / "other", name="multi_agent_orchestrator.py")
    bench.pid("main")

    assert scene.roles() == {}


def test_an_orchestrator_told_to_work_here_is_ours_wherever_it_is(
    scene: Scene, bench: Bench
) -> None:
    script = bench.script("tell('main')" + WAIT, "multi_agent_orchestrator.py")
    found = bench.run_command(sys.executable, script, "--repo", scene.repo, cwd=Path("/"))
    bench.pid("main")

    assert scene.roles() == {found.pid: Role.ORCHESTRATOR}


def test_agents_of_a_living_orchestrator_are_agents(scene: Scene, bench: Bench) -> None:
    bench.script("tell('child')" + WAIT, "child.py")
    body = CHILD.format(how=", cwd='.worktrees/two'") + WAIT
    main = bench.run(body, cwd=scene.repo, name="multi_agent_orchestrator.py")

    expected = {main.pid: Role.ORCHESTRATOR, bench.pid("child"): Role.AGENT}
    assert scene.roles() == expected


def test_somebody_who_reads_the_orchestrators_log_does_not_orchestrate(
    scene: Scene, bench: Bench
) -> None:
    log = scene.repo / "multi_agent_orchestrator.log"
    log.touch()
    reader = bench.run_command("tail", "-f", log, cwd=scene.repo)
    wait_until(lambda: is_alive(reader.pid), "the reader")

    assert scene.look() == ProcessFacts((), Truth.YES)


def test_whoever_calls_us_from_a_worktree_is_a_person(scene: Scene, bench: Bench) -> None:
    root = Path(__file__).parents[3]
    body = f"""
sys.path.insert(0, {str(root)!r})
from pathlib import Path
code = '''
import sys; sys.path.insert(0, {str(root)!r})
from pathlib import Path
from unjam.adapters.processes.looking.scan import Request, scan
found = scan(Request(Path({str(scene.repo)!r}), {{"one": Path({str(scene.trees["one"])!r})}}))
print([(one.identity.pid, one.role.value) for one in found.processes])
'''
said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
tell('said', said.stdout + said.stderr)
"""
    caller = bench.run(body, cwd=scene.trees["one"])

    assert bench.heard("said").strip() == f"[({caller.pid}, 'person')]"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_orchestrator_whose_place_cannot_be_read_is_not_certain(
    start: Callable[..., Program],
) -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        root = Path(open_to_all)
        root.chmod(0o755)
        bench, scene = Bench(root / "bench", start), Scene(root)
        main = bench.run("tell('main')" + WAIT, cwd=scene.repo, name="multi_agent_orchestrator.py")
        bench.pid("main")

        seen = seen_by_nobody(scene)

        assert (main.pid, Role.ORCHESTRATOR, False) in seen


def seen_by_nobody(scene: Scene) -> list[tuple[int, Role, bool]]:
    """What a scan of another user, who may not look into our processes, finds."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover -- another process
        os.setuid(65534)
        try:
            found = scene.look().processes
            told = [(one.identity.pid, one.role, one.certain) for one in found]
            os.write(writer, pickle.dumps(told))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    return list(told)


def test_psutil_tells_the_same_where_there_is_no_proc(
    scene: Scene, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = bench.run("tell('ready')" + WAIT, cwd=scene.trees["one"])
    bench.heard("ready")
    quick = table.read_table()[agent.pid]

    monkeypatch.setattr(table, "has_proc", lambda: False)
    slow = table.read_table()[agent.pid]

    assert (slow.parent, slow.group, slow.session) == (quick.parent, quick.group, quick.session)
    assert (slow.command, slow.cwd, slow.is_stopped) == (quick.command, quick.cwd, quick.is_stopped)
    assert scene.roles() == {agent.pid: Role.AGENT}
