"""Landings that conflict, in every way Git knows, built with real commits on both sides."""

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.world import Workstream, World, git, git_status

BLOCKABLE = (
    "workstream_id",
    "status",
    "agent_id",
    "track",
    "started_at",
    "completed_at",
    "exit_code",
    "attempt",
    "error_message",
    "blocked_by",
    "updated_at",
)


def text(world: World) -> Workstream:
    """Both change the same line."""
    stream = _begun(world)
    lines = (world.repo / "src/app.py").read_text()
    stream.commits({"src/app.py": lines.replace("line_5 = 5", "line_5 = 'branch'")})
    world.primary.commit("src/app.py", lines.replace("line_5 = 5", "line_5 = 'trunk'"))
    return stream


def rename_rename(world: World) -> Workstream:
    """Both give the same file another name."""
    stream = _begun(world)
    git("mv", "src/app.py", "src/branch.py", cwd=stream.tree)
    git("commit", "--quiet", "-m", "rename on the branch", cwd=stream.tree)
    git("mv", "src/app.py", "src/trunk.py", cwd=world.repo)
    git("commit", "--quiet", "-m", "rename on the trunk", cwd=world.repo)
    return stream


def delete_modify(world: World) -> Workstream:
    """The branch changes what the trunk deletes."""
    stream = _begun(world)
    lines = (world.repo / "src/app.py").read_text()
    stream.commits({"src/app.py": f"{lines}more = 1\n"})
    git("rm", "--quiet", "src/app.py", cwd=world.repo)
    git("commit", "--quiet", "-m", "delete on the trunk", cwd=world.repo)
    return stream


def mode(world: World) -> Workstream:
    """The branch makes a link of what the trunk makes executable and changes."""
    stream = _begun(world)
    path = stream.tree / "src/app.py"
    path.unlink()
    path.symlink_to("elsewhere.py")
    git("add", "--all", cwd=stream.tree)
    git("commit", "--quiet", "-m", "link on the branch", cwd=stream.tree)
    (world.repo / "src/app.py").chmod(0o755)
    world.primary.commit("src/app.py", "trunk = 1\n")
    return stream


def submodule(world: World) -> Workstream:
    """Both move a submodule, each to another commit."""
    first, second, third = (f"{number}" * 40 for number in "123")
    _gitlink(world, first, "add the submodule")
    stream = _begun(world)
    git("update-index", "--cacheinfo", f"160000,{second},vendor/lib", cwd=stream.tree)
    git("commit", "--quiet", "-m", "submodule on the branch", cwd=stream.tree)
    _gitlink(world, third, "submodule on the trunk")
    return stream


def _gitlink(world: World, commit: str, message: str) -> None:
    where = ("--add", "--cacheinfo", f"160000,{commit},vendor/lib")
    git("update-index", *where, cwd=world.repo)
    git("commit", "--quiet", "-m", message, cwd=world.repo)


def binary(world: World) -> Workstream:
    """Both change a file that is no text."""
    world.primary.commit("logo.bin", "\0old\0")
    stream = _begun(world)
    stream.commits({"logo.bin": "\0branch\0"})
    world.primary.commit("logo.bin", "\0trunk\0")
    return stream


CONFLICTS: dict[str, Callable[[World], Workstream]] = {
    "text": text,
    "rename/rename": rename_rename,
    "delete/modify": delete_modify,
    "mode": mode,
    "submodule": submodule,
    "binary": binary,
}


def _begun(world: World) -> Workstream:
    return world.workstream("ws-15").worktree().row("completed")


def forbid(world: World, *statuses: str) -> None:
    """Let the state know no such statuses."""
    with world.state.open() as database:
        database.execute(
            "CREATE TRIGGER only_known_statuses BEFORE UPDATE ON workstream_status "
            f"WHEN NEW.status IN ({', '.join(map(repr, statuses))}) "
            "BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed'); END"
        )


def page(world: World, name: str = "ws-15") -> str:
    """What a person is told of a conflict."""
    return (world.repo / "reports" / f"conflict_{name}.md").read_text()


def settled_as_told(world: World, tmp_path: Path) -> list[str]:
    """Type the commands of its page, one after the other; return those that did not work."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "settled = 1" > "$1"\n')
    editor.chmod(0o755)
    told = page(world).partition("```console\n")[2].partition("unjam recover")[0].splitlines()
    environment = {**os.environ, "EDITOR": str(editor)}
    run = partial(subprocess.run, cwd=world.repo, env=environment, check=False, shell=True)
    return [line for line in told if run(line).returncode != (" merge " in line)]


def settle(stream: Workstream, content: str = "settled = 1\n") -> None:
    """Settle a conflict of texts on the branch, with the commands of its page."""
    assert git_status("merge", "main", cwd=stream.tree) == 1, "it had to conflict"
    (stream.tree / "src/app.py").write_text(content)
    git("add", "--", "src/app.py", cwd=stream.tree)
    git("commit", "--quiet", "--no-edit", cwd=stream.tree)
