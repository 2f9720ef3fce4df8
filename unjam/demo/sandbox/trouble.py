"""Get an orchestration into one kind of trouble.

``trouble.py DIRECTORY SCENARIO`` says line by line what happened, and writes ``wreck.json`` there
when it is done. It is a program of the sandbox that `unjam demo` recovers, and no part of unjam.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from unjam.demo.sandbox import base
from unjam.demo.sandbox.base import MARKERS, SHOP, commit, git, reached, tell, until, worktree

SILENCE = 2.5  # seconds, a little longer than hang.after
HASTE = """
[hang]
after = "2s"
interval = "1s"
"""
TAX = '"""Value added tax."""\n\n\ndef tax(cents, percent=19):\n    return cents * percent // {}\n'
TAX_TEST = """\
import unittest

from shop.tax import tax


class Taxes(unittest.TestCase):
    def test_a_fifth_or_nearly(self):
        self.assertEqual(tax(300), 57)
"""
TAXES: Mapping[str, Mapping[str, str]] = {
    "ws-02": {"shop/tax.py": TAX.format(100), "tests/test_tax.py": TAX_TEST},
    "ws-04": {"shop/tax.py": TAX.format(1000)},
}


def agent_hang() -> None:
    """Let one agent wait for a model that says nothing, and another work in silence."""
    base.build(
        {
            "ws-01": _order(
                "Discounts",
                [["write", "shop/discount.py", "# A first thought."], ["ask_model", "ws-01"]],
            ),
            "ws-02": _order(
                "Receipts",
                [["write", "shop/receipt.py", "# To be compiled."], ["compile_silently", "ws-02"]],
            ),
        },
        more=HASTE,
    )
    model = base.start(str(base.HERE / "silent_model.py"), str(MARKERS / "model"))
    until("the model", (MARKERS / "model").exists)
    orchestrator = base.start_orchestrator()
    hung, busy = reached("ws-01"), reached("ws-02")
    orchestrator.kill()
    orchestrator.wait()
    began = time.monotonic()
    until("the silence", lambda: time.monotonic() - began > SILENCE)
    tell("two agents have said nothing for a while, and nobody waits for them any more:")
    tell(
        f"    the agent of ws-01 (pid {hung}) asked a model that never answers; its file is in no commit"
    )
    tell(f"    the agent of ws-02 (pid {busy}) lets a compiler work, which prints nothing either")
    base.done(model.pid, hung, busy)


def worktree_corruption() -> None:
    """Damage three worktrees that hold work no commit has."""
    names = ("ws-01", "ws-02", "ws-03")
    base.build({one: _order(one, []) for one in names})
    trees = [worktree(one, f"agent-{number}") for number, one in enumerate(names, 1)]
    for tree in trees:
        (tree / "shop" / "idea.py").write_text(f"# The only copy of an idea, in {tree.name}.\n")
    base.record((one, "running", f"agent-{number}") for number, one in enumerate(names, 1))
    admin = SHOP / ".git" / "worktrees"
    for part in sorted((admin / trees[0].name).rglob("*"), reverse=True):
        part.rmdir() if part.is_dir() else part.unlink()
    (admin / trees[0].name).rmdir()
    tell(f"{trees[0].name}: what Git knew of it is gone, as after a `git worktree prune` too early")
    (trees[1] / ".git").write_bytes(b"")
    tell(f"{trees[1].name}: its .git file is empty, as after a power cut")
    index = admin / trees[2].name / "index"
    index.write_bytes(index.read_bytes()[:40])
    tell(f"{trees[2].name}: its index is cut off")
    tell("each holds a file that is nowhere else")
    base.done()


def failing_merge() -> None:
    """Land six workstreams, the fourth of which breaks what the second brought."""
    names = [f"ws-{number:02}" for number in range(1, 7)]
    base.build(
        {one: _order(one, []) for one in names},
        files={"scripts/suite.py": (base.HERE / "suite.py").read_text()},
        verify=("scripts/suite.py",),
        more='junit = "report.xml"\n',
    )
    for number, one in enumerate(names, 1):
        branch, tree = f"ws/{one}/agent-{number}", worktree(one, f"agent-{number}")
        for name, text in {
            f"shop/part_{number}.py": f"PART = {number}\n",
            **TAXES.get(one, {}),
        }.items():
            (tree / name).write_text(text)
        commit(f"Work of {one}", tree)
        git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
        git("worktree", "remove", str(tree))
    git("push", "--quiet")
    base.record((one, "completed", f"agent-{number}") for number, one in enumerate(names, 1))
    tell("six workstreams have landed, one after the other; nobody ran the tests in between")
    tell("ws-04 changed what ws-02 relies on: the trunk is red, and every new worktree begins red")
    base.done()


def merge_conflict() -> None:
    """Let two workstreams change the same line, and a third wait for the one that came second."""
    orders = {"ws-01": _order("Tea gets dearer", []), "ws-02": _order("Tea gets cheaper", [])}
    base.build({**orders, "ws-03": _order("Posters with the price of tea", [], "ws-02")})
    for number, price in ((1, 350), (2, 250)):
        tree = worktree(f"ws-0{number}", f"agent-{number}")
        prices = tree / "shop" / "prices.py"
        prices.write_text(prices.read_text().replace("300", str(price)))
        commit(f"Tea costs {price}", tree)
    git("merge", "--quiet", "--no-ff", "--message", "Merge ws/ws-01/agent-1", "ws/ws-01/agent-1")
    git("worktree", "remove", str(SHOP / ".worktrees" / "agent-1-ws-01"))
    git("push", "--quiet")
    rows = (("ws-01", "completed", "agent-1"), ("ws-02", "completed", "agent-2"))
    base.record((*rows, ("ws-03", "pending", None)))
    tell("ws-01 and ws-02 changed the same price; ws-01 landed, the merge of ws-02 failed")
    tell(
        "the orchestrator only logged that: the row of ws-02 says completed, and ws-03 builds on it"
    )
    base.done()


def dependency_deadlock() -> None:
    """Let three workstreams wait for each other, and one for something that was never ordered."""
    base.build(
        {
            "ws-01": _order("Prices", [], "ws-03"),
            "ws-02": _order("Carts", [], "ws-01"),
            "ws-03": _order("Receipts", [], "ws-02"),
            "ws-04": _order("Stock", [], "ws-40"),
        }
    )
    base.record((f"ws-{number:02}", "pending", None) for number in range(1, 5))
    tell("ws-01 waits for ws-03, which waits for ws-02, which waits for ws-01")
    tell("ws-04 waits for ws-40, which nobody ever ordered")
    base.done()


def database_lock() -> None:
    """Let a writer be stopped in the middle of a transaction, with all that was committed in the log."""
    base.build({one: _order(one, []) for one in ("ws-01", "ws-02")}, more=HASTE)
    base.record((("ws-01", "running", "agent-1"), ("ws-02", "pending", None)))
    writer = base.start(
        str(base.HERE / "forgotten_writer.py"), str(base.DATABASE), str(MARKERS / "writer")
    )
    until("the writer", (MARKERS / "writer").exists)
    until("it to be stopped", lambda: base.is_stopped(writer.pid))
    began = time.monotonic()
    until("the silence", lambda: time.monotonic() - began > SILENCE)
    wal = base.DATABASE.with_name(f"{base.DATABASE.name}-wal")
    tell(
        f"a writer (pid {writer.pid}) began a transaction, and was stopped in the middle of it, by Ctrl-Z"
    )
    tell("whoever wants to write is told: database is locked")
    tell(f"the 1,000 events that were committed before are in {wal.name} only")
    base.done(writer.pid)


TROUBLES: Mapping[str, Callable[[], None]] = {
    one.__name__: one
    for one in (
        agent_hang,
        worktree_corruption,
        failing_merge,
        merge_conflict,
        database_lock,
        dependency_deadlock,
    )
}


def _order(title: str, script: list[list[str]], *depends_on: str) -> dict[str, Any]:
    return {"title": title, "depends_on": list(depends_on), "script": script}


if __name__ == "__main__":
    TROUBLES[sys.argv[2]]()
