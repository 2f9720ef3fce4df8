"""Every mistake of a person is one line that says what, where and what to do; nothing is changed."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import ROOT, command, environment, unjam
from tests.world import World, git, typical_wreck
from unjam.domain.catalogue.scenarios import SCENARIOS

Ended = subprocess.CompletedProcess[str]


def only_line(ended: Ended, status: int) -> str:
    """The one line an error is, with its exit status; without a traceback or control characters."""
    assert ended.returncode == status, ended
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("unjam: ")
    assert lines[0].isprintable()
    return lines[0].removeprefix("unjam: ")


def empty_directory(at: Path) -> None:
    at.mkdir()


def bare(at: Path) -> None:
    git("init", "--quiet", "--bare", str(at), cwd=at.parent)


def without_commits(at: Path) -> None:
    git("init", "--quiet", str(at), cwd=at.parent)


def without_trunk(at: Path) -> None:
    without_commits(at)
    git("checkout", "--quiet", "-b", "develop", cwd=at)
    git("commit", "--quiet", "--allow-empty", "-m", "Start", cwd=at)


def with_damaged_pointer(at: Path) -> None:
    at.mkdir()
    (at / ".git").write_text("gitdir: /nowhere\n")


PLACES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no repository": (empty_directory, "no Git repository here or above"),
    "bare": (bare, "a bare repository has no checkout"),
    "no commits": (without_commits, "no commits yet"),
    "no trunk": (without_trunk, "trunk"),
    "a damaged .git": (with_damaged_pointer, "its .git is damaged"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("words", ["check", "recover --yes", "status", "recover --dry-run --json"])
def test_a_place_that_is_no_orchestration(tmp_path: Path, place: str, words: str) -> None:
    make, said = PLACES[place]
    make(tmp_path / "place")

    ended = unjam(*words.split(), cwd=tmp_path / "place")

    assert said in only_line(ended, 2)
    assert ended.stdout == ""


WRONG: dict[str, str] = {
    "recover --workstream nobody": "unknown workstream: nobody; `unjam status` lists them",
    "recover --dry-run --workstream nobody": "unknown workstream: nobody",
    "show 20261122T150000Z-3f2a": "no run 20261122T150000Z-3f2a; `unjam history` lists them",
    "show ../../etc/passwd": "'../../etc/passwd' is not a run",
    "undo 20261122T150000Z-3f2a --yes": "no run 20261122T150000Z-3f2a",
    "check agent-hung": f"unknown scenario 'agent-hung'; known: {next(iter(SCENARIOS))}",
    "frobnicate": "'frobnicate'",
    "": "COMMAND",
    "check --frob": "--frob",
    "--repo /nowhere/at/all check": "/nowhere/at/all: no such directory",
    "check --repo /nowhere/at/all": "/nowhere/at/all: no such directory",
    "check --config nowhere.toml": "nowhere.toml: No such file",
    "vault restore refs/heads/main --branch x": "is not in the vault; `unjam vault list` shows",
}


# What can only be asked of one scenario.
WRONG_OF_ONE: dict[str, str] = {
    "recover --discard ws-15": "--discard: only with merge_conflict alone",
    "recover merge_conflict --discard ws-15 --yes": "ws-15 is in no conflict",
}


@pytest.mark.parametrize("words", WRONG)
def test_words_that_mean_nothing_here(world: World, words: str) -> None:
    assert WRONG[words] in only_refused(world, words)


@pytest.mark.parametrize("words", WRONG_OF_ONE)
def test_words_that_mean_nothing_for_the_scenario_named(world: World, words: str) -> None:
    assert WRONG_OF_ONE[words] in only_refused(world, words)


def only_refused(world: World, words: str) -> str:
    """The one line about words that lead to nothing."""
    typical_wreck(world)
    before = world.inventory()

    ended = unjam(*words.split(), cwd=world.repo)

    assert world.inventory() == before
    return only_line(ended, 2)


def test_an_empty_word_is_no_word(world: World) -> None:
    typical_wreck(world)

    empty = [unjam("recover", "--plan", "", "--yes", cwd=world.repo)]
    empty.append(unjam("recover", "--workstream", "", cwd=world.repo))
    empty.append(unjam("undo", "", cwd=world.repo))

    assert "it is empty" in only_line(empty[0], 2)
    assert "unknown workstream: ''" in only_line(empty[1], 2)
    assert "'' is not a run" in only_line(empty[2], 2)


def test_names_with_control_characters_reach_no_terminal(world: World) -> None:
    only_line(unjam("recover", "--workstream", "\x1b[2J\x07", cwd=world.repo), 2)
    only_line(unjam("check", "\x1b[2J", cwd=world.repo), 2)
    only_line(unjam("show", "a\x1b]0;owned\x07\nb", cwd=world.repo), 2)


CONFIGURATIONS: dict[str, tuple[str, str]] = {
    "an unknown key": ("[verify]\ncomand = ['x']\n", "verify.comand: unknown key; did you mean command?"),
    "a key of elsewhere": ("[verify]\ntrunk = 'main'\n", "verify.trunk: unknown key; it belongs in [orchestration]"),
    "an unknown section": ("[polcy]\nland = 'ask'\n", "did you mean policy?"),
    "no TOML": ("[verify\n", "not TOML"),
    "no list": ("[verify]\ncommand = 'make test'\n", "write it as a list of words"),
    "no unit": ("[verify]\ntimeout = '30'\n", "write a duration with its unit"),
    "no approval": ("[policy]\nland = 'maybe'\n", "policy.land"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_a_configuration_that_cannot_be_meant(world: World, kind: str) -> None:
    text, said = CONFIGURATIONS[kind]
    (world.repo / "unjam.toml").write_text(text)

    line = only_line(unjam("check", cwd=world.repo), 2)

    assert said in line
    assert str(world.repo / "unjam.toml") in line


def test_two_configurations(world: World) -> None:
    (world.repo / "pyproject.toml").write_text("[tool.unjam.policy]\nland = 'auto'\n")

    line = only_line(unjam("check", cwd=world.repo), 2)

    assert "two configurations" in line
    assert "pyproject.toml" in line


def test_a_variable_that_is_nearly_ours(world: World) -> None:
    ended = unjam("check", cwd=world.repo, env={"UNJAM_POLICY__LNAD": "auto"})

    assert "did you mean UNJAM_POLICY__LAND?" in only_line(ended, 2)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("git version 2.37.1", "too old; install Git 2.38 or newer"),
        ("nothing", "install Git 2.38 or newer"),
        (None, "install Git 2.38 or newer"),
    ],
)  # fmt: skip
def test_a_git_that_is_too_old_or_missing(
    world: World, tmp_path: Path, says: str | None, told: str
) -> None:
    first = tmp_path / "bin"
    first.mkdir()
    if says is not None:
        (first / "git").write_text(f"#!/bin/sh\necho '{says}'\n")
        (first / "git").chmod(0o755)
    path = str(first) if says is None else f"{first}:{os.environ['PATH']}"

    ended = unjam("check", cwd=world.repo, env={"PATH": path})

    assert told in only_line(ended, 2)


def test_a_plan_that_is_no_longer_the_plan(world: World) -> None:
    typical_wreck(world)
    before = world.inventory()

    ended = unjam("recover", "--plan", "0123456789abcdef", cwd=world.repo)

    assert "the facts have changed: the plan is now" in only_line(ended, 3)
    assert world.inventory() == before


@pytest.mark.example("orchestrator_crash")
def test_without_a_terminal_and_without_yes(world: World) -> None:
    typical_wreck(world)
    before = world.inventory()

    line = only_line(unjam("recover", cwd=world.repo, stdin="y\ny\ny\n"), 3)

    (digest,) = re.findall(r"--plan ([0-9a-f]{16})", line)
    assert f"plan {digest}, " in unjam("recover", "--dry-run", cwd=world.repo).stdout
    assert world.inventory() == before


def test_whoever_reads_may_stop_reading(world: World) -> None:
    typical_wreck(world)
    shell = 'set -o pipefail; "$@" | true'

    for words in (["check"], ["check", "--json"], ["recover", "--dry-run"], ["status"]):
        ended = subprocess.run(
            ["bash", "-c", shell, "bash", *command(*words)],
            cwd=world.repo,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.stderr == ""
        assert ended.returncode in (0, 1)


def test_ctrl_c_ends_with_130_and_a_line(world: World) -> None:
    typical_wreck(world)
    with subprocess.Popen(
        command("status", "--watch"),
        cwd=world.repo,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=300)

    assert watching.returncode == 130
    assert err == "unjam: interrupted; run it again to go on, nothing is lost\n"


def test_a_bug_is_70_with_a_line_that_says_where_the_details_are(
    world: World, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "unjam", tmp_path / "unjam")
    with (tmp_path / "unjam" / "engine" / "observing" / "observe.py").open("a") as module:
        module.write("\n\ndef observe(*_, **__):\n    return 1 / 0\n")

    ended = unjam(
        "check",
        cwd=world.repo,
        env={"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path)},
    )

    line = only_line(ended, 70)
    assert line.startswith("a bug in unjam: ZeroDivisionError: division by zero; the details")
    details = Path(line.rpartition(" ")[2]).read_text()
    assert "in observe" in details


def test_a_traceback_is_shown_only_on_request(world: World) -> None:
    ended = unjam("--debug", "show", "nothing", cwd=world.repo)

    assert ended.returncode == 2
    assert "Traceback" in ended.stderr
