"""Links that are written again are relative where they were: a container that shares the repository knows other paths."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.world import git
from unjam.adapters.git.mending.cure import Patient, cures
from unjam.adapters.git.mending.replacements import make_admin, make_checkout
from unjam.domain.steps.change import WriteFile
from unjam.domain.world.damage import Damage

TO_ADMIN = "gitdir: ../../.git/worktrees/agent-1\n"
TO_TREE = "../../../.worktrees/agent-1/.git\n"


class Place(NamedTuple):
    """A repository with a worktree."""

    repo: Path

    @property
    def tree(self) -> Path:
        return self.repo / ".worktrees/agent-1"

    @property
    def admin(self) -> Path:
        return self.repo / ".git/worktrees/agent-1"

    def asks_for_relative_links(self) -> None:
        # The format's number stays the old one, so that an older Git works here as well.
        git("config", "extensions.relativeWorktrees", "true", cwd=self.repo)

    def written(self, *damage: Damage) -> dict[str, str]:
        aside = self.repo / ".git/unjam/aside"
        patient = Patient(self.repo / ".git", self.tree, self.admin, damage, aside=aside)
        changes = [one for one in cures(patient) if isinstance(one, WriteFile)]
        return {Path(one.path).name: (one.after or b"").decode() for one in changes}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "repo")
    git("init", "--quiet", "--initial-branch=main", str(place.repo), cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "-m", "first", cwd=place.repo)
    git("worktree", "add", "--quiet", "-b", "work", str(place.tree), cwd=place.repo)
    return place


def test_links_are_relative_where_the_repository_asks_for_it(place: Place) -> None:
    place.asks_for_relative_links()

    assert place.written(Damage.GITDIR, Damage.DOT_GIT) == {"gitdir": TO_TREE, ".git": TO_ADMIN}


def test_a_relative_link_to_the_admin_directory_stays_relative(place: Place) -> None:
    (place.tree / ".git").write_text(f"gitdir: ../{TO_ADMIN.removeprefix('gitdir: ')}")

    assert place.written(Damage.RELOCATED) == {".git": TO_ADMIN}


def test_links_are_absolute_elsewhere_as_an_older_git_reads_them(place: Place) -> None:
    (place.tree / ".git").unlink()
    (place.admin / "gitdir").write_text("")

    assert place.written(Damage.GITDIR, Damage.DOT_GIT) == {
        "gitdir": f"{place.tree}/.git\n",
        ".git": f"gitdir: {place.admin}\n",
    }


def test_what_is_made_aside_is_linked_as_from_its_place(place: Place) -> None:
    place.asks_for_relative_links()
    common, aside = place.repo / ".git", place.repo / ".git/unjam/vault/run/made"
    commit = git("rev-parse", "work", cwd=place.repo)

    make_checkout(common, aside / "tree", place.admin, place.tree)
    make_admin(common, aside / "admin", place.tree, ("ref: refs/heads/work", commit))

    assert (aside / "tree/.git").read_text() == TO_ADMIN
    assert (aside / "admin/gitdir").read_text() == TO_TREE
