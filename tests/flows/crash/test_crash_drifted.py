"""An agent's work is found wherever it can have left it: landed where that is right, else kept and named."""

import shutil
from collections.abc import Callable

import pytest

from tests.flows.building import on_trunk
from tests.recovering import recover
from tests.world import Workstream, World, git
from unjam.engine.acts.carry_out import carry_out
from unjam.engine.acts.recovery import Permission
from unjam.engine.observing.observe import is_void, observe
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.prepare import prepare
from unjam.engine.running.replanning import plan_anew
from unjam.engine.running.session import Terms, session


def begun(world: World) -> Workstream:
    """A workstream with a worktree and a row that says running."""
    return world.workstream("ws-15").worktree().row("running")


def head(stream: Workstream) -> str:
    return git("rev-parse", "HEAD", cwd=stream.tree)


def until_nothing_new(world: World) -> None:
    """Recover as often as one call of ``unjam recover`` does at most."""
    for _ in range(3):
        recover(world.repo)


def message(world: World) -> str:
    return str(world.state.value("ws-15", "error_message"))


def kept(world: World, commit: str) -> bool:
    """Tell whether a commit stays through a collection of garbage."""
    reached = git("for-each-ref", "--contains", commit, "--format=%(refname)", cwd=world.repo)
    return bool(reached)


def on_own_branch(stream: Workstream) -> str:
    git("switch", "--quiet", "-c", "fix/my-own", cwd=stream.tree)
    stream.commits({"src/own.py": "own = 1\n"})
    return head(stream)


def on_own_branch_and_back(stream: Workstream) -> str:
    commit = on_own_branch(stream)
    git("switch", "--quiet", stream.branch, cwd=stream.tree)
    return commit


def on_no_branch(stream: Workstream) -> str:
    git("switch", "--quiet", "--detach", cwd=stream.tree)
    stream.commits({"src/own.py": "own = 1\n"})
    return head(stream)


def on_no_branch_and_at_the_remote(stream: Workstream) -> str:
    commit = on_no_branch(stream)
    git("push", "--quiet", "origin", f"{commit}:refs/heads/main", cwd=stream.tree)
    git("fetch", "--quiet", "origin", cwd=stream.primary)
    return commit


def on_no_branch_and_tagged(stream: Workstream) -> str:
    commit = on_no_branch(stream)
    git("tag", "v1", commit, cwd=stream.tree)
    return commit


def on_its_branch_then_on_its_own(stream: Workstream) -> str:
    stream.commits({"src/first.py": "first = 1\n"})
    return on_own_branch(stream)


def in_a_directory_git_no_longer_knows(stream: Workstream) -> str:
    stream.commits({"src/own.py": "own = 1\n"})
    commit = head(stream)
    shutil.rmtree(stream.admin)
    (stream.tree / ".git").unlink()
    return commit


def on_no_branch_and_gone(stream: Workstream) -> str:
    commit = on_no_branch(stream)
    shutil.rmtree(stream.tree)
    return commit


@pytest.mark.parametrize(
    "leaves",
    [
        on_own_branch,
        pytest.param(on_own_branch_and_back, marks=pytest.mark.thorough),
        on_no_branch,
        pytest.param(on_no_branch_and_at_the_remote, marks=pytest.mark.thorough),
        on_no_branch_and_tagged,
        pytest.param(on_its_branch_then_on_its_own, marks=pytest.mark.thorough),
        pytest.param(in_a_directory_git_no_longer_knows, marks=pytest.mark.thorough),
        pytest.param(on_no_branch_and_gone, marks=pytest.mark.thorough),
    ],
)
def test_commits_that_are_the_agents_own_land_wherever_it_made_them(
    world: World, leaves: Callable[[Workstream], str]
) -> None:
    stream = begun(world)
    commit = leaves(stream)

    until_nothing_new(world)

    assert world.state.status("ws-15") == "completed"
    git("merge-base", "--is-ancestor", commit, "main", cwd=world.repo)
    assert recover(world.repo)["word"] == "nothing to do"


def test_a_branch_that_an_agent_invented_stays_where_its_work_is_incomplete(world: World) -> None:
    stream = begun(world)
    commit = on_own_branch(stream)
    stream.leaves({"next.py": "half of the next step\n"})

    recover(world.repo)

    assert message(world).startswith("incomplete: landed in ")
    assert git("rev-parse", "fix/my-own", cwd=world.repo) == commit
    assert git("branch", "--list", stream.branch, cwd=world.repo) == ""  # a retry makes it anew


def merged(stream: Workstream, ref: str, *how: str) -> None:
    """Somebody merges it, and its orchestrator dies before it writes that down."""
    git("merge", "--quiet", *how, ref, cwd=stream.primary)


def on_own_branch_merged(stream: Workstream) -> str:
    commit = on_own_branch(stream)
    merged(stream, "fix/my-own", "--ff-only")
    return commit


def on_own_branch_merged_beside(stream: Workstream) -> str:
    commit = on_own_branch(stream)
    merged(stream, "fix/my-own", "--no-ff", "-m", "take it")
    return commit


def on_own_branch_and_back_merged(stream: Workstream) -> str:
    commit = on_own_branch_and_back(stream)
    merged(stream, "fix/my-own", "--ff-only")
    return commit


def on_own_branch_merged_and_deleted(stream: Workstream) -> str:
    commit = on_own_branch_and_back_merged(stream)
    git("branch", "--quiet", "-d", "fix/my-own", cwd=stream.primary)
    return commit


def on_no_branch_merged(stream: Workstream) -> str:
    commit = on_no_branch(stream)
    merged(stream, commit, "--ff-only")
    return commit


@pytest.mark.parametrize(
    "leaves",
    [
        on_own_branch_merged,
        on_own_branch_merged_beside,
        on_own_branch_and_back_merged,
        on_own_branch_merged_and_deleted,
        on_no_branch_merged,
    ],
)
def test_what_an_agent_made_elsewhere_and_is_in_the_trunk_has_landed(
    world: World, leaves: Callable[[Workstream], str]
) -> None:
    stream = begun(world)
    commit = leaves(stream)
    world.primary.commit("later.txt", "later\n")

    done = recover(world.repo)

    assert world.state.status("ws-15") == "completed", (message(world), done)
    git("merge-base", "--is-ancestor", commit, "main", cwd=world.repo)
    assert recover(world.repo)["word"] == "nothing to do"


def test_an_agent_that_only_took_in_the_trunk_has_landed_nothing(world: World) -> None:
    stream = begun(world)
    world.primary.commit("later.txt", "later\n")
    git("merge", "--quiet", "--ff-only", "main", cwd=stream.tree)
    git("switch", "--quiet", "-c", "fix/my-own", cwd=stream.tree)

    recover(world.repo)

    assert world.state.status("ws-15") == "failed"
    assert "left neither a commit nor a file" in message(world)


def on_an_orphan_branch(stream: Workstream) -> str:
    git("checkout", "--quiet", "--orphan", "pages", cwd=stream.tree)
    stream.commits({"page.html": "page\n"})
    return head(stream)


def on_a_persons_branch(stream: Workstream) -> str:
    git("branch", "develop", "main", cwd=stream.primary)
    git("switch", "--quiet", "develop", cwd=stream.primary)
    (stream.primary / "theirs.txt").write_text("theirs\n")
    git("add", "theirs.txt", cwd=stream.primary)
    git("commit", "--quiet", "-m", "A person's", cwd=stream.primary)
    git("switch", "--quiet", "main", cwd=stream.primary)
    git("switch", "--quiet", "develop", cwd=stream.tree)
    stream.commits({"src/own.py": "own = 1\n"})
    return head(stream)


def in_its_reflog(stream: Workstream) -> str:
    return stream.leaves_commit_in_reflog({"src/own.py": "own = 1\n"})


def in_the_stash(stream: Workstream) -> str:
    stream.leaves({"src/own.py": "own = 1\n"})
    git("stash", "push", "--quiet", "--include-untracked", cwd=stream.tree)
    return git("rev-parse", "stash@{0}", cwd=stream.tree)


def in_the_stash_on_no_branch(stream: Workstream) -> str:
    git("switch", "--quiet", "--detach", cwd=stream.tree)
    return in_the_stash(stream)


def in_a_bisect(stream: Workstream) -> str:
    git("bisect", "start", cwd=stream.tree)
    git("switch", "--quiet", "--detach", cwd=stream.tree)
    stream.commits({"src/own.py": "own = 1\n"})
    return head(stream)


@pytest.mark.parametrize(
    "leaves",
    [
        on_an_orphan_branch,
        pytest.param(on_a_persons_branch, marks=pytest.mark.thorough),
        in_its_reflog,
        pytest.param(in_the_stash, marks=pytest.mark.thorough),
        pytest.param(in_the_stash_on_no_branch, marks=pytest.mark.thorough),
        pytest.param(in_a_bisect, marks=pytest.mark.thorough),
    ],
)
def test_work_that_is_not_to_land_is_kept_and_named_in_the_row(
    world: World, leaves: Callable[[Workstream], str]
) -> None:
    stream = begun(world)
    commit, trunk = leaves(stream), world.trunk

    until_nothing_new(world)

    assert world.state.status("ws-15") == "failed"
    assert commit[:12] in message(world)
    assert kept(world, commit)
    assert world.trunk == trunk


@pytest.mark.thorough
def test_a_commit_that_was_amended_away_is_named_where_the_rest_lands(world: World) -> None:
    stream = begun(world).commits({"src/own.py": "own = 1\n"})
    before = head(stream)
    stream.leaves({"src/own.py": "own = 2\n"})
    git("commit", "--quiet", "--all", "--amend", "-m", "amended", cwd=stream.tree)

    done = recover(world.repo)

    (recorded,) = [one for one in done["outcomes"] if one["step"] == "record"]
    assert before[:12] in recorded["sentence"]
    assert kept(world, before)
    assert on_trunk(world, "src/own.py")


def test_two_branches_with_different_work_are_both_named_and_left(world: World) -> None:
    stream = begun(world).commits({"src/first.py": "first = 1\n"})
    git("switch", "--quiet", "-c", "fix/other", "main", cwd=stream.tree)
    stream.commits({"src/other.py": "other = 1\n"})

    done = recover(world.repo)

    assert world.state.status("ws-15") == "running"
    assert stream.tree.exists()
    said = str(done["findings_after"])
    assert stream.tip[:12] in said
    assert head(stream)[:12] in said


def test_an_agent_on_another_workstreams_branch_leaves_both_to_a_person(world: World) -> None:
    other = world.workstream("ws-16", "agent-2").worktree().row("running")
    git("switch", "--quiet", "--detach", cwd=other.tree)
    stream = begun(world)
    git("switch", "--quiet", other.branch, cwd=stream.tree)
    stream.commits({"src/own.py": "own = 1\n"})

    done = recover(world.repo)

    assert [world.state.status(one) for one in ("ws-15", "ws-16")] == ["running", "running"]
    assert stream.tree.exists()
    assert head(stream)[:12] in str(done["findings_after"])
    assert git("rev-parse", f"refs/heads/{stream.branch}", cwd=world.repo) == world.trunk


@pytest.mark.thorough
def test_a_rebase_in_progress_lands_the_branch_and_names_what_is_on_no_branch(world: World) -> None:
    stream = begun(world).commits({"src/own.py": "own = 1\n"})
    git(
        "-c",
        "sequence.editor=sed -i s/^pick/edit/",
        "rebase",
        "--quiet",
        "-i",
        "main",
        cwd=stream.tree,
    )
    stream.commits({"src/more.py": "more = 1\n"})
    commit = head(stream)

    recover(world.repo)

    assert kept(world, commit)
    assert on_trunk(world, "src/own.py")


def test_what_an_agent_commits_after_the_look_is_not_called_nothing_but_lands_in_the_same_run(
    world: World,
) -> None:
    stream = begun(world)
    with session(
        open_orchestration(world.repo), Terms("recover"), Permission(everything=True)
    ) as run:
        seen = run.look_as_asked()
        plan = prepare(seen, run.policy, killed=run.killed).plan
        stream.commits({"src/late.py": "late = 1\n"})
        for step in plan.but_restart():
            carry_out(run, step)
        untouched = world.state.status("ws-15"), stream.tree.exists(), stream.tip

        anew = plan_anew(run, plan)
        for step in anew.but_restart() if anew else ():
            carry_out(run, step)

    assert untouched == ("running", True, git("rev-parse", stream.branch, cwd=world.repo))
    assert world.state.status("ws-15") == "completed"
    assert on_trunk(world, "src/late.py")


@pytest.mark.parametrize(
    "leaves", [on_own_branch, on_no_branch, lambda stream: stream.commits({"src/a.py": "a = 1\n"})]
)
def test_a_look_during_which_an_agent_committed_and_ended_is_taken_again(
    world: World, leaves: Callable[[Workstream], object]
) -> None:
    stream = begun(world)
    git("commit", "--quiet", "--allow-empty", "-m", "before", cwd=stream.tree)
    orchestration = open_orchestration(world.repo)
    seen = observe(orchestration)
    was_void = is_void(orchestration, seen)

    leaves(stream)

    assert not was_void
    assert is_void(orchestration, seen)
    assert not is_void(orchestration, observe(orchestration))
