"""Trunks whose tests fail: a suite of little tests, and workstreams that break them when they land."""

import sys
from pathlib import Path

from tests.recovering import recover
from tests.world import Program, Workstream, World, git
from unjam.domain.reports.check_report import Document
from unjam.domain.world.identity import Scenario
from unjam.domain.world.trials import TrunkTests
from unjam.engine.culprits.investigate import known_tests
from unjam.engine.orchestration import open_orchestration

ONLY = (Scenario("failing_merge"),)
# A test of each word fails while a source holds it; "pair" needs two; the rest depends on the case.
SUITE = """\
import pathlib, subprocess, sys
from xml.sax.saxutils import quoteattr
words = set("".join(path.read_text() for path in sorted(pathlib.Path("src").rglob("*.py"))).split())
marker = pathlib.Path(MARKERS)
counter = marker / "count"
with counter.open("ab") as file:
    file.write(b".")
count = counter.stat().st_size
tests = {
    "alpha": "ALPHA" in words,
    "beta": "BETA" in words,
    "twins": "ALPHA" in words,
    "pair": {"HALF_A", "HALF_B"} <= words,
    "either": bool({"ONE", "OTHER"} & words),
    "flaky": (marker / "flaky").exists() and count % 2 == 1,
    "machine": (marker / "broken").exists(),
    "secret": "SECRET" in words,
    "uses": "USES" in words and "OFFERS" not in words,
}
if (marker / "meanwhile").exists():
    command = (marker / "meanwhile").read_text()
    (marker / "meanwhile").unlink()
    subprocess.run(command, shell=True, check=True)
if "GARBAGE" in words:
    sys.exit(3)
lines = ["<testsuite>"]
for name, fails in tests.items():
    inner = f"<failure type='AssertionError' message='{name} is broken'>{name} said no: ghp_0123456789abcdefghij</failure>"
    lines.append(f"<testcase classname='suite' name={quoteattr(name)}>{inner if fails else ''}</testcase>")
pathlib.Path("report.xml").write_text("".join(lines) + "</testsuite>")
sys.exit(any(tests.values()))
"""


def with_suite(world: World) -> World:
    """Give a world a suite that names its tests; nothing is started again."""
    (world.repo / "suite.py").write_text(SUITE.replace("MARKERS", repr(str(world.markers))))
    git("add", "suite.py", cwd=world.repo)
    git("commit", "--quiet", "-m", "Test", cwd=world.repo)
    command = [sys.executable, "suite.py"]
    world.configure(
        verify={"command": command, "junit": "report.xml", "workers": 2}, policy={"restart": "off"}
    )
    world.state.create()
    return world


def made(world: World, number: int, text: str = "", path: str = "") -> Workstream:
    """A workstream with one commit, completed and ready to land."""
    stream = world.workstream(f"ws-{number:02}", f"agent-{number}").worktree().row("completed")
    return stream.commits({path or f"src/part_{number:02}.py": f"part = {number}\n{text}\n"})


def landed(world: World, number: int, text: str = "", path: str = "") -> Workstream:
    """A workstream that landed as a merge."""
    return gone(made(world, number, text, path).lands_as_merge())


def gone(stream: Workstream) -> Workstream:
    """Its worktree is tidied away; its branch stays."""
    git("worktree", "remove", "--force", str(stream.tree), cwd=stream.primary)
    return stream


def investigated(world: World) -> TrunkTests:
    """What is found out about the trunk's tests."""
    return known_tests(open_orchestration(world.repo), lambda _: None)


def freed(world: World) -> Document:
    """Investigate and recover, with everything approved."""
    investigated(world)
    return recover(world.repo, ONLY)


def fails_on_trunk(world: World, tmp_path: Path) -> bool:
    """Run the suite on the trunk as it is, apart from everything."""
    where = tmp_path / "apart"
    git("clone", "--quiet", str(world.repo), str(where), cwd=tmp_path)
    program = Program(sys.executable, "suite.py", cwd=where, output=tmp_path / "suite.out")
    return program.wait() != 0
