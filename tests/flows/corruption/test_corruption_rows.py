"""What becomes of workstreams whose worktrees are damaged: their rows, branches, and the crash beside it."""

import pytest

from tests.command import unjam_json
from tests.flows.building import begun, on_trunk
from tests.flows.corruption.test_worktree_corruption import ONLY, mended, works
from tests.recovering import recover, undo
from tests.world import BREAKAGES, Workstream, World, at_work, git, git_status, typical_wreck
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration


def in_the_middle(world: World, operation: str = "merge") -> Workstream:
    """A worktree no row names, left in the middle of what conflicts with the trunk."""
    one = world.workstream("ws-15").worktree().commits({"src/app.py": "mine = 1\n"})
    world.primary.commit("src/app.py", "yours = 1\n")
    command = {"merge": ("merge", "main"), "rebase": ("rebase", "main")}[operation]
    assert git_status(*command, cwd=one.tree) == 1
    return one


def test_the_row_of_a_worktree_that_is_gone_says_failed_and_will_retry(calm: World) -> None:
    one = calm.workstream("ws-15").worktree().row("running")
    one.leaves({"staged.txt": "staged, and then the directory went\n"})
    git("add", "staged.txt", cwd=one.tree)
    blob = git("rev-parse", ":staged.txt", cwd=one.tree)
    admin = one.admin
    BREAKAGES["directory_gone"](one, admin)
    treasure = calm.treasure()

    document = mended(calm)

    assert calm.state.status("ws-15") == "failed"
    message = str(calm.state.value("ws-15", "error_message"))
    assert "will retry" in message
    (ref,) = [name for name in document["vault"] if "/worktree/" in name]
    assert ref in message
    assert blob in git("ls-tree", "-r", ref, cwd=calm.vault)
    assert not admin.exists()
    assert git_status("rev-parse", "--verify", one.branch, cwd=calm.repo) != 0
    assert calm.lost(treasure) == []


def test_what_will_be_retried_can_be_made_again_where_it_was(calm: World) -> None:
    one = calm.workstream("ws-15").worktree().commits({"a.py": "1\n"}).row("running")
    BREAKAGES["directory_gone"](one, one.admin)

    mended(calm)

    git("worktree", "add", "--quiet", str(one.tree), one.branch, cwd=calm.repo)
    assert (one.tree / "a.py").read_text() == "1\n"


def test_a_worktree_no_row_wants_back_is_written_anew_with_what_was_staged(lonely: World) -> None:
    one = at_work(lonely)
    BREAKAGES["directory_gone"](one, one.admin)
    before = lonely.inventory()

    document = mended(lonely)

    assert (one.tree / "staged.txt").read_text() == "1\n"
    assert git("diff", "--cached", "--name-only", cwd=one.tree) == "staged.txt"
    assert git("status", "--porcelain", cwd=one.tree) == "A  staged.txt"
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


@pytest.mark.parametrize("operation", ["merge", "rebase"])
def test_an_operation_nobody_accounts_for_is_aborted_and_undo_brings_it_back(
    lonely: World, operation: str
) -> None:
    one = in_the_middle(lonely, operation)
    before = lonely.inventory()

    document = mended(lonely)

    assert git("status", "--porcelain", cwd=one.tree) == ""
    assert git("rev-parse", "--abbrev-ref", "HEAD", cwd=one.tree) == one.branch
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before


def test_an_operation_somebody_has_worked_on_is_left_to_them(lonely: World) -> None:
    one = in_the_middle(lonely)
    (one.tree / "src/app.py").write_text("resolved by hand\n")
    git("add", "src/app.py", cwd=one.tree)
    before = lonely.inventory()

    document = recover(lonely.repo, ONLY)

    assert document["word"] != "recovered"
    assert lonely.inventory() == before
    (told,) = [each for each in document["outcomes"] if each["step"] == "abort"]
    assert f"git -C {one.tree} merge --abort" in told["sentence"]


def test_a_crash_with_damage_everywhere_is_recovered_and_nothing_is_lost(calm: World) -> None:
    typical_wreck(calm)
    treasure = calm.treasure()
    streams = [calm.workstream(f"ws-0{number}", f"agent-{number}") for number in range(1, 6)]
    admins = [one.admin for one in streams]
    for one, admin, breakage in zip(
        streams,
        admins,
        ("dot_git_missing", "head_null", "index_cut", "admin_gone", "gitdir_garbage"),
        strict=True,
    ):
        BREAKAGES[breakage](one, admin)

    words = [recover(calm.repo)["word"] for _ in range(3)]

    assert words[-1] in {"recovered", "nothing to do"}, words
    assert calm.lost(treasure) == []
    assert on_trunk(calm, "src/part_3.py") == "part = 3"
    assert diagnose(observe(open_orchestration(calm.repo), objects=True)) == ()
    assert calm.state.status("ws-04") == "failed"
    assert git_status("fsck", "--connectivity-only", cwd=calm.repo) == 0


def test_a_workstream_whose_worktree_lost_its_registration_is_not_called_empty(
    calm: World,
) -> None:
    one = calm.workstream("ws-15").worktree().row("running").leaves({"draft.txt": "a draft\n"})
    BREAKAGES["admin_gone"](one, one.admin)

    (crash,) = [
        each
        for each in diagnose(observe(open_orchestration(calm.repo)))
        if each.scenario not in ONLY
    ]

    assert dict(crash.verdicts) == {"ws-15": "cannot tell"}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_whole_repair_as_a_person_runs_it(calm: World) -> None:
    one, other = at_work(calm), begun(calm, "ws-16", "agent-2")
    treasure = calm.treasure()
    BREAKAGES["dot_git_garbage"](one, one.admin)
    BREAKAGES["index_cut"](other, other.admin)

    told = unjam_json("recover", "worktree_corruption", "--yes", cwd=calm.repo)

    assert told["word"] == "recovered"
    assert told["flow_run"]["name"].startswith("worktree_corruption ")
    assert [step["step"] for step in told["plan"]] == ["salvage", "salvage", "mend", "mend"]
    assert calm.lost(treasure) == []
    works(calm, one)
