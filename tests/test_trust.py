"""What of a repository's own configuration counts: an agent may have written it."""

import os
import stat
import tomllib
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from tests.trusting import EVIL, config, in_pyproject, keys, linked, own, repo, written
from unjam.domain.steps.policy import Consent
from unjam.errors import UsageError
from unjam.settings import Settings, load
from unjam.settings.load import load_all
from unjam.settings.model import SECTIONS, Untrusted
from unjam.settings.trust import Own, revoke, trust

__all__ = ["config", "repo"]  # fixtures


@pytest.mark.parametrize("write", [lambda repo: written(repo, EVIL), linked, in_pyproject])
def test_what_an_agent_writes_is_not_in_force(repo: Path, write: Callable[[Path], None]) -> None:
    write(repo)

    assert load(repo) == Settings()
    assert keys(own(repo)) == ["verify.command", "policy.land"]
    assert own(repo).is_held


RISKY = [
    '[orchestration]\ntrunk = "release"',
    '[orchestration]\nremote = "elsewhere"',
    '[orchestration]\nstate = "postgresql://elsewhere/db"',
    '[orchestration]\nworktrees = "src"',
    '[orchestration]\nbranch = "{workstream}/{agent}"',
    '[orchestration]\norchestrator = ["nobody"]',
    '[orchestration]\nagents = ["vim"]',
    '[orchestration]\nlogs = "/etc"',
    '[orchestration]\nresume = ["sh", "x"]',
    '[verify]\ncommand = ["true"]',
    '[verify]\ntimeout = "1s"',
    '[verify]\ndask = "tcp://elsewhere:1"',
    '[verify]\njunit = "made-up.xml"',
    "[verify]\nconfidence = 0.9",
    '[hang]\nafter = "1s"',
    '[hang]\ninterval = "1s"',
    '[policy]\npush = "auto"',
    "[limits]\nattempts = 9",
    '[limits]\nfree_disk = "1B"',
    '[vault]\nkeep = "1s"',
    '[escalation]\nissue_command = ["sh"]',
    '[watch]\nrepositories = ["/somebody/elses"]',
]


@pytest.mark.parametrize("text", RISKY)
def test_what_can_do_more_waits_for_a_person(repo: Path, text: str) -> None:
    written(repo, text)

    assert load(repo) == Settings()
    assert own(repo).is_held


TIGHTER = [
    '[policy]\nsalvage = "ask"\nland = "off"',
    "[orchestration]\nresume = []",
    "[verify]\nworkers = 1\nconfidence = 0.999",
    '[hang]\nafter = "3h"',
    '[limits]\nattempts = 1\nfree_disk = "20GB"',
    '[vault]\nkeep = "90d"',
    "[escalation]\nissue_command = []",
]


@pytest.mark.parametrize("text", TIGHTER)
def test_what_only_tightens_needs_nobody(repo: Path, text: str) -> None:
    written(repo, text)

    settings = load(repo)

    assert not own(repo).is_held
    for section, values in tomllib.loads(text).items():
        for key in values:
            assert (
                getattr(getattr(settings, section), key) != getattr(SECTIONS[section](), key)
                or values[key] == []
            )


def test_the_tightening_part_of_a_file_counts_while_the_rest_is_held(repo: Path) -> None:
    written(repo, '[policy]\nrecord = "off"\nland = "auto"\n[hang]\nafter = "2h"\n')

    settings = load(repo)

    assert settings.policy.record is Consent.OFF
    assert settings.hang.after == timedelta(hours=2)
    assert settings.policy.land is Consent.ASK
    assert keys(own(repo)) == ["policy.land"]


def test_every_key_is_held_but_for_those_that_say_otherwise() -> None:
    free = {
        f"{name}.{one.name}"
        for name, section in SECTIONS.items()
        for one in fields(section)
        if one.metadata["untrusted"] != Untrusted.NOTHING
    }

    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()
    assert not [name for name in free if f"`{name}`" not in page]
    assert free == {
        *("orchestration.resume", "verify.workers", "verify.confidence", "hang.after"),
        *("limits.attempts", "limits.free_disk", "vault.keep"),
        *("escalation.issue_command", "watch.repositories"),
        *("verify.acceptance", "verify.setup", "verify.carry"),
    }


@pytest.mark.parametrize("write", [lambda repo: written(repo, EVIL), linked, in_pyproject])
def test_what_a_person_trusted_counts_until_it_is_another(
    repo: Path, write: Callable[[Path], None]
) -> None:
    write(repo)
    trust(own(repo))

    assert load(repo).policy.land is Consent.AUTO
    assert own(repo).trusted == "content"

    file = repo / "pyproject.toml" if write is in_pyproject else repo / "unjam.toml"
    target = file.resolve()
    target.write_text(target.read_text().replace("/tmp/owned", "/tmp/other"))
    assert load(repo) == Settings()
    assert own(repo).is_held


def test_trust_is_private_and_of_one_file_of_one_repository(repo: Path, config: Path) -> None:
    other = repo.with_name("other")
    other.mkdir()
    written(repo, EVIL)
    written(other, EVIL)

    trust(own(repo))

    assert load(other) == Settings()
    (record,) = (config.parent.parent / "state" / "unjam" / "trust").iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


def test_revoked_trust_is_gone(repo: Path) -> None:
    written(repo, EVIL)
    trust(own(repo))

    assert revoke(own(repo))

    assert load(repo) == Settings()
    assert not revoke(own(repo))


def test_only_the_last_trusted_content_counts(repo: Path) -> None:
    written(repo, EVIL)
    trust(own(repo))
    written(repo, '[policy]\nland = "ask"\n')
    trust(own(repo))

    written(repo, EVIL)  # what an agent puts back

    assert load(repo) == Settings()


@pytest.mark.parametrize("damage", ["", "{}", "[]", "\0", '{"digest": "%s"}'])
def test_a_damaged_record_trusts_nothing(repo: Path, config: Path, damage: str) -> None:
    written(repo, EVIL)
    trust(own(repo))
    (record,) = (config.parent.parent / "state" / "unjam" / "trust").iterdir()

    record.write_text(damage.replace("%s", own(repo).digest))

    assert load(repo) == Settings()


def test_what_stands_around_our_table_in_pyproject_changes_nothing(repo: Path) -> None:
    in_pyproject(repo)
    trust(own(repo))
    text = (repo / "pyproject.toml").read_text()

    written(repo, f"[project]\nname = 'unjam-user'\n{text}# a word\n", "pyproject.toml")

    assert load(repo).policy.land is Consent.AUTO


def test_variables_that_a_file_brings_are_not_a_persons(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(repo, "UNJAM_POLICY__LAND=auto\n", ".env")
    written(repo, "[hang]\nafter = '2h'\n")  # so that variables are looked at as well
    monkeypatch.setenv("UNJAM_POLICY__PUSH", "off")
    monkeypatch.chdir(repo)

    policy = load(repo).policy

    assert (policy.land, policy.push) == (Consent.ASK, Consent.OFF)


def test_a_file_that_a_person_names_counts_and_one_named_for_good_only_outside_of_repositories(
    repo: Path, tmp_path: Path
) -> None:
    (repo / ".git").mkdir()
    inside, outside = written(repo, EVIL, "mine.toml"), written(tmp_path, EVIL, "mine.toml")

    assert load(repo, inside).policy.land is Consent.AUTO
    assert load_all(repo, outside, standing=True).settings.policy.land is Consent.AUTO
    held = load_all(repo, inside, standing=True)
    assert held.settings == Settings()
    assert held.own is not None
    assert f"--config {inside} trust" in held.own.sentence
    trust(held.own)
    assert load_all(repo, inside, standing=True).settings.policy.land is Consent.AUTO


def test_what_was_judged_is_what_is_parsed(repo: Path) -> None:
    """A pipe gives each reader another content; so it is none."""
    os.mkfifo(repo / "unjam.toml")

    with pytest.raises(UsageError, match="not a regular file"):
        load(repo)


@pytest.mark.parametrize("name", ["unjam.toml", "pyproject.toml"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[tool.unjam]\na = " + b"[" * 100_000, "nested too deep"),
        (b"[tool.unjam]\na = " + b"9" * 10_000, "a number too long"),
        (b"#" * (5 << 20), "larger than 4 MB"),
    ],
    ids=["deep", "long", "large"],
)
def test_what_no_parser_is_made_for_is_said_in_a_line(
    repo: Path, name: str, content: bytes, said: str
) -> None:
    (repo / name).write_bytes(content)

    with pytest.raises(UsageError, match=said):
        load(repo)


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "XDG_STATE_HOME"])
def test_what_lies_in_the_repository_is_not_the_persons_own(
    repo: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home that is a repository: an agent writes the person's configuration, or that it is trusted."""
    written(repo, EVIL)
    monkeypatch.setenv(variable, str(repo / "dot"))
    trust(Own(repo, repo / "unjam.toml", "0" * 64, ()))
    (repo / "dot" / "unjam").mkdir(parents=True, exist_ok=True)
    if variable == "XDG_CONFIG_HOME":
        written(repo / "dot" / "unjam", EVIL, "config.toml")

    with pytest.raises(UsageError, match=f"lies in the repository.*{variable}"):
        load(repo)


def test_a_persons_own_that_another_repository_keeps_counts(repo: Path, config: Path) -> None:
    kept = repo.parent / "dotfiles"
    kept.mkdir()
    config.symlink_to(written(kept, "[policy]\npush = 'auto'\n", "config.toml"))

    assert load(repo).policy.push is Consent.AUTO
    with pytest.raises(UsageError, match="lies in the repository"):
        load(kept)
