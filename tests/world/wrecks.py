"""Whole wrecks, ready made: what a killed orchestrator leaves behind."""

from datetime import timedelta

from tests.world.inventory import Inventory, entries
from tests.world.orchestration import World
from tests.world.script import commit, keep_writing, reach, write
from tests.world.shell import git
from tests.world.workstream import Workstream

LANDED_UNRECORDED = "ws-01"
COMPLETED_UNLANDED = "ws-02"
DEAD_WITH_COMMITS = "ws-03"
DEAD_WITH_UNSAVED_WORK = "ws-04"
DEAD_AND_EMPTY = "ws-05"
WAITING = "ws-06"


def typical_wreck(world: World) -> None:
    """One workstream of every common verdict, all processes dead, the primary clean on the trunk."""
    world.state.create()
    for name in (LANDED_UNRECORDED, COMPLETED_UNLANDED, DEAD_WITH_COMMITS, DEAD_AND_EMPTY):
        world.spec(name)
    world.spec(DEAD_WITH_UNSAVED_WORK, depends_on=[LANDED_UNRECORDED])
    world.spec(WAITING, depends_on=[DEAD_WITH_COMMITS])
    world.commit_specs()
    for number, name in enumerate((LANDED_UNRECORDED, COMPLETED_UNLANDED, DEAD_WITH_COMMITS), 1):
        stream = world.workstream(name, f"agent-{number}").worktree()
        stream.commits({f"src/part_{number}.py": f"part = {number}\n"})
        stream.row("completed" if name == COMPLETED_UNLANDED else "running")
    world.workstream(LANDED_UNRECORDED, "agent-1").lands_as_merge()
    world.push()
    unsaved = world.workstream(DEAD_WITH_UNSAVED_WORK, "agent-4").worktree().row("running")
    unsaved.leaves({"src/draft.py": "draft = 1\n", "notes.txt": "do not lose me\n"})
    world.workstream(DEAD_AND_EMPTY, "agent-5").worktree().row("running", age=timedelta(hours=3))
    world.state.row(WAITING, "pending", agent=None)


def leave_orphan(world: World, name: str = "ws-15") -> None:
    """Kill a real orchestrator while its agent, which committed and then writes on, survives it."""
    began = world.marker(f"{name}-began")
    done = [write("src/feature.py", "feature = 1\n"), commit("feature"), reach(began)]
    world.spec(name, script=[*done, keep_writing("draft.txt")])
    world.commit_specs()
    world.kill_orchestrator_when(began.exists, "the agent to have committed")


def at_work(world: World, name: str = "ws-15", agent: str = "agent-1") -> Workstream:
    """A workstream that waits, with a commit and unsaved work of every stage in its worktree."""
    world.state.row(name, "blocked", agent=agent)
    one = world.workstream(name, agent).worktree().commits({"src/done.py": "done = 1\n"})
    one.leaves({"src/app.py": "edited = 1\n", "draft.txt": "never added\n", "staged.txt": "1\n"})
    git("add", "staged.txt", cwd=one.tree)
    return one


def taken_by(breakage: str, lost: str) -> bool:
    """What the damage itself destroyed: files that were removed and never staged."""
    gone = ["draft.txt", "src/app.py"] if "directory_gone" in breakage else []
    if {"directory_gone", "admin_gone"} <= set(breakage.split("+")):
        gone.append("staged.txt")  # nothing is left of that worktree
    return any(f"/{one} (" in lost for one in gone)


def to_the_byte(world: World) -> Inventory:
    """The inventory, and every file of Git's own about worktrees, branches and the configuration."""
    found = world.inventory()
    for name in ("worktrees", "refs/heads"):
        found |= {f"{name}: {path}": what for path, what in entries(world.common / name)}
    found["config"] = (world.common / "config").read_text()
    return found
