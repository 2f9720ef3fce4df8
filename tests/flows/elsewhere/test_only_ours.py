"""Only what two proofs call ours is touched: copies, moved repositories, other systems' names, what lies below."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.flows.building import begun, on_trunk
from tests.flows.corruption.test_worktree_corruption import ONLY, mended
from tests.recovering import recover, undo
from tests.world import Program, World, at_work, git, to_the_byte, wait_until
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration

Start = Callable[..., Program]


def test_a_recovery_of_a_copy_leaves_the_original_alone(lonely: World) -> None:
    begun(lonely).leaves({"draft.txt": "a draft\n"})
    lonely.workstream("ws-16", "agent-2").worktree().row("running").leaves({"only.txt": "1\n"})
    copy = lonely.root / "copy"
    subprocess.run(("cp", "-a", lonely.repo, copy), check=True)
    before = to_the_byte(lonely)

    only, everything = recover(copy, ONLY), recover(copy)

    assert [only["word"], everything["word"]] == ["needs a human", "needs a human"]
    assert to_the_byte(lonely) == before
    assert "may be a copy" in "\n".join(everything["notes"])
    assert (copy / ".worktrees/agent-2-ws-16/only.txt").exists()


def test_the_worktrees_of_a_moved_repository_are_linked_again(lonely: World) -> None:
    one = at_work(lonely)
    lonely.repo.rename(lonely.root / "elsewhere")
    lonely.repo = lonely.root / "elsewhere"
    tree = lonely.repo / ".worktrees" / one.tree.name
    links = [tree / ".git", lonely.repo / ".git/worktrees" / one.tree.name / "gitdir"]
    before = [one.read_bytes() for one in links]

    document = mended(lonely)

    assert "draft.txt" in git("status", "--porcelain", cwd=tree)
    assert recover(lonely.repo, ONLY)["word"] == "nothing to do"
    undo(lonely.repo, document["run"])
    assert [one.read_bytes() for one in links] == before
    assert (tree / "draft.txt").read_text() == "never added\n"


def test_the_work_of_a_worktree_with_windows_paths_lands_and_its_links_stay(lonely: World) -> None:
    one = begun(lonely).leaves({"draft.txt": "a draft\n"})
    written = {
        one.admin / "gitdir": f"C:/Users/dev/project/.worktrees/{one.tree.name}/.git\n",
        one.tree / ".git": f"gitdir: C:/Users/dev/project/.git/worktrees/{one.tree.name}\n",
    }
    for path, text in written.items():
        path.write_text(text)

    recover(lonely.repo)

    assert on_trunk(lonely, "src/part_15.py") == "part = 15"
    assert {path: path.read_text() for path in written} == written
    assert (one.tree / "draft.txt").read_text() == "a draft\n"


def test_a_living_agent_below_a_dead_ones_worktree_keeps_its_place(
    lonely: World, start: Start
) -> None:
    lonely.configure(policy={"stop": "off"})
    outer = begun(lonely)
    inner = lonely.workstream("ws-16", "agent-2").row("running")
    inner.tree = outer.tree / ".worktrees" / "agent-2-ws-16"
    inner.worktree().leaves({"draft.txt": "a draft\n"})
    agent = start("sleep", "600", cwd=inner.tree)
    wait_until(
        lambda: any(observe(open_orchestration(lonely.repo)).in_worktree(inner.tree.name)), "it"
    )

    document = recover(lonely.repo)

    assert agent.alive
    assert Path(f"/proc/{agent.pid}/cwd").readlink() == inner.tree
    assert any("lies below it" in one for one in document["notes"])
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"


def test_another_repositorys_worktree_below_a_dead_agents_keeps_its_place(lonely: World) -> None:
    outer = begun(lonely)
    other = lonely.root / "other"
    git("clone", "--quiet", str(lonely.repo), str(other), cwd=lonely.root)
    theirs = outer.tree / "vendor"
    git("worktree", "add", "--quiet", str(theirs), cwd=other)

    recover(lonely.repo)

    assert git("rev-parse", "--show-toplevel", cwd=theirs) == str(theirs)
    assert str(theirs) in git("worktree", "list", cwd=other)
