"""The demonstration: all it claims holds, from nothing, and nothing of it stays behind."""

import os
import re
from pathlib import Path

import psutil
import pytest

from tests.command import unjam
from unjam.domain.catalogue.scenarios import SCENARIOS


@pytest.mark.slow
def test_the_demo_sees_all_its_claims_hold_in_an_empty_home_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "PREFECT_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(temporary))

    ended = unjam("demo", cwd=tmp_path)

    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr
    assert "NOT SEEN" not in ended.stdout
    held, told = re.findall(r"(\d+) of (\d+) claims were seen to hold", ended.stdout)[0]
    assert held == told
    assert ended.stdout.count("$ unjam undo ") == len(SCENARIOS)
    assert [*home.iterdir()] == []
    assert [*temporary.glob("unjam-demo-*")] == []
    assert processes_below(temporary) == []


def test_the_demo_does_not_build_its_sandbox_over_a_persons_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine\n")

    ended = unjam("demo", "--keep", tmp_path, cwd=tmp_path)

    assert ended.returncode == 2
    assert "not empty" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def processes_below(directory: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if process.pid != os.getpid() and any(str(directory) in word for word in words):
            found.append(" ".join(words))
    return found
