"""What the person says in a configuration of their own counts more than what lies in a repository."""

from pathlib import Path

import pytest

from tests.trusting import EVIL, config, keys, own, repo, written
from tests.world.sealed import trust_below
from unjam.domain.steps.policy import Consent
from unjam.errors import UsageError
from unjam.settings import Settings, load

__all__ = ["config", "repo"]  # fixtures


def test_a_trusted_place_trusts_what_lies_in_it(repo: Path, config: Path) -> None:
    trust_below(config.parent.parent, repo.parent)
    written(repo, EVIL)

    assert load(repo).policy.land is Consent.AUTO
    assert own(repo).trusted == "place"


def test_a_link_that_leads_out_of_a_trusted_place_is_not_in_it(
    repo: Path, config: Path, tmp_path: Path
) -> None:
    trust_below(config.parent.parent, repo.parent)
    outside = tmp_path / "outside"
    outside.mkdir()
    written(outside, EVIL)
    (repo / "unjam.toml").symlink_to(outside / "unjam.toml")
    (repo.parent / "linked").symlink_to(outside)

    assert load(repo) == Settings()
    assert load(repo.parent / "linked") == Settings()


@pytest.mark.parametrize(
    ("place", "lies"),
    [
        ("{work}/shop", True),
        ("{work}/*", True),
        ("{work}/**", True),
        ("{work}/../**/sh?p", True),
        ("{work}", False),
        ("{work}/shop/*", False),
        ("{work}/*/*", False),
        ("{work}s/**", False),
    ],
)
def test_a_place_is_a_path_with_stars(repo: Path, config: Path, place: str, *, lies: bool) -> None:
    config.write_text(f'trust = ["{place.format(work=repo.parent)}"]\n')
    written(repo, EVIL)

    assert (load(repo).policy.land is Consent.AUTO) is lies


def test_a_home_is_understood_in_places(
    repo: Path, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config.write_text('trust = ["~/work/**"]\n')
    written(repo, EVIL)

    assert load(repo).policy.land is Consent.AUTO


def test_what_is_said_of_this_repository_counts_more_than_what_is_said_of_all(
    repo: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(
        '[policy]\nland = "auto"\npush = "auto"\nstop = "auto"\nspec = "auto"\n'
        f'[repository."{repo.parent}/*".policy]\npush = "off"\nspec = "ask"\n'
        f'[repository."{repo}".policy]\nspec = "auto"\n'
    )
    written(repo, '[policy]\npush = "auto"\nstop = "off"\n')
    monkeypatch.setenv("UNJAM_POLICY__SALVAGE", "ask")

    policy = load(repo).policy

    assert not own(repo).is_held
    assert (policy.land, policy.push, policy.stop) == (Consent.AUTO, Consent.OFF, Consent.OFF)
    assert (policy.spec, policy.salvage) == (Consent.AUTO, Consent.ASK)


def test_a_repository_may_not_loosen_what_the_person_says_of_all(repo: Path, config: Path) -> None:
    config.write_text('[policy]\nrecord = "off"\n')
    written(repo, '[policy]\nrecord = "ask"\n')

    assert load(repo).policy.record is Consent.OFF
    assert keys(own(repo)) == ["policy.record"]


def test_what_the_person_says_is_not_the_repositorys_to_say(
    repo: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(repo, EVIL)
    config.write_text(f'[repository."{repo}".verify]\ncommand = ["make"]\n')
    monkeypatch.setenv("UNJAM_POLICY__LAND", "ask")

    assert load(repo).verify.command == ("make",)
    assert not own(repo).is_held


def test_another_repository_is_not_spoken_of(repo: Path, config: Path) -> None:
    config.write_text(f'[repository."{repo.parent}/other".policy]\nland = "auto"\n')

    assert load(repo) == Settings()


MISTAKES = [
    ('trust = "~/work"', "trust: write it as a list of places"),
    ('trust = ["work/**"]', "work/**: write a place from / or from ~"),
    ('repository = "x"', "repository: write it as tables"),
    ('[repository."/x"]\npolicy = "auto"', "policy: write it as a table"),
    ('[policy]\nlandd = "auto"', "policy.landd: unknown key; did you mean land?"),
]


@pytest.mark.parametrize(("text", "told"), MISTAKES, ids=[told for _, told in MISTAKES])
def test_a_mistake_in_the_persons_own_is_told(
    repo: Path, config: Path, text: str, told: str
) -> None:
    config.write_text(text.replace("/x", str(repo)))

    with pytest.raises(UsageError) as error:
        load(repo)

    assert str(error.value).startswith(f"{config}: ")
    assert told in str(error.value)


def test_a_configuration_that_others_may_write_is_not_a_persons_own(
    repo: Path, config: Path
) -> None:
    config.write_text('[policy]\nland = "auto"\n')
    config.chmod(0o666)

    with pytest.raises(UsageError, match="others may write it"):
        load(repo)


def test_no_relative_place_is_taken_for_the_persons_own(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(repo, "")
    (repo / "unjam").mkdir()
    written(repo / "unjam", '[policy]\nland = "auto"\n', "config.toml")
    monkeypatch.chdir(repo)
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, ".")

    assert load(repo) == Settings()
