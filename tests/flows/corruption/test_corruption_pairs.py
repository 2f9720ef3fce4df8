"""Damage seldom comes alone: any two kinds at once, in one worktree or in two, and nothing is lost."""

import random
from itertools import combinations
from pathlib import Path

import pytest

from tests.flows.corruption.test_worktree_corruption import ONLY
from tests.recovering import recover
from tests.world import BREAKAGES, World, at_work, git, git_status, taken_by

PAIRS = sorted(combinations(BREAKAGES, 2))
DRAWN = random.Random(20261122).sample(PAIRS, 20)
REST = [pytest.param(pair, marks=pytest.mark.thorough) for pair in PAIRS if pair not in DRAWN]
_ROUNDS = 3  # as `unjam recover` does: one repair may uncover what the next can treat


@pytest.mark.parametrize("pair", [*DRAWN, *REST], ids="+".join)
def test_two_kinds_of_damage_at_once_lose_nothing_and_leave_git_whole(
    calm: World, pair: tuple[str, str]
) -> None:
    dice = random.Random(str(pair))
    streams = [at_work(calm), at_work(calm, "ws-16", "agent-2")]
    admins, treasure = {one.name: one.admin for one in streams}, calm.treasure()
    for breakage in dice.sample(pair, 2):
        one = dice.choice(streams)
        try:
            BREAKAGES[breakage](one, admins[one.name])
        except (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError):
            continue  # the other damage took what this one would have spoilt

    words = [recover(calm.repo, ONLY)["word"] for _ in range(_ROUNDS)]

    lost = [each for each in calm.lost(treasure) if not taken_by("+".join(pair), each)]
    assert lost == []
    assert words[-1] in {"nothing to do", "recovered"}, words
    assert git_status("fsck", "--connectivity-only", cwd=calm.repo) == 0
    for line in git("worktree", "list", "--porcelain", cwd=calm.repo).splitlines():
        if line.startswith("worktree "):
            tree = Path(line.removeprefix("worktree "))
            assert git("rev-parse", "--show-toplevel", cwd=tree) == str(tree)
            git("commit", "--quiet", "--allow-empty", "-m", "on it goes", cwd=tree)
