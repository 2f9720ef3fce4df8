"""The verify command runs bounded, without credentials, and leaves nothing behind."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.programs import WAIT, Bench, is_alive, wait_for_end
from tests.world import Program
from unjam.adapters.processes.running.run import Verification, VerifyStatus, run_verify
from unjam.errors import PermanentError

ROOT = Path(__file__).parents[3]
DEAF = "".join(f"signal.signal(signal.{name}, signal.SIG_IGN)\n" for name in ("SIGINT", "SIGTERM"))
DAEMON = DEAF + "if detach():\n    os.chdir('/')\n    tell('daemon')" + WAIT.replace("\n", "\n    ")


@pytest.fixture
def bench(tmp_path: Path, start: Callable[..., Program]) -> Bench:
    return Bench(tmp_path / "bench", start)


@pytest.fixture
def trial(tmp_path: Path) -> Path:
    path = tmp_path / "trial"
    path.mkdir()
    return path


def verify(bench: Bench, trial: Path, body: str, deadline: float = 60) -> Verification:
    command = [sys.executable, str(bench.script(body))]
    return run_verify(command, trial, deadline, {}, trial.parent / "verify.log")


def test_status_0_passes(bench: Bench, trial: Path) -> None:
    said = verify(bench, trial, "print(os.getcwd())")

    assert said.passed
    assert said.tail == str(trial)
    assert (said.exit_code, said.left, said.survivors) == (0, 0, 0)


def test_any_other_status_fails_with_the_last_words(bench: Bench, trial: Path) -> None:
    said = verify(bench, trial, "print('one')\nsys.exit('two tests failed')")

    assert (said.status, said.exit_code) == (VerifyStatus.FAILED, 1)
    assert said.sentence.endswith("failed with status 1: two tests failed")


def test_a_signal_fails(bench: Bench, trial: Path) -> None:
    said = verify(bench, trial, "os.kill(os.getpid(), signal.SIGSEGV)")

    assert (said.status, said.exit_code) == (VerifyStatus.FAILED, -signal.SIGSEGV)


def test_only_the_end_of_a_long_output_is_kept_and_all_of_it_is_in_the_log(
    bench: Bench, trial: Path
) -> None:
    said = verify(
        bench,
        trial,
        "for n in range(100000):\n    print(n, flush=n == 99999)\nos.write(1, b'\\xff end')",
    )

    assert said.tail.splitlines()[-1] == "� end"
    assert len(said.tail) < 10_000
    assert (trial.parent / "verify.log").read_bytes().startswith(b"0\n1\n2\n")


def test_a_command_that_hangs_is_ended_with_its_children(bench: Bench, trial: Path) -> None:
    body = "tell('main')\n" + DEAF + "if not os.fork():\n    tell('child')\n" + WAIT
    said = verify(bench, trial, body, deadline=1)

    assert said.status is VerifyStatus.TIMED_OUT
    assert said.exit_code is None
    assert not is_alive(bench.pid("main"))
    assert not is_alive(bench.pid("child"))


def test_what_it_leaves_behind_is_counted_and_ended(bench: Bench, trial: Path) -> None:
    said = verify(bench, trial, DAEMON)

    assert said.passed
    assert said.left == 1
    assert said.sentence.endswith("processes it left behind: 1")
    assert not is_alive(bench.pid("daemon"))


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("no-such-program", "there is no no-such-program on PATH"),
        ("./no-such-script", "No such file or directory"),
        ("/no/such", "No such file or directory"),
    ],
)
def test_a_command_that_does_not_exist_says_nothing_of_the_tree(
    trial: Path, name: str, because: str
) -> None:
    said = run_verify([name, "x"], trial, 10, {}, trial.parent / "log")

    assert said.found_nothing
    assert not said.passed
    assert said.sentence == f"the verify command `{name} x` cannot be run: {because}"


def test_a_file_that_is_no_program_is_not_found_either(trial: Path) -> None:
    (trial / "check").write_text("true")

    assert run_verify(["./check"], trial, 10, {}, trial.parent / "log").found_nothing


def test_no_command_at_all_is_not_found(trial: Path) -> None:
    assert run_verify([], trial, 10, {}, trial.parent / "log").found_nothing


def test_a_trial_that_is_gone_is_an_error(trial: Path) -> None:
    with pytest.raises(PermanentError, match="no directory"):
        run_verify(["true"], trial / "gone", 10, {}, trial.parent / "log")


def test_it_sees_no_credentials_and_no_git(
    bench: Bench, trial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "GIT_DIR", "PYTHON_API_TOKEN", "OTHER"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PYTHONHASHSEED", "7")

    command = [
        sys.executable,
        str(bench.script("tell('env', __import__('json').dumps(dict(os.environ)))")),
    ]
    run_verify(command, trial, 60, {"GIT_CEILING_DIRECTORIES": "/x"}, trial.parent / "log")

    seen = json.loads(bench.heard("env"))
    assert seen["PYTHONHASHSEED"] == "7"
    assert seen["PATH"] == os.environ["PATH"]
    assert seen["GIT_CEILING_DIRECTORIES"] == "/x"
    assert not {one for one in seen if "TOKEN" in one or "SECRET" in one or one == "OTHER"}
    assert {one for one in seen if one.startswith("GIT_")} == {"GIT_CEILING_DIRECTORIES"}


def test_it_reads_nothing_from_us_and_has_a_session_of_its_own(bench: Bench, trial: Path) -> None:
    body = "tell('read', repr(sys.stdin.read()))\ntell('session', os.getsid(0) == os.getpid())"

    assert verify(bench, trial, body).passed
    assert bench.heard("read") == "''"
    assert bench.heard("session") == "True"


def test_modules_in_the_trial_do_not_reach_our_supervisor(bench: Bench, trial: Path) -> None:
    for name in ("json", "signal", "unjam"):
        (trial / f"{name}.py").write_text("raise SystemExit('taken over')")

    assert verify(bench, trial, "").passed


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_everything_of_it_ends_when_we_are_killed(
    bench: Bench, trial: Path, number: signal.Signals
) -> None:
    body = (
        "tell('main')\n" + DEAF + "if not os.fork():\n    os.setsid()\n    tell('child')\n" + WAIT
    )
    command = [sys.executable, str(bench.script(body))]
    ours = f"""
sys.path.insert(0, {str(ROOT)!r})
from unjam.adapters.processes.running.run import run_verify
run_verify({command!r}, HERE, 600, {{}}, HERE / "log")
"""
    runner = bench.run(ours, cwd=trial, name="runner.py")
    pids = bench.pid("main"), bench.pid("child")

    os.kill(runner.pid, number)

    wait_for_end(*pids)
