"""What is said of worktrees, whole and broken, and of what lies unsaved in them."""

import os
from pathlib import Path

import pytest

from tests.adapters.git.observing.looking import asked, clean, look, seen_in, told, worktree_of
from tests.world import (
    Workstream,
    World,
    git,
    leave_brutal_work,
    prepare_for_brutal_work,
)
from unjam.domain.world.damage import Damage
from unjam.domain.world.truth import Truth


def test_a_healthy_worktree_is_all_there(world: World) -> None:
    one = clean(world)

    seen = seen_in(world)

    assert (seen.present, seen.problem, seen.unsaved.any) == (Truth.YES, "", Truth.NO)
    assert (seen.branch, seen.head) == (f"refs/heads/{one.branch}", one.tip)
    assert (seen.path, seen.admin) == (one.tree, one.admin)
    assert (seen.operation, seen.lock_reason, seen.hidden_commits) == (None, None, 0)


def test_unsaved_work_of_every_kind_is_seen(world: World) -> None:
    prepare_for_brutal_work(world.repo)
    one = clean(world)
    leave_brutal_work(one.tree)

    unsaved = seen_in(world).unsaved

    assert unsaved.known is Truth.YES
    assert told(unsaved) == asked(one.tree)


def test_an_edit_that_keeps_size_and_times_is_seen(world: World) -> None:
    one = clean(world)
    path = one.tree / "one.py"
    status = path.stat()
    path.write_text("2\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert seen_in(world).unsaved.modified == ("one.py",)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_an_edit_that_git_was_told_to_overlook_is_seen(world: World, flag: str) -> None:
    one = clean(world)
    git("update-index", flag, "one.py", cwd=one.tree)
    (one.tree / "one.py").write_text("edited, and hidden\n")

    assert seen_in(world).unsaved.modified == ("one.py",)


@pytest.mark.parametrize(
    "made",
    [
        ("update-index", "--index-version", "4"),
        ("update-index", "--split-index"),
        ("sparse-checkout", "set", "--sparse-index", "src"),
    ],
)
def test_indices_of_other_kinds_are_answered_too(world: World, made: tuple[str, ...]) -> None:
    world.primary.commit("deep/er/file.txt", "1\n")
    one = clean(world)
    git(*made, cwd=one.tree)
    (one.tree / "src" / "new.py").write_text("untracked\n")
    (one.tree / "one.py").write_text("edited\n")

    unsaved = seen_in(world).unsaved

    assert unsaved.known is Truth.YES
    assert told(unsaved) == asked(one.tree)
    assert "src/new.py" in unsaved.untracked


def test_line_ends_that_git_converts_are_not_changes(world: World) -> None:
    (world.repo / ".gitattributes").write_text("*.txt text=auto\n")
    git("add", ".gitattributes", cwd=world.repo)
    world.primary.commit("text.txt", "one\ntwo\n")
    one = clean(world)
    (one.tree / "text.txt").write_bytes(b"one\r\ntwo\r\n")
    git("add", "text.txt", cwd=one.tree)
    os.utime(one.tree / "text.txt")

    unsaved = seen_in(world).unsaved

    assert unsaved.any is Truth.NO
    assert told(unsaved) == asked(one.tree)


def test_a_filtered_file_may_show_as_modified_and_that_is_said(world: World) -> None:
    (world.repo / ".gitattributes").write_text("*.txt filter=case\n")
    git("config", "filter.case.clean", "tr a-z A-Z", cwd=world.repo)
    git("add", ".gitattributes", cwd=world.repo)
    world.primary.commit("text.txt", "small\n")
    one = clean(world)
    (one.tree / "text.txt").write_text("small\n")
    git("add", "text.txt", cwd=one.tree)
    os.utime(one.tree / "text.txt")

    unsaved = seen_in(world).unsaved

    assert (unsaved.known, unsaved.staged) == (Truth.YES, ())
    assert "text.txt" in unsaved.modified
    assert "filters were not run" in unsaved.because


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "one bit", "cut"])
def test_with_a_damaged_index_nobody_guesses(world: World, damage: str) -> None:
    one = clean(world)
    index = one.admin / "index"
    content = bytearray(index.read_bytes())
    content[len(content) // 2] ^= 1
    match damage:
        case "missing":
            index.unlink()
        case "empty":
            index.write_bytes(b"")
        case "garbage":
            index.write_bytes(os.urandom(300))
        case "cut":
            index.write_bytes(index.read_bytes()[:-30])
        case _:
            index.write_bytes(content)

    unsaved = seen_in(world).unsaved

    assert (unsaved.known, unsaved.any) == (Truth.UNKNOWN, Truth.UNKNOWN)
    assert "index" in unsaved.because


def test_a_worktree_that_is_gone_is_not_present(world: World) -> None:
    one = clean(world)
    one.tree.rename(world.repo.parent / "elsewhere")

    seen = seen_in(world)

    assert (seen.present, seen.unsaved.any) == (Truth.NO, Truth.UNKNOWN)
    assert "gone" in seen.problem


def _no_dot_git(one: Workstream) -> None:
    (one.tree / ".git").unlink()


def _garbage_dot_git(one: Workstream) -> None:
    (one.tree / ".git").write_bytes(b"\0\xffgarbage")


def _dot_git_of_another(one: Workstream) -> None:
    (one.tree / ".git").write_text(f"gitdir: {one.primary}/.git\n")


def _own_repository(one: Workstream) -> None:
    (one.tree / ".git").unlink()
    git("init", "--quiet", cwd=one.tree)


def _garbage_gitdir(one: Workstream) -> None:
    (one.admin / "gitdir").write_bytes(b"\0\0\0")


def _no_head(one: Workstream) -> None:
    (one.admin / "HEAD").unlink()


def _null_head(one: Workstream) -> None:
    (one.admin / "HEAD").write_bytes(bytes(41))


def _no_commondir(one: Workstream) -> None:
    (one.admin / "commondir").write_bytes(b"")


def _no_branch(one: Workstream) -> None:
    (one.primary / ".git/refs/heads" / one.branch).unlink()


def _link(one: Workstream) -> None:
    one.tree.rename(one.primary.parent / "elsewhere")
    one.tree.symlink_to(one.primary.parent / "elsewhere")


@pytest.mark.parametrize(
    "damage",
    [
        _no_dot_git,
        _garbage_dot_git,
        _dot_git_of_another,
        _own_repository,
        _garbage_gitdir,
        _no_head,
        _null_head,
        _no_commondir,
        _no_branch,
        _link,
    ],
)
def test_a_broken_worktree_has_a_problem_and_hides_no_other(world: World, damage: object) -> None:
    one = clean(world)
    admin, name = one.admin, one.admin.name
    other = world.workstream("ws-2", "agent-2").worktree().leaves({"unsaved.py": "1\n"})
    assert callable(damage)
    damage(one)

    facts = look(world.repo)

    seen = worktree_of(facts, name)
    assert seen.admin == admin
    assert seen.problem
    assert worktree_of(facts, "agent-2-ws-2").unsaved.untracked == ("unsaved.py",)
    assert worktree_of(facts, "agent-2-ws-2").path == other.tree
    assert facts.primary.present is Truth.YES


@pytest.mark.parametrize("damage", [_no_dot_git, _garbage_dot_git, _no_commondir, _garbage_gitdir])
def test_unsaved_work_is_seen_in_a_broken_worktree_that_can_be_read(
    world: World, damage: object
) -> None:
    one = clean(world).leaves({"unsaved.py": "1\n"})
    assert callable(damage)
    damage(one)

    assert seen_in(world).unsaved.untracked == ("unsaved.py",)


def test_a_detached_head_is_told(world: World) -> None:
    one = clean(world)
    tip = one.tip
    git("checkout", "--quiet", "--detach", cwd=one.tree)

    seen = seen_in(world)

    assert (seen.branch, seen.head, seen.unsaved.any) == (None, tip, Truth.NO)


def test_the_primary_on_an_agents_branch_is_told(world: World) -> None:
    world.primary.on_branch("ws/ws-1/agent-1")

    assert look(world.repo).primary.branch == "refs/heads/ws/ws-1/agent-1"


def test_commits_that_only_the_reflog_of_a_worktree_reaches_are_counted(world: World) -> None:
    one = clean(world)
    git("checkout", "--quiet", "--detach", cwd=one.tree)
    one.commits({"a.py": "1\n"}).commits({"b.py": "2\n"})
    git("checkout", "--quiet", one.branch, cwd=one.tree)

    assert seen_in(world).hidden_commits == 2


def test_commits_of_a_detached_head_are_counted(world: World) -> None:
    one = clean(world)
    git("checkout", "--quiet", "--detach", cwd=one.tree)
    one.commits({"a.py": "1\n"})

    assert seen_in(world).hidden_commits == 1


def test_commits_that_a_ref_or_the_branchs_reflog_holds_are_not_hidden(world: World) -> None:
    one = clean(world)
    one.leaves_commit_in_reflog({"thrown.py": "1\n"})
    git("checkout", "--quiet", "--detach", cwd=one.tree)
    one.commits({"kept.py": "1\n"})
    git("tag", "kept", cwd=one.tree)
    git("checkout", "--quiet", one.branch, cwd=one.tree)

    assert seen_in(world).hidden_commits == 0


def test_a_commit_that_one_of_many_refs_reaches_is_not_hidden_and_one_that_none_does_is(
    world: World,
) -> None:
    one = clean(world)
    git("checkout", "--quiet", "--detach", cwd=one.tree)
    for number in range(40):
        one.commits({f"{number}.py": "1\n"})
        git("tag", f"at-{number}", cwd=one.tree)
        git("checkout", "--quiet", one.branch, cwd=one.tree)
    assert (seen_in(world).hidden_commits, seen_in(world).hidden) == (0, ())

    git("checkout", "--quiet", "--detach", cwd=one.tree)
    one.commits({"lost.py": "1\n"})
    lost = git("rev-parse", "HEAD", cwd=one.tree)
    git("checkout", "--quiet", one.branch, cwd=one.tree)

    assert (seen_in(world).hidden_commits, seen_in(world).hidden) == (1, (lost,))


def test_the_reason_of_a_lock_is_told(world: World) -> None:
    one = clean(world)
    git("worktree", "lock", "--reason", "on a stick", str(one.tree), cwd=world.repo)

    assert seen_in(world).lock_reason == "on a stick"


def test_lock_files_are_found_everywhere(world: World) -> None:
    one = clean(world)
    made = {
        world.primary.stale_lock("index.lock"): "",
        world.primary.stale_lock("packed-refs.lock"): "",
        world.primary.stale_lock("config.lock"): "",
        world.primary.stale_lock(f"refs/heads/{one.branch}.lock"): "",
        one.admin / "index.lock": one.admin.name,
        one.admin / "HEAD.lock": one.admin.name,
    }
    for path in made:
        path.touch()

    locks = look(world.repo).locks

    assert {lock.path: lock.worktree for lock in locks} == made
    for lock in locks:
        assert lock.since.timestamp() == pytest.approx(lock.path.stat().st_mtime)


def test_our_own_trials_never_show(world: World) -> None:
    (world.common / "unjam").mkdir()
    place = world.common / "unjam" / "trial"
    git("worktree", "add", "--quiet", "--detach", str(place), cwd=world.repo)

    assert look(world.repo).worktrees == ()


def test_only_the_files_that_are_asked_for_are_looked_at(world: World) -> None:
    clean(world).leaves({"a.py": "1\n"})
    world.workstream("ws-2", "agent-2").worktree().leaves({"a.py": "1\n"})

    facts = look(world.repo, only=frozenset({"agent-1-ws-1"}))

    assert worktree_of(facts, "agent-1-ws-1").unsaved.untracked == ("a.py",)
    assert worktree_of(facts, "agent-2-ws-2").unsaved.any is Truth.UNKNOWN
    assert facts.primary.unsaved.any is Truth.UNKNOWN


def test_paths_with_any_bytes_survive(world: World) -> None:
    one = clean(world)
    name = os.fsdecode(b"\xff\n-rf")
    Path(one.tree, name).write_text("untracked\n")

    assert seen_in(world).unsaved.untracked == (name,)


def test_a_checkout_whose_files_git_looks_for_elsewhere_is_told(world: World) -> None:
    git("config", "core.worktree", str(world.repo.parent / "gone"), cwd=world.repo)

    facts = look(world.repo)

    assert Damage.REDIRECTED in facts.primary.damage
    assert "gone" in facts.primary.problem
    assert not any(one.damage for one in facts.worktrees)  # linked ones do not obey it


@pytest.mark.parametrize("written", ["config.worktree", "config"])
def test_where_each_has_its_own_configuration_linked_ones_are_redirected_too(
    world: World, written: str
) -> None:
    one = clean(world)
    git("config", "extensions.worktreeConfig", "true", cwd=world.repo)
    file = one.admin / "config.worktree" if written == "config.worktree" else ".git/config"
    git("config", "--file", str(file), "core.worktree", "/nowhere", cwd=world.repo)

    seen = seen_in(world)

    assert Damage.REDIRECTED in seen.damage
    assert seen.unsaved.known is Truth.YES


def test_a_configuration_that_names_the_checkouts_own_place_is_sound(world: World) -> None:
    git("config", "core.worktree", "..", cwd=world.repo)

    assert look(world.repo).primary.damage == ()
