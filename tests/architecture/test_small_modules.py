"""A module under 60 lines that one other uses is a paragraph of that one, unless a reason is written."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.command import ROOT

LIMIT = 60  # lines
SAYS = "kept apart for import time"
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for top in ("unjam", "tasks", "flows", "deployments")
    for path in (ROOT / top).rglob("*.py")
}
# Between these nothing can be put back: contracts forbid the one what the other does.
LAYERS = (
    "unjam.adapters",
    "unjam.cli",
    "unjam.demo",
    "unjam.domain",
    "unjam.engine",
    "unjam.settings",
)
# Rooms whose files are a list that people read: commands, acts, programs that are started.
LISTS = ("unjam.cli.", "unjam.engine.acts.", "unjam.demo.sandbox.", "tasks.", "flows.")
# In a scenario's room everybody looks for these.
STANDARD = {"find", "plan", "page", "steps"}
EXPLAINED = {
    "unjam.engine.keeping.door": "whoever asks what may change the world looks for it by this name",
    "unjam.engine.observing.sharing": "it decides whether whose_rows, kept apart, is asked at all",
    "unjam.engine.observing.worktree_owners": "whoever asks by what name a worktree is whose looks here",
}


def test_no_small_module_with_one_user_is_left_without_a_reason() -> None:
    users = users_of()

    found = {one: sorted(users[one]) for one in PATHS if is_paragraph(one, users[one])}

    assert found.keys() == EXPLAINED.keys(), found


def is_paragraph(module: str, users: set[str]) -> bool:
    """Tell whether a module could as well stand in the only one that imports it."""
    path, text = PATHS[module], PATHS[module].read_text()
    small = path.stem != "__init__" and len(text.splitlines()) < LIMIT
    if not small or len(users) != 1 or SAYS in text.partition("\n")[0]:
        return False
    in_a_list = module.startswith(LISTS) or "__main__" in text
    standard = ".scenarios." in module and path.stem in STANDARD
    return not in_a_list and not standard and layer(module) == layer(next(iter(users)))


def layer(module: str) -> str:
    return next((one for one in LAYERS if module.startswith(f"{one}.")), module.partition(".")[0])


def users_of() -> dict[str, set[str]]:
    """Name for each module those that import it."""
    users: dict[str, set[str]] = {one: set() for one in PATHS}
    for user, path in PATHS.items():
        for used in imported(path):
            if used in users:
                users[used].add(user)
    return users


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, and those from which it takes a name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{one.name}" for one in node.names}
            yield from names & PATHS.keys() or {node.module}
