"""What was saved leaves with no copy of the repository, is read by nobody else, and is lost to no `gc`."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.adapters.git.restoring.test_restore_again import kill_after
from tests.adapters.git.taking.salvaging import REF, Repository, files, without_link
from tests.interrupt.killing import seeds
from tests.security.copies import COPIES, SECRETS, WITH_STAGED, objects_in, plant
from tests.world.shell import git_status
from unjam.adapters.git.restoring.restore import restore_to
from unjam.adapters.git.taking import store
from unjam.adapters.git.vault.takeover import take_over

SAVE = """
import os, sys
from pathlib import Path
os.umask(int(sys.argv[1], 8))
from tests.adapters.git.taking.salvaging import Repository
repo = Repository.__new__(Repository)
repo.path = Path(sys.argv[2])
repo.tree = repo.path / ".worktrees/agent"
repo.save()
"""
TAKE_OVER = """
import sys
from pathlib import Path
from unjam.adapters.git.vault.takeover import take_over
print("ready", flush=True)
take_over(Path(sys.argv[1]))
"""


@pytest.fixture
def saved(tmp_path: Path) -> Repository:
    repo = Repository(tmp_path / "repo", brutal=False)
    plant(repo.tree)
    repo.save()
    return repo


def leave_as_before(repo: Repository) -> None:
    """Have the salvage where earlier versions kept it: in the repository, by a ref and a pack of its own."""
    for path in sorted((repo.vault / "objects/pack").iterdir()):
        shutil.copy(path, repo.common / "objects/pack" / path.name)
    commit = repo.kept
    shutil.rmtree(repo.common / "unjam")
    for name in repo.git("for-each-ref", "--format=%(refname)", "refs/unjam").split():
        repo.git("update-ref", "-d", name)
    repo.git("update-ref", REF, str(commit))


def secrets_in(found: bytes) -> set[bytes]:
    return {one for one in SECRETS if one in found}


def test_it_is_in_the_vault_and_comes_back(saved: Repository, tmp_path: Path) -> None:
    assert secrets_in(objects_in(saved.vault)) == set(SECRETS)
    before = without_link(saved.tree)
    commit = saved.kept
    assert commit is not None
    store_files = set(saved.vault.rglob("*"))

    saved.git("worktree", "remove", "--force", "--force", str(saved.tree))
    saved.git("branch", "-D", "ws/one/agent")
    saved.git("reflog", "expire", "--expire=now", "--all")
    saved.git("gc", "--quiet", "--prune=now")

    assert set(saved.vault.rglob("*")) == store_files
    target = tmp_path / "out"
    restore_to(saved.common, commit, target)
    assert files(target) == before
    assert git_status("fsck", "--strict", "--full", cwd=saved.path) == 0
    assert git_status("fsck", "--full", cwd=saved.vault) == 0


def test_no_copy_of_the_repository_holds_it(saved: Repository, tmp_path: Path) -> None:
    found = {
        way: secrets_in(copy(saved.path, tmp_path / f"copy-{number}"))
        for number, (way, copy) in enumerate(COPIES.items())
    }

    assert found == {way: {SECRETS[2]} if way in WITH_STAGED else set() for way in COPIES}
    kept = saved.git("for-each-ref", "--format=%(refname) %(objecttype)", "refs/unjam")
    assert kept == f"{store.pin_of(REF)} commit"


@pytest.mark.parametrize("umask", ["000", "022", "077"])
def test_it_is_its_owners_alone_under_any_umask(tmp_path: Path, umask: str) -> None:
    repo = Repository(tmp_path / "repo", brutal=False)
    plant(repo.tree)

    subprocess.run([sys.executable, "-c", SAVE, umask, str(repo.path)], check=True)

    places = [repo.vault.parent, repo.vault, *repo.vault.rglob("*")]
    assert len(places) > 10
    open_to_others = [one for one in places if stat.S_IMODE(one.lstat().st_mode) & 0o077]
    assert open_to_others == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_reads_none_of_it(saved: Repository) -> None:
    for above in (saved.path, *saved.path.parents[:-1]):
        above.chmod(above.stat().st_mode | 0o055)
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    pack = next((saved.vault / "objects/pack").glob("*.pack"))

    tried = [
        subprocess.run([*other, *words], capture_output=True, check=False)
        for words in (["cat", str(pack)], ["ls", str(saved.vault)])
    ]
    reached = subprocess.run([*other, "cat", str(saved.common / "HEAD")], check=False)

    assert [one.returncode != 0 for one in tried] == [True, True]
    assert reached.returncode == 0  # the repository itself is open to him


@pytest.mark.parametrize("collected", [False, True], ids=["as it was written", "after git gc"])
def test_an_old_vault_is_taken_over_and_erased_from_the_repository(
    saved: Repository, tmp_path: Path, *, collected: bool
) -> None:
    commit = saved.kept
    leave_as_before(saved)
    if collected:
        saved.git("gc", "--quiet")
    assert secrets_in(objects_in(saved.path)) == set(SECRETS)

    told = take_over(saved.common)

    assert told is not None
    assert (told.refs, told.problems) == ((REF,), ())
    assert saved.kept == commit
    assert secrets_in(objects_in(saved.path)) == {SECRETS[2]}  # it is staged, by the agent itself
    assert secrets_in(objects_in(saved.vault)) == set(SECRETS)
    assert saved.git("for-each-ref", "--format=%(refname)", "refs/unjam") == store.pin_of(REF)
    assert git_status("fsck", "--strict", "--full", cwd=saved.path) == 0
    assert take_over(saved.common) is None
    assert commit is not None
    before = without_link(saved.tree)
    restore_to(saved.common, commit, tmp_path / "out")
    assert files(tmp_path / "out") == before


def test_what_came_to_be_the_repositorys_own_is_not_erased(saved: Repository) -> None:
    leave_as_before(saved)
    saved.git("add", "--force", "notes.txt", cwd=saved.tree)

    take_over(saved.common)

    assert saved.git("show", ":notes.txt", cwd=saved.tree) == SECRETS[1].decode()
    assert secrets_in(objects_in(saved.path)) == {SECRETS[1], SECRETS[2]}
    assert git_status("fsck", "--full", cwd=saved.path) == 0


def test_while_git_may_be_at_work_nothing_is_erased_and_the_next_run_does_it(
    saved: Repository,
) -> None:
    leave_as_before(saved)
    (saved.admin / "index.lock").touch()

    first = take_over(saved.common)
    (saved.admin / "index.lock").unlink()
    second = take_over(saved.common)

    assert first is not None
    assert "index.lock" in first.problems[0]
    assert second is not None
    assert (second.refs, second.problems) == ((), ())
    assert secrets_in(objects_in(saved.path)) == {SECRETS[2]}


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_while_taking_over_it_reaches_the_same_end(saved: Repository, seed: int) -> None:
    commit, dice = saved.kept, Random(seed)
    leave_as_before(saved)

    for _ in range(6):
        kill_after(TAKE_OVER, saved.common, seconds=dice.uniform(0, 0.3))
        assert store.resolve(saved.common, REF) == commit
        reached = store.reader(saved.common).run("rev-list", "--objects", str(commit)).text
        assert len(reached.splitlines()) > len(SECRETS)
    for lock in saved.common.rglob("*.lock"):  # of the Git that was killed with it
        lock.unlink()
    take_over(saved.common)

    assert saved.kept == commit
    assert secrets_in(objects_in(saved.path)) == {SECRETS[2]}
    assert secrets_in(objects_in(saved.vault)) == set(SECRETS)
    assert saved.git("for-each-ref", "--format=%(refname)", "refs/unjam") == store.pin_of(REF)
    assert git_status("fsck", "--full", cwd=saved.path) == 0
