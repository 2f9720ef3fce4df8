"""Ask Git itself what changed in one worktree, where its index or its files are beyond our reader."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.status.untracked import UnreadableError
from unjam.adapters.git.worktrees import Checkout
from unjam.domain.world.snapshot import Unsaved
from unjam.domain.world.truth import Truth

_SUBMODULE = "160000"
_LISTS = {"staged", "modified", "deleted", "untracked", "conflicted"}


def ask_status(git: Git, checkout: Checkout, common: Path, because: str = "") -> Unsaved:
    """Run a hardened ``git status`` there; raises PermanentError, and UnreadableError for submodules.

    ``git`` is the repository with its drivers off. A file with a filter may show as modified.
    """
    here = replace(
        git,
        git_dir=checkout.admin,
        work_tree=checkout.path,
        index=checkout.admin / "index",
        environment={**git.environment, "GIT_COMMON_DIR": str(common)},
    )
    if "config.worktree" in checkout.entries:
        here = here.without_drivers()
    _refuse_submodules(here, checkout.path)
    answer = here.run(
        "status",
        "--porcelain=v2",
        "-z",
        "--no-renames",
        "--untracked-files=normal",
        "--ignore-submodules=dirty",
    )
    found: dict[str, list[str]] = {name: [] for name in _LISTS}
    for record in answer.fields():
        for kind, path in _read(record):
            found[kind].append(path)
    lists = {kind: tuple(sorted(paths)) for kind, paths in found.items()}
    return Unsaved(Truth.YES, **lists, because=because)


def _refuse_submodules(git: Git, root: Path) -> None:
    for line in git.run("ls-files", "--stage", "-z").fields():
        if line.startswith(_SUBMODULE):
            path = line.partition("\t")[2]
            if (root / path / ".git").exists():
                raise UnreadableError(f"submodule {path} was not looked into")


def _read(record: str) -> Iterator[tuple[str, str]]:
    kind, _, rest = record.partition(" ")
    if kind == "?":
        yield "untracked", rest
    elif kind == "u":
        yield "conflicted", rest.split(" ", 9)[-1]
    elif kind == "1":
        states, path = rest[:2], rest.split(" ", 7)[-1]
        if states[0] != ".":
            yield "staged", path
        if states[1] != ".":
            yield "deleted" if states[1] == "D" else "modified", path
