"""Change decisions of the domain, one at a time, and see whether its own tests notice.

    python -m tests.experiments.mutants [--count 60] [--seed 1]

A change is drawn from all comparisons, conditions, `and`s, `or`s, `not`s and early returns of
`unjam/domain`. One run of `tests/domain` tells which tests reach each of them; the change is then
made in a copy, and these tests are run on it, no others. What hangs is noticed, what no test
reaches is not. Some changes make no difference to anybody: those are for a person to tell.
"""

import argparse
import ast
import builtins
import json
import os
import queue
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import ROOT
from tests.experiments.checkout import copy_checkout

DOMAIN = Path("unjam/domain")
TESTS = "tests/domain"
EVERY = "every test"
REACHED = "_mutants_reached"  # what a changed module calls, once per decision
ANSWERS = "MUTANTS_REACHED"  # where that is written
UNKNOWN = 4  # what pytest says of tests that are not there
LONGEST = 240  # seconds; what takes longer hangs
OTHER: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


@dataclass(frozen=True)
class Mutant:
    """A decision that is made otherwise."""

    module: Path
    number: int  # of its decision, as `decisions` counts
    line: int
    was: str
    now: str


class Decisions(ast.NodeTransformer):
    """Visit every expression that decides, in one order; what is given makes another of it."""

    def __init__(self, make: Callable[[int, ast.expr, ast.expr], ast.expr]) -> None:
        self.count = 0
        self._make = make

    def visit_If(self, node: ast.If) -> ast.AST:
        """Negate a truth that is no comparison; take an early return never."""
        is_plain = _is_plain(node.test)
        self.generic_visit(node)
        node.test = self._negated(node.test) if is_plain else node.test
        if isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue) and not node.orelse:
            node.test = self._made(node.test, ast.Constant(value=False))
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Negate a truth that is no comparison."""
        is_plain = _is_plain(node.test)
        self.generic_visit(node)
        node.test = self._negated(node.test) if is_plain else node.test
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Let a filter take everything."""
        self.generic_visit(node)
        node.ifs = [self._made(one, ast.Constant(value=True)) for one in node.ifs]
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Turn an operator into its neighbour, and a number into the next."""
        self.generic_visit(node)
        left, *ops = node.left, *node.ops
        results: list[ast.expr] = [
            ast.Compare(left, [*ops[:at], OTHER[type(op)](), *ops[at + 1 :]], node.comparators)
            for at, op in enumerate(ops)
        ]
        for at, one in enumerate(node.comparators):
            if isinstance(one, ast.Constant) and type(one.value) is int:
                more = [*node.comparators[:at], ast.Constant(one.value + 1)]
                more += node.comparators[at + 1 :]
                results.append(ast.Compare(left, ops, more))
        made: ast.expr = node
        for one in results:
            made = self._made(made, one)
        return made

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """Turn `and` into `or`, and the other way round."""
        self.generic_visit(node)
        op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return self._made(node, ast.BoolOp(op, node.values))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Leave a `not` out."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return self._made(node, node.operand)

    def _negated(self, was: ast.expr) -> ast.expr:
        return self._made(was, ast.UnaryOp(ast.Not(), was))

    def _made(self, was: ast.expr, now: ast.expr) -> ast.expr:
        self.count += 1
        return ast.copy_location(self._make(self.count - 1, was, now), was)


def _is_plain(test: ast.expr) -> bool:
    decides = isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp)
    return not decides and ast.unparse(test) != "TYPE_CHECKING"


def main() -> int:
    """Make the changes, one at a time, and print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    everything = [one for path in sorted((ROOT / DOMAIN).rglob("*.py")) for one in decisions(path)]
    drawn = random.Random(asked.seed).sample(everything, min(asked.count, len(everything)))
    with tempfile.TemporaryDirectory() as temporary:
        copies = [Path(temporary) / str(number) for number in range(asked.jobs)]
        for one in copies:
            copy_checkout(one)
        reached = all_reached(copies[0], {one.module for one in drawn})
        copy_checkout(copies[0])
        free: queue.Queue[Path] = queue.Queue()
        for one in copies:
            free.put(one)
        with ThreadPoolExecutor(asked.jobs) as pool:
            told = list(pool.map(lambda one: told_of(one, free, reached), drawn))
    noticed = sum(told)
    sys.stdout.write(f"{noticed} of {len(told)} noticed: {noticed / len(told):.0%}\n")
    return 0


def told_of(mutant: Mutant, free: "queue.Queue[Path]", reached: Mapping[str, list[str]]) -> bool:
    """Make one change in a copy that nobody uses, run the tests that reach it, and print the verdict."""
    where = free.get()
    tests = reached.get(f"{mutant.module}:{mutant.number}", [])
    try:
        said = verdict(mutant, where, tests)
    finally:
        free.put(where)
    place = f"{mutant.module}:{mutant.line}"
    sys.stdout.write(f"{said:>9}  {place}  {mutant.was}  ->  {mutant.now}\n")
    sys.stdout.flush()
    return said in {"noticed", "hung"}


def verdict(mutant: Mutant, where: Path, tests: list[str]) -> str:
    """Run the tests that reach a change, until one fails."""
    if not tests:
        return "unreached"
    path = where / mutant.module
    source = path.read_text()
    path.write_text(changed(source, mutant.number))
    try:
        ended = run(where, "-x", *(tests if EVERY not in tests else [TESTS]))
        if ended.returncode == UNKNOWN:  # a test has no such name any more
            ended = run(where, "-x", *sorted({one.partition("::")[0] for one in tests}))
    except subprocess.TimeoutExpired:
        return "hung"
    finally:
        path.write_text(source)
    return "noticed" if ended.returncode else "UNNOTICED"


def decisions(path: Path) -> Iterator[Mutant]:
    """List all that can be decided otherwise in a module."""
    found: list[Mutant] = []
    module = path.relative_to(ROOT)

    def noted(number: int, was: ast.expr, now: ast.expr) -> ast.expr:
        found.append(Mutant(module, number, was.lineno, ast.unparse(was), ast.unparse(now)))
        return was

    Decisions(noted).visit(ast.parse(path.read_text()))
    return iter(found)


def changed(source: str, chosen: int) -> str:
    """Write a module in which one decision is made otherwise."""
    tree = Decisions(lambda number, was, now: now if number == chosen else was).visit(
        ast.parse(source)
    )
    return ast.unparse(ast.fix_missing_locations(tree))


def all_reached(where: Path, modules: set[Path]) -> dict[str, list[str]]:
    """Run all tests once on modules that tell which of their decisions are made; by whom each is."""
    for module in modules:
        path = where / module

        def told(number: int, was: ast.expr, _: ast.expr, name: str = str(module)) -> ast.expr:
            call = ast.parse(f"{REACHED}({f'{name}:{number}'!r})", mode="eval").body
            pair = ast.Tuple([call, was], ast.Load())
            return ast.Subscript(pair, ast.Constant(value=1), ast.Load())

        tree = Decisions(told).visit(ast.parse(path.read_text()))
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)))
    answers = where / "reached.json"
    ended = run(where, "-p", "tests.experiments.mutants", TESTS, **{ANSWERS: str(answers)})
    if ended.returncode:
        raise SystemExit(ended.stdout[-4000:])
    found: dict[str, list[str]] = json.loads(answers.read_text())
    return found


def run(where: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run tests of a copy, with the same examples each time."""
    return subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-n", "0", "--hypothesis-seed=0", *words),
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(where), "PYTHONDONTWRITEBYTECODE": "1", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )


class Reached:
    """Note which test makes which decision; what is decided while modules load, all tests make."""

    def __init__(self) -> None:
        self.test = EVERY
        self.by: dict[str, set[str]] = {}

    def note(self, decision: str) -> None:
        """Note that the test that runs makes it."""
        self.by.setdefault(decision, set()).add(self.test)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin another test."""
        self.test = nodeid

    def pytest_sessionfinish(self) -> None:
        """Write all down."""
        found = {one: sorted(tests) for one, tests in self.by.items()}
        Path(os.environ[ANSWERS]).write_text(json.dumps(found))


def pytest_configure(config: pytest.Config) -> None:
    """Note what is reached, as a plugin."""
    noting = Reached()
    setattr(builtins, REACHED, noting.note)
    config.pluginmanager.register(noting)


if __name__ == "__main__":
    sys.exit(main())
