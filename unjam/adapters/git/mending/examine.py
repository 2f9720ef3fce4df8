"""Say everything that is wrong with one checkout that looks broken; the sound ones are not asked.

Git is not asked: with a damaged ``.git`` file it answers for another repository, and a damaged index
it reads as it is, with status 0.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.all_refs import Tips
from unjam.adapters.git.files import backlink, git_dir_named_by, read_line
from unjam.adapters.git.index import (
    DamagedIndexError,
    ForeignIndexError,
    read_index,
)
from unjam.adapters.git.repository import Repository
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.claims.ownership import WRONG, Whose
from unjam.domain.world.damage import Damage

INITIALIZING = "initializing"  # what Git writes into `locked` while it makes a worktree


@dataclass(frozen=True, slots=True)
class Examiner:
    """Knows what a sound checkout of this repository looks like."""

    repository: Repository
    tips: Tips
    is_ours: Callable[[str], bool]  # whether a branch is named as a workstream's

    def examine(self, one: Checkout) -> tuple[Damage, ...]:
        """Name every damage of a checkout, those first that others hang on."""
        if one.lock_reason == INITIALIZING:
            return (Damage.UNFINISHED,)
        if one.whose in WRONG:
            return ()
        links = () if not one.name else (*self._directory(one), *self._links(one))
        return (*links, *self._content(one))

    def _directory(self, one: Checkout) -> Iterator[Damage]:
        dot_git = one.path / ".git"
        if one.whose is Whose.RELOCATED:
            yield Damage.RELOCATED
        elif one.whose is not Whose.OURS:
            return  # that is all there is to say of its links
        elif one.path.is_symlink():
            yield Damage.LINK
        elif not one.path.is_dir():
            yield Damage.GONE
        elif dot_git.is_dir() or dot_git.is_symlink():
            yield Damage.OWN_REPOSITORY
        else:
            yield from self._dot_git(one, dot_git)

    def _dot_git(self, one: Checkout, dot_git: Path) -> Iterator[Damage]:
        named = git_dir_named_by(dot_git)
        if named == one.admin.resolve():
            return
        if named is None or named.parent != self.repository.common / "worktrees":
            yield Damage.DOT_GIT
            return
        if backlink(named) == dot_git:
            yield Damage.TWICE
        else:
            # Its own may have been moved away, or the two are swapped: whose the files are, no link tells.
            yield Damage.OF_ANOTHER if named.is_dir() else Damage.DOT_GIT

    def _links(self, one: Checkout) -> Iterator[Damage]:
        if backlink(one.admin) is None:
            yield Damage.GITDIR
        line = read_line(one.admin / "commondir")
        leads = "" if not line or "\0" in line else os.path.normpath(one.admin / line)
        if leads != str(self.repository.common):
            yield Damage.COMMONDIR

    def _content(self, one: Checkout) -> Iterator[Damage]:
        if one.branch is None and one.detached is None:
            yield Damage.HEAD
        elif one.branch is not None and self._is_damaged(one.branch):
            yield Damage.BRANCH
        try:
            read_index(one.admin / "index")
        except DamagedIndexError:
            yield Damage.INDEX
        except ForeignIndexError:
            pass

    def _is_damaged(self, branch: str) -> bool:
        """Tell a branch that was there from one that a person is about to begin.

        One that names a missing commit is whole: it is the commit that has to be found again.
        """
        if branch in self.tips.named:
            return False
        common = self.repository.common
        traces = (common / branch, common / "logs" / branch)
        return self.is_ours(branch) or any(os.path.lexists(one) for one in traces)
