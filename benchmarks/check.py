"""What `unjam check` costs on a large orchestration, against the playbook done by hand.

    python -m benchmarks.check --rounds 7
    python -m benchmarks.check --world /somewhere/fleet --worktrees 1000 --branches 10000

By hand is one shell that runs, for each running workstream, `git log`, `git diff --name-only`,
`git status` and `git rev-list --left-right`. Both sides alternate in one run on one machine; what
counts is the ratio within each round. Then every answer is compared, field by field.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet_world import Size, branch, build, name
from unjam.adapters.git.observing.facts import ObserveRequest
from unjam.adapters.git.observing.observe import observe
from unjam.adapters.git.repository import find_repository
from unjam.domain.world.identity import WorkstreamId
from unjam.domain.world.naming import Template
from unjam.domain.world.snapshot import Branch, Worktree

_LOOP = """
while IFS=' ' read -r tree branch; do
    printf '== %s\\n' "$branch"
    git log --format=%H "main..$branch"
    printf '%s\\n' '--'
    git diff --name-only "main..$branch"
    printf '%s\\n' '--'
    git -C "$tree" status --porcelain --no-renames
    printf '%s\\n' '--'
    git rev-list --left-right --count "main...$branch"
done
"""
SEALED = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
_TEMPLATE = "ws/{workstream}/{agent}"


@dataclass(frozen=True)
class ByHand:
    """What the loop said of one workstream."""

    commits: int
    changed: frozenset[str]
    unsaved: frozenset[str]
    behind: int
    ahead: int


def by_hand(repo: Path, size: Size) -> str:
    """Run the loop over every running workstream."""
    asked = "".join(
        f".worktrees/agent-{number % 7}-{name(number)} {branch(number)}\n"
        for number in range(size.worktrees)
    )
    return _run(("sh", "-c", _LOOP), repo, asked)


def check(repo: Path) -> str:
    """Run the whole command, interpreter start included."""
    return _run((sys.executable, "-m", "unjam", "--repo", str(repo), "check", "--json"), Path.cwd())


def _run(command: tuple[str, ...], where: Path, stdin: str = "") -> str:
    ended = subprocess.run(
        command,
        cwd=where,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | SEALED,
    )
    if ended.returncode not in (0, 1):
        raise SystemExit(ended.stderr)
    return ended.stdout


def read_by_hand(said: str) -> dict[str, ByHand]:
    """Understand the loop's output, by branch."""
    found = {}
    for part in said.split("== ")[1:]:
        head, changed, status, counts = part.split("--\n")
        ref, *commits = head.splitlines()
        behind, ahead = counts.split()
        found[ref] = ByHand(
            commits=len(commits),
            changed=frozenset(changed.splitlines()),
            unsaved=frozenset(line[3:] for line in status.splitlines()),
            behind=int(behind),
            ahead=int(ahead),
        )
    return found


def differing(repo: Path, size: Size, hand: dict[str, ByHand], told: str) -> Iterator[str]:
    """Compare every answer: the command's document, then what it was made from."""
    rows = {one["id"]: one for one in json.loads(told)["workstreams"]}
    running = frozenset(WorkstreamId(name(number)) for number in range(size.worktrees))
    request = ObserveRequest(owner=Template(_TEMPLATE).owner, changed=running)
    facts = observe(find_repository(repo), request)
    branches = {one.name: one for one in facts.branches}
    trees = {one.branch: one for one in facts.worktrees}
    for ref, answer in hand.items():
        seen, tree = branches[ref], trees[f"refs/heads/{ref}"]
        row = rows[seen.workstream]
        if (row["own_commits"], row["unsaved_paths"]) != (answer.commits, len(answer.unsaved)):
            yield f"{ref}: the document says {row}, by hand {answer}"
        if _ours(seen, tree) != answer:
            yield f"{ref}: {_ours(seen, tree)}, by hand {answer}"


def _ours(seen: Branch, tree: Worktree) -> ByHand:
    own = seen.own_commits if seen.own_commits is not None else -1
    behind = seen.behind if seen.behind is not None else -1
    return ByHand(own, frozenset(seen.changed or ()), tree.unsaved.paths, behind, own)


def timed(act: Callable[[], str]) -> tuple[float, str]:
    """Measure once."""
    started = time.perf_counter()
    said = act()
    return time.perf_counter() - started, said


def main() -> None:
    """Measure, compare and say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--worktrees", type=int, default=Size.worktrees)
    parser.add_argument("--branches", type=int, default=Size.branches)
    parser.add_argument("--world", type=Path, help="build it here, or use what is there")
    given = parser.parse_args()
    size = Size(given.worktrees, given.branches, given.branches)
    with tempfile.TemporaryDirectory(prefix="unjam-fleet-") as scratch:
        repo = given.world or Path(scratch, "fleet")
        if not repo.exists():
            build(repo, size)
            print(f"built {size.worktrees} worktrees and {size.branches} branches")
        measure(repo, size, given.rounds)


def measure(repo: Path, size: Size, rounds: int) -> None:
    """Alternate the two sides and print their ratio."""
    ratios = []
    hand = told = ""
    for number in range(rounds):
        ours, told = timed(lambda: check(repo))
        theirs, hand = timed(lambda: by_hand(repo, size))
        ratios.append(theirs / ours)
        load = os.getloadavg()[0]
        print(
            f"round {number + 1}: check {ours:.2f} s, by hand {theirs:.2f} s,"
            f" {ratios[-1]:.1f} x (load {load:.1f})",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    wrong = list(differing(repo, size, read_by_hand(hand), told))
    print(*wrong[:5], sep="\n")
    print(f"median {statistics.median(ratios):.1f} x, range {min(ratios):.1f}-{max(ratios):.1f}")
    print(f"peak memory {peak:.0f} MB, differing answers: {len(wrong)}")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
