"""What a check of a healthy repository does not import, so that it answers in a blink."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.command import ROOT, environment
from tests.world import World

SAYS = "kept apart for import time"
# What each would add to a check: processor time and modules, measured in a process that has
# imported all that a healthy check imports. GitPython alone would add 41 ms.
KEPT_APART = {
    "unjam.adapters.state.rows.server": "156 ms, 180 modules: SQLAlchemy",
    "unjam.adapters.state.rows.update": "171 ms, 182 modules: SQLAlchemy",
    "unjam.engine.observing.reported_conflicts": "7 ms, 3 modules",
    "unjam.engine.observing.saved_before": "55 ms, 30 modules: the vault, and the journals' kinds",
    "unjam.engine.observing.silent_agents": "19 ms, 11 modules: what each process does",
    "unjam.engine.observing.state_inspection": "29 ms, 13 modules",
    "unjam.engine.observing.whose_rows": "58 ms, 18 modules: the vault, and processes of other clones",
    "unjam.settings.environment": "119 ms, 178 modules: pydantic-settings",
    "unjam.settings.validation": "89 ms, 111 modules: pydantic",
}
LIBRARIES = {"git", "prefect", "psutil", "pydantic", "pydantic_settings", "rich", "sqlalchemy"}
IMPORTED = """
import sys
from unjam.cli import main
status = main(["check"])
sys.stderr.write("\\n".join(sys.modules))
sys.exit(status)
"""


def test_every_module_that_is_kept_apart_is_listed_with_its_cost() -> None:
    modules = [path for top in ("unjam", "tasks") for path in (ROOT / top).rglob("*.py")]

    saying = {name(path) for path in modules if SAYS in first_line(path)}

    assert saying == KEPT_APART.keys()


def test_a_check_of_a_healthy_repository_imports_none_of_them(
    new_world: Callable[..., World],
) -> None:
    world = new_world(configured=False)
    world.spec("ws-1")
    command = (sys.executable, "-c", IMPORTED)

    ended = subprocess.run(
        command, cwd=world.repo, env=environment(), capture_output=True, text=True, check=False
    )

    assert ended.stdout.startswith("healthy"), ended.stdout + ended.stderr
    imported = set(ended.stderr.splitlines())
    assert "unjam.engine.observing.observe" in imported
    assert not imported & (KEPT_APART.keys() | LIBRARIES)


def test_no_run_imports_the_server_that_it_starts() -> None:
    """Prefect's server is 2,024 modules, and would be imported twice."""
    ours = [path for top in ("unjam", "tasks", "flows") for path in (ROOT / top).rglob("*.py")]

    importing = {name(path) for path in ours if "prefect.server" in set(modules_named(path))}

    assert not importing


def modules_named(path: Path) -> Iterator[str]:
    """The first two words of each module that is imported anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
        yield from (".".join(one.split(".")[:2]) for one in names)


def name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    return docstring.partition("\n")[0]
