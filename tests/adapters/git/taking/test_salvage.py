"""A salvage holds every byte of a worktree, touches nothing, and is the same for the same content."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.adapters.git.taking.salvaging import REF, Repository, restored, without_link
from tests.adapters.git.traces import traces
from tests.world.shell import git_status
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.salvage import Source, read_back, salvage, signature


def test_a_brutal_worktree_comes_back_identical(repo: Repository) -> None:
    saved = repo.save()

    assert restored(repo, saved) == without_link(repo.tree)
    assert saved.complete
    assert git_status("fsck", "--strict", cwd=repo.path) == 0


def test_nothing_of_the_repository_is_touched_even_under_a_lock(repo: Repository) -> None:
    (repo.admin / "index.lock").write_text("somebody died here")
    store.make(repo.common)
    before = traces(repo.path, without=("objects", "unjam"))

    saved = salvage(repo.common, repo.source)
    read_back(repo.common, saved, repo.source)

    assert traces(repo.path, without=("objects", "unjam")) == before
    assert repo.shown(saved, "admin/index.lock") == b"somebody died here"


def test_the_same_content_gives_the_same_commit_and_writes_nothing_twice(repo: Repository) -> None:
    first = repo.save()
    packs = sorted((repo.vault / "objects/pack").iterdir())

    second = repo.save()

    assert second == first
    assert sorted((repo.vault / "objects/pack").iterdir()) == packs


def test_any_change_gives_another_commit_and_another_signature(repo: Repository) -> None:
    seen = {}
    changes: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: (repo.tree / "staged.txt").write_text("changed\n"),
        lambda: (repo.tree / "private").chmod(0o640),
        (repo.tree / "empty/new").mkdir,
        lambda: repo.git("add", "crlf.txt", cwd=repo.tree),
        lambda: repo.git("commit", "--quiet", "-m", "More", cwd=repo.tree),
        lambda: repo.git("checkout", "--quiet", "--detach", cwd=repo.tree),
        lambda: (repo.tree / "nested/inner-unsaved.txt").write_text("more\n"),
        (repo.tree / "cache.ignored").unlink,
    )
    for number, change in enumerate(changes):
        change()
        saved = salvage(repo.common, repo.source)
        assert saved.signature == signature(repo.source)
        seen[number] = (saved.commit, saved.signature)

    assert len({commit for commit, _ in seen.values()}) == len(changes)
    assert len({mark for _, mark in seen.values()}) == len(changes)


def test_a_signature_survives_moving_the_worktree_but_no_edit_in_the_same_size(
    plain: Repository,
) -> None:
    (plain.tree / "notes.txt").write_text("aaaa")
    saved = plain.save()
    path = plain.tree / "notes.txt"
    times = path.stat()
    moved = plain.path.parent / "moved"
    plain.tree.rename(moved)
    assert signature(Source(moved, plain.admin)) == saved.signature

    (moved / "notes.txt").write_text("bbbb")
    os.utime(moved / "notes.txt", ns=(times.st_atime_ns, times.st_mtime_ns))

    assert signature(Source(moved, plain.admin)) != saved.signature


def test_it_is_there_after_the_worktree_the_branch_and_the_reflog_are_gone(
    repo: Repository,
) -> None:
    before = without_link(repo.tree)
    saved = repo.save()

    repo.git("worktree", "remove", "--force", "--force", str(repo.tree))
    repo.git("branch", "-D", "ws/one/agent")
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")

    assert restored(repo, saved) == before
    assert repo.shown(saved, "index/index_only.txt") == b"in the index and nowhere else\n"
    assert git_status("fsck", "--strict", cwd=repo.path) == 0


def test_it_travels_in_a_bundle_to_another_repository(repo: Repository, tmp_path: Path) -> None:
    before = without_link(repo.tree)
    saved = repo.save()
    with store.room_with(repo.common, [REF]) as room:
        room.run("bundle", "create", "--quiet", str(tmp_path / "salvage.bundle"), REF)
    shutil.rmtree(repo.path)
    other = Repository(tmp_path / "other", brutal=False)
    other.git(
        "-c",
        "fetch.fsckObjects=true",
        "fetch",
        "--quiet",
        str(tmp_path / "salvage.bundle"),
        f"{REF}:{REF}",
    )

    assert restored(other, saved) == before


def test_commits_only_a_reflog_or_a_state_file_names_are_kept(plain: Repository) -> None:
    tree = plain.tree
    lost = [plain.commit(f"Amended away {number}", cwd=tree) for number in range(3)]
    plain.git("reset", "--quiet", "--hard", "HEAD~2", cwd=tree)
    other = plain.commit("Another way", cwd=tree)
    plain.git("checkout", "--quiet", "-b", "ws/other", cwd=tree)
    (plain.admin / "MERGE_AUTOSTASH").write_text(
        plain.git("commit-tree", "HEAD^{tree}", "-m", "autostash") + "\n"
    )
    autostash = (plain.admin / "MERGE_AUTOSTASH").read_text().strip()

    saved = plain.save()
    plain.git("worktree", "remove", "--force", str(tree))
    plain.git("branch", "-D", "ws/one/agent", "ws/other")
    plain.git("reflog", "expire", "--expire=now", "--all")
    plain.git("gc", "--quiet", "--prune=now")

    history = plain.git("rev-list", saved.commit, cwd=plain.vault).splitlines()
    assert {*lost, other, autostash} <= set(history)
    assert len(saved.parents) == 3  # the tip, the commits reset away, the autostash
    assert saved.parents[0] == other
