"""What Git does not have is copied into a trial; what the commit has, and what is elsewhere, is not touched."""

from pathlib import Path

import pytest

from tests.world.inventory import entries
from unjam.adapters.git.moving.carry import carry_over
from unjam.errors import RefusedError


@pytest.fixture
def primary(tmp_path: Path) -> Path:
    place = tmp_path / "primary"
    (place / "data" / "deep").mkdir(parents=True)
    (place / ".env").write_text("KEY=1\n")
    (place / "data" / "deep" / "big").write_text("1\n")
    (place / "data" / "tracked").write_text("edited by a person\n")
    (place / "data" / ".git").mkdir()
    (place / "data" / "link").symlink_to("deep")
    return place


@pytest.fixture
def target(tmp_path: Path) -> Path:
    place = tmp_path / "trial"
    (place / "data").mkdir(parents=True)
    (place / "data" / "tracked").write_text("as committed\n")
    return place


def test_files_and_directories_are_copied_and_the_commit_keeps_what_is_its_own(
    primary: Path, target: Path
) -> None:
    carry_over(primary, target, [".env", "data"])

    here = {".env", "data", "data/deep", "data/deep/big", "data/tracked", "data/link"}
    assert dict(entries(target)).keys() == here
    assert (target / ".env").read_text() == "KEY=1\n"
    assert (target / "data" / "tracked").read_text() == "as committed\n"
    assert (target / "data" / "link").is_symlink()
    (target / ".env").write_text("spoilt by a test\n")
    assert (primary / ".env").read_text() == "KEY=1\n"


def test_what_is_not_there_or_behind_a_link_is_refused(
    primary: Path, target: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("1\n")
    (primary / "out").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RefusedError, match=r"there is no \.envrc in"):
        carry_over(primary, target, [".envrc"])
    with pytest.raises(RefusedError, match="lies behind a link"):
        carry_over(primary, target, ["out/secret"])
