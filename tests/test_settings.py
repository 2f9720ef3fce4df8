"""Settings: one configuration, defaults for everything, and mistakes told in a line each."""

import os
import subprocess
import sys
import tomllib
from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.errors import UsageError
from unjam.settings import Settings, load
from unjam.settings.render import render
from unjam.settings.units import duration, size, written_duration, written_size
from unjam.settings.validation import validated

EXAMPLE = Path(__file__).parents[1] / "unjam.toml"


def write(repo: Path, text: str, name: str = "unjam.toml") -> Path:
    path = repo / name
    path.write_text(text)
    return path


def mistake(repo: Path, config: Path | None = None) -> str:
    with pytest.raises(UsageError) as told:
        load(repo, config)
    return str(told.value)


def test_without_a_file_everything_has_the_documented_default(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert settings.orchestration.trunk is None
    assert settings.orchestration.state == ".state/orchestration.db"
    assert settings.orchestration.branch == "ws/{workstream}/{agent}"
    assert settings.verify.command == ("python", "-m", "pytest", "-q")
    assert settings.verify.timeout == timedelta(minutes=30)
    assert settings.hang.after == timedelta(minutes=60)
    assert settings.limits.attempts == 2
    assert settings.limits.free_disk == 10_000_000_000
    assert settings.vault.keep == timedelta(days=30)
    assert settings.escalation.issue_command == ()


def test_every_class_of_steps_has_an_approval_and_the_one_the_plan_would_take(
    tmp_path: Path,
) -> None:
    policy = load(tmp_path).policy

    assert {one.name for one in fields(policy)} == set(StepClass)
    for one in StepClass:
        assert getattr(policy, one) is Policy().approval(one)


def test_the_file_at_the_root_counts(tmp_path: Path) -> None:
    write(
        tmp_path, '[policy]\nland = "auto"\n[verify]\ntimeout = "90s"\ncommand = ["make", "test"]\n'
    )

    settings = load(tmp_path)

    assert settings.policy.land is Consent.AUTO
    assert settings.policy.push is Consent.ASK
    assert settings.verify.timeout == timedelta(seconds=90)
    assert settings.verify.command == ("make", "test")


def test_a_section_of_pyproject_counts_as_well(tmp_path: Path) -> None:
    write(tmp_path, '[project]\nname = "x"\n[tool.unjam.hang]\nafter = "2h"\n', "pyproject.toml")

    assert load(tmp_path).hang.after == timedelta(hours=2)


def test_a_named_file_counts_instead_of_the_repositorys(tmp_path: Path) -> None:
    write(tmp_path, "[limits]\nattempts = 3\n")
    other = write(tmp_path, "[limits]\nattempts = 5\n", "other.toml")
    project = write(tmp_path, "[tool.unjam.limits]\nattempts = 7\n", "pyproject.toml")

    assert load(tmp_path, other).limits.attempts == 5
    assert load(tmp_path, project).limits.attempts == 7


def test_the_environment_wins_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[policy]\nland = "off"\npush = "off"\n')
    monkeypatch.setenv("UNJAM_POLICY__LAND", "auto")
    monkeypatch.setenv("UNJAM_VERIFY__COMMAND", '["sh", "-c", "true"]')
    monkeypatch.setenv("UNJAM_VERIFY__TIMEOUT", "2m")
    monkeypatch.setenv("UNJAM_LIMITS__ATTEMPTS", "4")

    settings = load(tmp_path)

    assert (settings.policy.land, settings.policy.push) == (Consent.AUTO, Consent.OFF)
    assert settings.verify.command == ("sh", "-c", "true")
    assert settings.verify.timeout == timedelta(minutes=2)
    assert settings.limits.attempts == 4


def test_a_default_command_is_told_from_a_chosen_one(tmp_path: Path) -> None:
    assert load(tmp_path).orchestration.resume_is_default

    write(tmp_path, '[orchestration]\ntrunk = "main"\nresume = []\n')
    assert not load(tmp_path).orchestration.resume_is_default


def test_settings_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    settings = load(tmp_path)

    with pytest.raises(FrozenInstanceError):
        settings.policy.land = Consent.AUTO  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        settings.policy = settings.policy  # type: ignore[misc]


MISTAKES = [
    ('[policy]\nlandd = "auto"', "policy.landd: unknown key; did you mean land?"),
    ('[polcy]\nland = "auto"', "polcy: unknown key; did you mean policy?"),
    (
        '[orchestration]\ntimeout = "1m"',
        "orchestration.timeout: unknown key; it belongs in [verify]",
    ),
    ("[vault]\nxyz = 1", "vault.xyz: unknown key; known here: keep"),
    ('trunk = "main"', "trunk: unknown key; it belongs in [orchestration]"),
    ('policy = "auto"', "policy: write it as a table, [policy]"),
    ('[policy]\nland = "yes"', "policy.land: input should be 'auto', 'ask' or 'off' (it is 'yes')"),
    ('[verify]\ncommand = "pytest -q"', "verify.command: write it as a list of words"),
    ("[verify]\ncommand = []", "verify.command: value should have at least 1 item"),
    ('[verify]\ncommand = ["a", 1]', "verify.command.1: input should be a valid string (it is 1)"),
    ('[verify]\ncommand = ["a\\u0000"]', "NUL"),
    ('[verify]\ntimeout = "30"', "verify.timeout: write a duration with its unit"),
    ("[verify]\ntimeout = 30", "verify.timeout: write a duration with its unit"),
    ('[hang]\nafter = "0m"', "hang.after: it must be longer than nothing"),
    ('[vault]\nkeep = "99999999999d"', "vault.keep: that is longer than can be counted"),
    ('[limits]\nfree_disk = "ten"', "limits.free_disk: write a size with its unit"),
    ("[limits]\nattempts = 0", "limits.attempts: input should be greater than or equal to 1"),
    ('[orchestration]\nbranch = "ws/{agent}"', "orchestration.branch: name template 'ws/{agent}'"),
    ('[orchestration]\ntrunk = "--all"', "orchestration.trunk: string should match pattern"),
    (
        '[orchestration]\norchestrator = [""]',
        "orchestration.orchestrator.0: string should have at least",
    ),
    (
        '[orchestration\ntrunk = "main"',
        "not TOML: Expected ']' at the end of a table declaration (at line 1",
    ),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES, ids=[told for _, told in MISTAKES])
def test_a_mistake_is_one_line_with_its_place_and_what_to_do(
    tmp_path: Path, text: str, told: str
) -> None:
    path = write(tmp_path, text)

    line = mistake(tmp_path)

    assert line.startswith(f"{path}: ")
    assert told in line
    assert "\n" not in line


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, '[policy]\nland = "yes"\n[verify]\ntimeout = 3\n[limits]\natempts = 1\n')

    assert [line.split(": ")[1] for line in mistake(tmp_path).splitlines()] == [
        "verify.timeout",
        "policy.land",
        "limits.atempts",
    ]


def test_a_mistake_in_pyproject_names_the_whole_key(tmp_path: Path) -> None:
    write(tmp_path, "[tool.unjam.limits]\natempts = 1\n", "pyproject.toml")

    assert (
        "pyproject.toml: tool.unjam.limits.atempts: unknown key; did you mean attempts?"
        in mistake(tmp_path)
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("UNJAM_POLICY__LADN", "auto", "unknown; did you mean UNJAM_POLICY__LAND?"),
        ("UNJAM_POLCY__LAND", "auto", "unknown; did you mean UNJAM_POLICY__LAND?"),
        ("UNJAM_VERIFY_COMMAND", "[]", "unknown; did you mean UNJAM_VERIFY__COMMAND?"),
        (
            "UNJAM_FOO__X",
            "1",
            "unknown; known here: orchestration, verify, hang, policy, limits, vault, escalation, watch",
        ),
        ("UNJAM_LIMITS__ZZZ", "1", "unknown; known here: attempts, free_disk"),
        ("UNJAM_POLICY__LAND", "yes", "input should be 'auto', 'ask' or 'off' (it is 'yes')"),
        ("UNJAM_VERIFY__COMMAND", "make test", 'not JSON; write lists as ["make", "test"]'),
        ("UNJAM_HANG", '{"aftr": "1m"}', "unknown key; did you mean after?"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    write(tmp_path, '[policy]\nland = "auto"\n')
    monkeypatch.setenv(name, value)

    assert mistake(tmp_path) == f"environment variable {name}: {told}"


def test_other_variables_of_ours_and_of_others_are_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNJAM_DEBUG", "1")
    monkeypatch.setenv("POLICY__LAND", "nonsense")

    assert load(tmp_path) == Settings()


def test_two_configurations_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "")
    write(tmp_path, "[tool.unjam]\n", "pyproject.toml")

    assert mistake(tmp_path).startswith("two configurations: ")


def test_a_pyproject_that_is_none_of_our_business_may_be_broken(tmp_path: Path) -> None:
    write(tmp_path, "<<<<<<< HEAD\n[project\n", "pyproject.toml")

    assert load(tmp_path) == Settings()


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "unjam.toml").symlink_to("gone.toml")

    assert "not UTF-8 at byte 5" in mistake(tmp_path, tmp_path / "latin.toml")
    assert "not a regular file" in mistake(tmp_path, tmp_path / "pipe.toml")
    assert "none.toml: No such file" in mistake(tmp_path, tmp_path / "none.toml")
    assert "not a regular file" in mistake(tmp_path, tmp_path)
    assert "unjam.toml: No such file" in mistake(tmp_path)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("30d", 2_592_000),
        ("1h 30m", 5400),
        ("1.5h", 5400),
    ],
)
def test_durations_read_as_people_write_them(written: str, seconds: int) -> None:
    assert duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "count"),
    [("10GB", 10**10), ("512 MiB", 512 << 20), ("1.5kb", 1500), ("7B", 7), (0, 0), (4096, 4096)],
)
def test_sizes_read_as_people_write_them(written: object, count: int) -> None:
    assert size(written) == count


@given(st.integers(1, 10**9))
def test_what_is_written_reads_back_the_same(number: int) -> None:
    assert duration(written_duration(timedelta(seconds=number))) == timedelta(seconds=number)
    assert size(written_size(number)) == number


def test_a_written_file_names_every_key_and_changes_nothing(tmp_path: Path) -> None:
    text = render()

    write(tmp_path, text)
    assert load(tmp_path) == Settings()
    assert load(tmp_path).orchestration.resume_is_default
    for section in fields(Settings):
        assert f"\n[{section.name}]\n" in text
        for key in fields(section.default):  # type: ignore[arg-type]
            assert f"\n# {key.name} = " in text


def test_a_written_file_uncommented_says_the_defaults() -> None:
    lines = [line.removeprefix("# ") if " = " in line else line for line in render().splitlines()]
    content = tomllib.loads("\n".join(lines))
    del content["orchestration"]["trunk"]
    del content["verify"]["junit"], content["verify"]["dask"]

    assert validated(content) == Settings()


def test_what_was_found_is_in_force(tmp_path: Path) -> None:
    found: dict[str, dict[str, object]] = {
        "orchestration": {"trunk": 'ma"in', "agents": ["aider"], "remote": "origin"},
        "verify": {"timeout": timedelta(minutes=5)},
        "limits": {"free_disk": 2 * 10**9},
    }

    write(tmp_path, render(found))
    settings = load(tmp_path)

    assert settings.orchestration.trunk == 'ma"in'
    assert settings.orchestration.agents == ("aider",)
    assert settings.verify.timeout == timedelta(minutes=5)
    assert settings.limits.free_disk == 2 * 10**9
    assert '\n# remote = "origin"' in render(found)


def test_the_example_is_what_would_be_written() -> None:
    assert EXAMPLE.read_text() == render()


def test_defaults_cost_a_check_no_library(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from unjam.settings import load;"
        "load(Path(sys.argv[1])); print(*{'pydantic', 'prefect', 'sqlalchemy'} & {*sys.modules})"
    )

    told = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == ""
