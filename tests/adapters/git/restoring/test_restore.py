"""A salvage comes back exactly: in place after every destructive act, again after a kill."""

import shutil
from pathlib import Path

import pytest

from tests.adapters.git.taking.destruction import (
    DESTRUCTIVE,
    Act,
    all_of,
    drop_for_good,
    in_primary,
    run,
    undo,
)
from tests.adapters.git.taking.salvaging import Repository, condition, files
from tests.adapters.git.traces import traces
from tests.world.shell import git_status
from unjam.adapters.git.restoring.restore import list_files, restore_in_place, restore_to
from unjam.adapters.git.taking.salvage import IgnoredLimits
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError, RefusedError


def without_link(condition: dict[str, object]) -> dict[str, object]:
    """Leave out what says where the admin directory is."""
    listing = condition["files"]
    assert isinstance(listing, dict)
    return condition | {"files": {name: listing[name] for name in listing if name != ".git"}}


@pytest.mark.parametrize("act", DESTRUCTIVE.values(), ids=DESTRUCTIVE)
def test_a_destructive_act_is_taken_back_and_taking_back_too(repo: Repository, act: Act) -> None:
    before = condition(repo.tree)
    saved = repo.save()

    act(repo)
    undo(repo, saved, repo.source)

    assert condition(repo.tree) == before
    undo(repo, saved, repo.source)
    assert condition(repo.tree) == before
    assert git_status("fsck", cwd=repo.path) == 0


def start_merge(repo: Repository) -> None:
    start_theirs(repo)
    assert git_status("merge", "theirs", cwd=repo.tree) == 1
    (repo.tree / "src/app.py").write_text("half resolved by hand\n")


def start_rebase(repo: Repository) -> None:
    start_theirs(repo)
    (repo.tree / ".gitignore").write_text("edited before the rebase\n")
    assert git_status("rebase", "--autostash", "theirs", cwd=repo.tree) == 1
    (repo.tree / "src/app.py").write_text("half resolved by hand\n")


def start_cherry_pick(repo: Repository) -> None:
    start_theirs(repo)
    assert git_status("cherry-pick", "theirs", cwd=repo.tree) == 1


def start_theirs(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "theirs", cwd=repo.tree)
    (repo.tree / "src/app.py").write_text("theirs\n")
    repo.commit("Theirs", cwd=repo.tree)
    repo.git("checkout", "--quiet", "ws/one/agent", cwd=repo.tree)
    (repo.tree / "src/app.py").write_text("ours\n")
    repo.commit("Ours", cwd=repo.tree)


def forget_rebase(repo: Repository) -> None:
    """What a person does who does not know of the autostash; then its commit is gone."""
    shutil.rmtree(repo.admin / "rebase-merge")
    repo.git("reset", "--quiet", "--hard", cwd=repo.tree)
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")


@pytest.mark.parametrize(
    ("start", "act"),
    [
        (start_merge, run("merge", "--abort")),
        (start_merge, all_of(run("add", "--all"), run("commit", "--quiet", "--no-edit"))),
        (start_rebase, run("rebase", "--abort")),
        (start_rebase, run("rebase", "--quit")),
        (start_rebase, forget_rebase),
        (start_cherry_pick, run("cherry-pick", "--abort")),
    ],
    ids=["merge abort", "merge commit", "rebase abort", "rebase quit", "rebase lost", "pick abort"],
)
def test_an_operation_in_progress_comes_back_with_the_work_done_in_it(
    tmp_path: Path, start: Act, act: Act
) -> None:
    repo = Repository(tmp_path / "repo", brutal=False)
    start(repo)
    before = condition(repo.tree)
    saved = repo.save()

    act(repo)
    undo(repo, saved, repo.source)

    assert condition(repo.tree) == before


def test_a_rebase_that_came_back_can_still_be_aborted_with_its_autostash(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", brutal=False)
    start_rebase(repo)
    saved = repo.save()
    forget_rebase(repo)
    undo(repo, saved, repo.source)

    repo.git("rebase", "--abort", cwd=repo.tree)

    assert (repo.tree / ".gitignore").read_text() == "edited before the rebase\n"
    assert (repo.tree / "src/app.py").read_text() == "ours\n"


def start_primary_merge(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "theirs")
    (repo.path / "src/app.py").write_text("theirs\n")
    repo.commit("Theirs")
    repo.git("checkout", "--quiet", "main")
    (repo.path / "src/app.py").write_text("ours\n")
    repo.commit("Ours")
    assert git_status("merge", "theirs", cwd=repo.path) == 1
    (repo.path / "notes.txt").write_text("a person's\n")


@pytest.mark.parametrize(
    "act",
    [
        in_primary("merge", "--abort"),
        all_of(in_primary("reset", "--hard"), in_primary("clean", "-fd")),
        all_of(in_primary("merge", "--abort"), in_primary("checkout", "--detach", "HEAD~1")),
    ],
    ids=["merge abort", "reset and clean", "elsewhere"],
)
def test_the_primary_comes_back_and_the_agents_below_it_are_left_alone(
    repo: Repository, act: Act
) -> None:
    start_primary_merge(repo)
    before = condition(repo.path)
    saved = repo.save(repo.primary)
    (repo.tree / "meanwhile.txt").write_text("the agent goes on\n")
    agent = traces(repo.tree, repo.admin)

    act(repo)
    other = repo.path / ".worktrees/newcomer"
    repo.git("worktree", "add", "--quiet", "-b", "ws/newcomer", str(other))
    undo(repo, saved, repo.primary)

    assert condition(repo.path) == before
    assert traces(repo.tree, repo.admin) == agent
    assert git_status("status", cwd=other) == 0
    assert git_status("fsck", cwd=repo.path) == 0


def test_what_is_in_the_way_is_moved_aside_and_not_lost(repo: Repository) -> None:
    saved = repo.save()
    (repo.tree / "private").write_text("newer\n")
    (repo.tree / "added/deep").mkdir(parents=True)
    (repo.tree / "added/deep/new.txt").write_text("new\n")
    aside = repo.path.parent / "aside"

    restore_in_place(repo.common, saved.commit, repo.tree, repo.admin, aside)

    assert (aside / "worktree/0/private").read_text() == "newer\n"
    assert (aside / "worktree/0/added/deep/new.txt").read_text() == "new\n"
    assert not (repo.tree / "added").exists()


def test_ignored_files_that_were_not_saved_are_left_where_they_are(repo: Repository) -> None:
    saved = repo.save(limits=IgnoredLimits(each=0, total=0))
    (repo.tree / "fresh.ignored").write_text("made since\n")
    (repo.tree / "cache.ignored").write_text("changed since\n")

    restore_in_place(repo.common, saved.commit, repo.tree, repo.admin, repo.path.parent / "aside")

    assert (repo.tree / "fresh.ignored").read_text() == "made since\n"
    assert (repo.tree / "cache.ignored").read_text() == "changed since\n"


def test_no_link_is_followed_when_restoring(repo: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "app.py").write_text("not yours\n")
    before = condition(repo.tree)
    saved = repo.save()
    shutil.rmtree(repo.tree / "src")
    (repo.tree / "src").symlink_to(outside)

    undo(repo, saved, repo.source)

    assert condition(repo.tree) == before
    assert files(outside) == {"app.py": files(outside)["app.py"]}
    assert (outside / "app.py").read_text() == "not yours\n"


def test_a_worktree_that_became_a_link_is_refused(repo: Repository, tmp_path: Path) -> None:
    saved = repo.save()
    outside = tmp_path / "outside"
    repo.tree.rename(outside)
    repo.tree.symlink_to(outside)
    before = files(outside)

    with pytest.raises(RefusedError):
        restore_in_place(repo.common, saved.commit, repo.tree, repo.admin, tmp_path / "aside")

    assert files(outside) == before


def test_a_worktree_comes_back_under_another_name_and_is_a_live_one(
    repo: Repository, tmp_path: Path
) -> None:
    before = without_link(condition(repo.tree))
    saved = repo.save()
    drop_for_good(repo)
    repo.git("update-ref", "refs/heads/ws/one/agent", saved.tip or "")
    elsewhere, admin = tmp_path / "elsewhere", repo.common / "worktrees/elsewhere"

    restore_in_place(repo.common, saved.commit, elsewhere, admin, tmp_path / "aside")

    assert without_link(condition(elsewhere)) == before
    assert str(elsewhere) in repo.git("worktree", "list")
    assert "prunable" not in repo.git("worktree", "list", "--verbose")


def test_an_empty_directory_is_a_target_and_a_used_one_is_refused(
    repo: Repository, tmp_path: Path
) -> None:
    saved = repo.save()
    (tmp_path / "empty").mkdir()
    (tmp_path / "used").mkdir()
    (tmp_path / "used/file").write_text("mine\n")

    restore_to(repo.common, saved.commit, tmp_path / "empty")
    with pytest.raises(RefusedError, match="in use"):
        restore_to(repo.common, saved.commit, tmp_path / "used")

    assert files(tmp_path / "empty")["private"] == files(repo.tree)["private"]
    assert (tmp_path / "used/file").read_text() == "mine\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["empty", "repo", "used"]


def test_a_commit_that_is_no_salvage_is_refused(repo: Repository, tmp_path: Path) -> None:
    head = CommitId(repo.git("rev-parse", "HEAD"))

    with pytest.raises(PermanentError, match="not a salvage"):
        list_files(repo.common, head)

    assert not (tmp_path / "out").exists()
