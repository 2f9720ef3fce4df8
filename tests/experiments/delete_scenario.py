"""Take a scenario out of a copy of this checkout, and see that nothing else misses it.

    python -m tests.experiments.delete_scenario [--keep DIRECTORY] agent_hang [TESTS]

What goes is what CONTRIBUTING calls a scenario: its room, its row, its flow, its deployment, its page
and the rows of papers that name it, its tests, and of the tests elsewhere those that name it.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.command import ROOT
from tests.experiments.checkout import copy_checkout
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.world.identity import Scenario

CHECKS = (
    ("ruff", "check", "--quiet", "--select", "F", "."),
    ("lint-imports",),
    ("mypy",),
)
TESTS = ("tests/domain", "tests/architecture", "tests/engine", "tests/tasks", "tests/cli")


@dataclass(frozen=True)
class Gone:
    """A scenario that is taken out."""

    name: str
    room: str

    @property
    def own(self) -> tuple[str, ...]:
        """All that is the scenario's alone, as patterns of paths."""
        return (
            f"unjam/domain/scenarios/{self.room}",
            f"flows/{self.name}.py",
            f"docs/scenarios/{self.name}.md",
            f"tests/domain/scenarios/{self.room}",
            f"tests/flows/{self.room}",
            f"tests/*/test_{self.room}_*.py",
            f"tests/*/{self.room}_driver.py",
        )

    @property
    def modules(self) -> re.Pattern[str]:
        """What is imported from what is gone."""
        rooms = rf"(unjam\.domain|tests\.domain)\.scenarios\.{self.room}|tests\.flows\.{self.room}"
        return re.compile(rf"({rooms}|flows\.{self.name}|tests\.\w+\.{self.room}_driver)(\.|$)")


def main() -> int:
    """Take one scenario out, and say what no longer holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=list(SCENARIOS))
    parser.add_argument("--keep", type=Path, help="make the copy here, and leave it")
    parser.add_argument("tests", nargs="*", default=TESTS)
    asked = parser.parse_args()
    gone = Gone(asked.scenario, SCENARIOS[Scenario(asked.scenario)].find.partition(".")[0])
    with tempfile.TemporaryDirectory() as temporary:
        copy = asked.keep or Path(temporary) / "copy"
        copy_checkout(copy)
        take_out(gone, copy)
        pytest = ("-m", "pytest", "-q", "-n", "0", "-m", "not slow and not thorough", *asked.tests)
        failed = [words[0] for words in CHECKS if run(copy, *words)]
        failed += ["collection"] * bool(run(copy, "python", "-m", "pytest", "-q", "--co", "tests"))
        failed += ["tests"] * bool(run(copy, "python", *pytest))
    sys.stdout.write(f"{gone.name}: missed by {', '.join(failed)}\n" if failed else "")
    sys.stdout.write(f"{gone.name}: missed by nobody\n" if not failed else "")
    return bool(failed)


def run(copy: Path, tool: str, *words: str) -> int:
    """Run a tool of this checkout on the copy; its last lines where it complains."""
    ended = subprocess.run(
        (ROOT / ".venv/bin" / tool, *words),
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.stdout.write("".join(ended.stdout.splitlines(keepends=True)[-40:]))
    return ended.returncode


def take_out(gone: Gone, copy: Path) -> None:
    """Delete what is the scenario's, and the rows and tests that name it elsewhere."""
    for pattern in gone.own:
        for path in list(copy.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    catalogue = copy / "unjam/domain/catalogue/scenarios.py"
    catalogue.write_text(without_row(catalogue.read_text(), gone))
    deployments = copy / "prefect.yaml"
    entry = rf"  - name: {gone.name}\n(.+\n)+\n"
    deployments.write_text(re.sub(entry, "", deployments.read_text()))
    without_its_verbs(copy)
    for path in copy.glob("tests/**/*.py"):
        shortened(path, gone, copy)
    for paper in [*copy.glob("*.md"), *copy.glob("docs/**/*.md")]:
        paper.write_text(without_mention(paper.read_text(), gone, copy))


def without_its_verbs(copy: Path) -> None:
    """Take out of the front door what no other flow shows."""
    front = copy / "flows/recover.py"
    flows = [copy / f"flows/{name}.py" for name in SCENARIOS]
    others = "".join(one.read_text() for one in flows if one.exists())
    shown = re.findall(r"^ {12}(\w+),$", front.read_text(), re.MULTILINE)
    for verb in (one for one in shown if not re.search(rf"^ {{12}}{one},$", others, re.MULTILINE)):
        front.write_text(front.read_text().replace(f"            {verb},\n", "", 1))
    unimported(front)


def unimported(path: Path) -> None:
    """Take out the imports that nothing needs any more."""
    tidy = (ROOT / ".venv/bin/ruff", "check", "--quiet", "--fix", "--select", "F401", path)
    subprocess.run(tidy, check=False)


def without_row(source: str, gone: Gone) -> str:
    """Take the scenario's row out of the catalogue."""
    (row,) = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "ScenarioRow"
        and ast.unparse(node.args[0]) == f"Scenario({gone.name!r})"
    )
    return without_lines(source, [(row.lineno, row.end_lineno or 0)])


def without_mention(text: str, gone: Gone, copy: Path) -> str:
    """Take out what only speaks of the scenario: rows, items, places in lists, lines that name a path of it."""
    listed = rf"`{gone.name}`, |, `{gone.name}`(?= \|)"
    kept = (
        line
        for line in re.sub(listed, "", text).splitlines(keepends=True)
        if not (line.startswith(("|", "- ")) and f"`{gone.name}`" in line)
        and not any(is_gone(one, copy) for one in re.findall(r"`([\w./]+/[\w./]*)`", line))
    )
    return re.sub(rf"\[(.+?)\]\([^)]*\b{gone.name}\.md[^)]*\)", r"\1", "".join(kept))


def is_gone(path: str, copy: Path) -> bool:
    """Tell whether a path of this checkout is not in the copy."""
    return (ROOT / path).exists() and not (copy / path).exists()


def shortened(path: Path, gone: Gone, copy: Path) -> None:
    """Take the tests out of a module that name the scenario; the module, where none is left."""
    source = path.read_text()
    names = names_gone(ast.parse(source), gone)
    if not names:
        return
    tree = ast.parse(source)
    taken = [node for node in tree.body if set(defined(node)) & names]
    left = without_lines(source, [extent(node) for node in taken])
    if "def test_" in source and "def test_" not in left:
        path.unlink()
    else:
        path.write_text(left)
    said = ", ".join(sorted(name for node in taken for name in defined(node)))
    sys.stdout.write(f"  {path.relative_to(copy)}: {said}\n")
    if path.exists():
        unimported(path)


def names_gone(tree: ast.Module, gone: Gone) -> set[str]:
    """Names of a module that are the scenario's: they name it, come from it, or need such a name."""
    names: set[str] = set()
    while True:
        more = {name for node in tree.body if is_about(node, gone, names) for name in defined(node)}
        if more <= names:
            return names
        names |= more


def is_about(node: ast.stmt, gone: Gone, names: set[str]) -> bool:
    """Tell whether a statement of a module is the scenario's."""
    if isinstance(node, ast.ImportFrom):
        return bool(gone.modules.match(node.module or ""))
    return any(
        (isinstance(one, ast.Constant) and isinstance(one.value, str) and gone.name in one.value)
        or (isinstance(one, ast.Name) and one.id in names)
        or (isinstance(one, ast.arg) and one.arg in names)
        or (isinstance(one, ast.ImportFrom) and gone.modules.match(one.module or ""))
        for one in ast.walk(node)
        if not isinstance(node, ast.Expr)  # a module's docstring may speak of it
    )


def defined(node: ast.stmt) -> Iterator[str]:
    """Names that a statement of a module gives."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.ImportFrom | ast.Import):
        yield from (one.asname or one.name for one in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for one in targets:
            parts = one.elts if isinstance(one, ast.Tuple) else [one]
            yield from map(ast.unparse, parts)


def extent(node: ast.stmt) -> tuple[int, int]:
    """Return the first and the last line of a statement, with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    return min(one.lineno for one in [*decorators, node]), node.end_lineno or node.lineno


def without_lines(source: str, extents: list[tuple[int, int]]) -> str:
    """Leave lines out, from the first to the last of each extent."""
    gone = {number for first, last in extents for number in range(first, last + 1)}
    lines = source.splitlines(keepends=True)
    return "".join(line for number, line in enumerate(lines, 1) if number not in gone)


if __name__ == "__main__":
    sys.exit(main())
