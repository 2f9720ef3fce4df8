"""No module needs, to be imported, one that needs it."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.command import ROOT

APPLICATION = ("unjam", "tasks", "flows", "deployments")


def test_there_is_no_circle_of_imports() -> None:
    modules = {dotted(path): path for name in APPLICATION for path in (ROOT / name).rglob("*.py")}
    needs = {
        name: {one for one in imported(ast.parse(path.read_text()), modules) if one != name}
        for name, path in modules.items()
    }

    TopologicalSorter(needs).prepare()  # a circle is an error that names its modules

    assert len(modules) > 100


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(node: ast.AST, modules: dict[str, Path]) -> Iterator[str]:
    """Name the modules of ours that are imported when the module is; types and functions wait."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.Import):
            yield from (name.name for name in one.names if name.name in modules)
        elif isinstance(one, ast.ImportFrom):
            below = [f"{one.module}.{name.name}" for name in one.names]
            yield from (name for name in [*below, str(one.module)] if name in modules)
        elif not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not for_types(one):
            yield from imported(one, modules)


def for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
