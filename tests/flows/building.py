"""What the tests of a crash build and expect again and again."""

from tests.recovering import recover
from tests.world import Workstream, World, git, git_status
from unjam.domain.catalogue.scenarios import Need, needing
from unjam.domain.reports.check_report import Document

WAITING = {row.name for row in needing(Need.CLASHES)}  # conflicts, which wait for a person

# What another machine has, or is known to have: an undo leaves it.
PUSHED = frozenset(
    (
        *("remote HEAD", "remote refs/heads/main"),
        *("ref refs/remotes/origin/HEAD", "ref refs/remotes/origin/main"),
    )
)


def begun(world: World, name: str = "ws-15", agent: str = "agent-1") -> Workstream:
    """A workstream with two commits in a worktree of its own; its row says running."""
    number = "".join(one for one in name if one.isdigit())
    stream = world.workstream(name, agent).worktree().row("running")
    stream.commits({f"src/part_{number}.py": f"part = {number}\n"}, f"{name}: begin")
    return stream.commits({f"src/more_{number}.py": f"more = {number}\n"}, f"{name}: go on")


def recovered(world: World) -> Document:
    """Recover, and expect that nothing is left to do, but for conflicts and what landed incomplete."""
    document = recover(world.repo)
    left = {one["scenario"] for one in document["findings_after"]}
    incomplete = document["word"] == "partly recovered" and document["incomplete"] and not left
    waiting = left and left <= WAITING
    assert document["word"] == "recovered" or incomplete or waiting, document
    return document


def on_trunk(world: World, path: str) -> str | None:
    """What the trunk has at a path."""
    if git_status("cat-file", "-e", f"main:{path}", cwd=world.repo):
        return None
    return git("show", f"main:{path}", cwd=world.repo)
