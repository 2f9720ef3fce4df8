"""A companion ends with whoever started it, however that ended."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.world import Program, wait_until

PARENT = """\
import os, sys, time
from unjam.adapters.processes.running.companion import start_companion
companion = start_companion(sys.argv[1], environment=os.environ)
print(companion.pid, flush=True)
time.sleep(600)
"""
MODULES = {
    "polite": "import time; time.sleep(600)",
    "stubborn": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
}


CHILD = """\
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
open("child", "w").write(f"{child.pid}\\n")
time.sleep(600)
"""


def test_what_it_started_ends_too_when_its_starter_is_killed(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    (tmp_path / "mother.py").write_text(CHILD)
    path = ":".join([str(tmp_path), *filter(None, sys.path)])
    parent = start(sys.executable, "-c", PARENT, "mother", cwd=tmp_path, env={"PYTHONPATH": path})
    told = tmp_path / "child"
    wait_until(lambda: told.exists() and told.read_text().endswith("\n"), "the child")
    child = psutil.Process(int(told.read_text()))  # ignores SIGTERM: it inherited that

    parent.process.send_signal(signal.SIGKILL)
    parent.wait()

    wait_until(lambda: not child.is_running(), "the child to end")


@pytest.mark.parametrize("name", MODULES)
def test_it_ends_when_its_starter_is_killed(
    tmp_path: Path, start: Callable[..., Program], name: str
) -> None:
    (tmp_path / f"{name}.py").write_text(MODULES[name])
    path = ":".join([str(tmp_path), *filter(None, sys.path)])
    parent = start(sys.executable, "-c", PARENT, name, cwd=tmp_path, env={"PYTHONPATH": path})
    wait_until(lambda: parent.output.read_text().endswith("\n"), "the companion")
    companion = psutil.Process(int(parent.output.read_text()))

    parent.process.send_signal(signal.SIGKILL)
    parent.wait()

    wait_until(lambda: not companion.is_running(), "the companion to end")


def test_it_imports_nothing_from_where_it_is_started(
    tmp_path: Path, start: Callable[..., Program]
) -> None:
    for name in ("polite", "runpy"):
        (tmp_path / f"{name}.py").write_text("open('imported', 'w').close()")
    path = ":".join(filter(None, sys.path))
    quick = PARENT.replace("time.sleep(600)", "companion.wait()")

    parent = start(
        sys.executable, "-P", "-c", quick, "polite", cwd=tmp_path, env={"PYTHONPATH": path}
    )
    parent.wait()

    assert not (tmp_path / "imported").exists()
