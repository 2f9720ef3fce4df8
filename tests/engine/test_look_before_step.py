"""What a look before a step asks does not grow: in a large orchestration it is that of a small one.

Counted, not timed. What of it still grows is the reading of small files, HEADs among them.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

from tests.command import ROOT
from tests.world import World
from unjam.adapters import clock
from unjam.adapters.journal import Journal, new_run_id
from unjam.domain.steps.outcome import StepWord
from unjam.domain.steps.plan import Push
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration

# In a process of its own: an audit hook stays for good.
COUNTED = """
import json, sys
from collections import Counter
from pathlib import Path
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration

seen, counting = Counter(), False

def hear(event, arguments):
    if not counting:
        return
    if event in ("subprocess.Popen", "os.fork"):
        seen[event] += 1
    elif event == "open" and str(arguments[0]).endswith(".jsonl"):
        seen["a journal"] += 1

sys.addaudithook(hear)
orchestration, tree = open_orchestration(Path(".")), "agent-1-ws-01"
observe(orchestration, only=frozenset({tree}))  # what is imported late is imported
counting = True
found = observe(orchestration, only=frozenset({tree}))
counting = False
(looked,) = [one for one in found.worktrees if one.name == tree]
told = {"asked": seen, "unsaved": sorted(looked.unsaved.paths), "remote": found.remote is not None}
print(json.dumps(told))
"""


def wreck(world: World, workstreams: int) -> None:
    """So many dead agents with drafts; an earlier run, which could not push."""
    for number in range(1, workstreams + 1):
        stream = world.workstream(f"ws-{number:02}", f"agent-{number}").worktree().row("running")
        stream.leaves({f"draft_{number}.txt": f"draft {number}\n"})
    world.push()
    journal = Journal.open(world.common, new_run_id(clock.now()))
    journal.append(
        {"event": "outcome", "outcome": {"fields": {"step": Push.verb, "word": StepWord.FAILED}}}
    )
    journal.close()


def asked(world: World) -> Counter[str]:
    """What a second look at one worktree asks; it sees that one whole."""
    ended = subprocess.run(
        [sys.executable, "-c", COUNTED],
        cwd=world.repo,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["unsaved"] == ["draft_1.txt"]
    assert told["remote"]
    return Counter(told["asked"])


def test_it_asks_git_as_often_among_forty_worktrees_as_among_five_and_reads_no_journal(
    new_world: Callable[..., World],
) -> None:
    few, many = new_world(), new_world()
    wreck(few, 5)
    wreck(many, 40)

    assert asked(many) == asked(few)
    assert set(asked(many)) == {"subprocess.Popen"}  # no child that looks at all of them, either


def test_a_look_at_everything_still_sees_that_a_push_is_owed(world: World) -> None:
    wreck(world, 1)

    assert observe(open_orchestration(world.repo)).push_owed
