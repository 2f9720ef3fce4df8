"""What people install recovers a broken repository, from anywhere, without a checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deployments.serve import declared
from tests.command import ROOT
from tests.prefect_server import free_port
from tests.world import Program, World, wait_until
from tests.world.script import commit, hang, reach, write


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with the tools at hand: nothing is fetched."""
    target = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target))
    ended = subprocess.run((*build, str(ROOT)), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (built,) = target.glob("unjam-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that holds the wheel.

    Its dependencies are those of the environment the tests run in, one line on its path away:
    fetching 130 packages again would prove nothing of ours and take a minute.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=True)
    inside = {"base": str(home), "platbase": str(home)}
    packages = Path(sysconfig.get_path("purelib", "venv", inside))
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    python = home / "bin" / "python"
    install = ("pip", "--python", str(python), "install", "--no-index", "--no-deps")
    into = (sys.executable, "-m", *install, "--force-reinstall", str(wheel))
    ended = subprocess.run(into, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return home / "bin"


def outside(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command from the root directory, without this checkout on its path."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd="/", env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_wheel_carries_the_application_below_the_package_and_nowhere_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    top = {name.split("/")[0] for name in names}

    application = {
        f"unjam/_app/{path.relative_to(ROOT)}"
        for directory in ("flows", "tasks", "deployments")
        for path in (ROOT / directory).glob("*.py")
    }

    assert {name for name in top if not name.endswith(".dist-info")} == {"unjam"}
    assert application | {"unjam/_app/prefect.yaml"} <= names
    assert "unjam/py.typed" in names
    assert not [name for name in names if "test" in Path(name).stem.split("_")]
    assert not [name for name in names if {"tests", "__pycache__"} & {*Path(name).parts}]


@pytest.mark.slow
def test_installed_it_claims_no_common_names(installed: Path) -> None:
    look = "import importlib.util as u; print([u.find_spec(n) for n in ('flows', 'tasks')])"

    ended = outside(installed / "python", "-c", look)
    where = outside(installed / "python", "-c", "import unjam; print(unjam.__file__)")

    assert ended.stdout.strip() == "[None, None]"
    assert where.stdout.startswith(str(installed.parent))


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_installed_it_recovers_a_broken_repository_from_the_root_directory(
    installed: Path, world: World
) -> None:
    done = [write("feature.py"), commit("feature"), write("draft.txt", "not committed\n")]
    world.spec("ws-15", script=[*done, reach(world.marker("worked")), hang()])
    world.commit_specs()
    world.kill_orchestrator_when(world.marker("worked").exists, "the agent to have worked")
    world.end_agents()
    treasure = world.treasure()

    ended = outside(
        *(installed / "unjam", "--repo", world.repo),
        *("recover", "orchestrator_crash", "--yes", "--json"),
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads(ended.stdout)
    assert report["word"] == "partly recovered"  # its agent had not ended
    assert [one["id"] for one in report["incomplete"]] == ["ws-15"]
    assert (world.repo / "feature.py").exists()
    assert world.lost(treasure) == []


@pytest.mark.slow
def test_installed_it_serves_every_deployment_and_a_kill_leaves_nothing(
    installed: Path, tmp_path: Path, start: Callable[..., Program]
) -> None:
    port = free_port()

    up = start(installed / "unjam", "up", "--port", str(port), cwd=tmp_path, env={"PYTHONPATH": ""})
    wait_until(lambda: "Ctrl-C" in up.output.read_text(), "all to be served")
    asked = f"http://127.0.0.1:{port}/api/deployments/count"
    request = urllib.request.Request(asked, data=b"{}", method="POST")
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer) == len(declared())
    started = psutil.Process(up.pid).children(recursive=True)
    up.kill()

    assert started
    wait_until(lambda: not any(one.is_running() for one in started), "all to end")
