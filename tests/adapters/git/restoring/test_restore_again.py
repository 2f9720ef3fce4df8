"""Killed while saving or restoring, the next try reaches the same end; any tree comes back from any other."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.git.taking.destruction import DESTRUCTIVE, undo
from tests.adapters.git.taking.salvaging import Repository, condition, files
from tests.adapters.git.traces import traces
from tests.world.shell import git, git_status, wait_until
from unjam.adapters.git.restoring.restore import restore_in_place, restore_to
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.salvage import Source, read_back, salvage

SAVE = """
import sys
from pathlib import Path
from unjam.adapters.git.taking.salvage import Source, read_back, salvage
common, tree, admin = map(Path, sys.argv[1:4])
print("ready", flush=True)
for _ in range(1000):
    read_back(common, salvage(common, Source(tree, admin)), Source(tree, admin))
"""
RESTORE = """
import sys
from pathlib import Path
from unjam.adapters.git.restoring.restore import restore_in_place
common, tree, admin, aside = map(Path, sys.argv[1:5])
print("ready", flush=True)
restore_in_place(common, sys.argv[5], tree, admin, aside)
"""


def kill_after(program: str, *arguments: str | Path, seconds: float) -> None:
    """Run it in a child of its own and kill that when it has worked for a moment."""
    child = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[4],
    )
    assert child.stdout is not None
    child.stdout.readline()
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end or child.poll() is not None, "the moment")
    child.send_signal(signal.SIGKILL)
    child.communicate()


def test_killed_while_saving_it_saves_the_same_when_run_again(tmp_path: Path) -> None:
    calm, killed = Repository(tmp_path / "calm"), Repository(tmp_path / "killed")
    random = Random(7)
    store.make(killed.common)
    before = traces(killed.path, without=("objects", "unjam"))
    for _ in range(8):
        kill_after(SAVE, killed.common, killed.tree, killed.admin, seconds=random.uniform(0, 0.02))
        assert traces(killed.path, without=("objects", "unjam")) == before

    saved = killed.save()

    restore_to(killed.common, saved.commit, tmp_path / "out")
    expected = {name: what for name, what in files(killed.tree).items() if name != ".git"}
    assert files(tmp_path / "out") == expected
    assert git_status("fsck", "--strict", cwd=killed.path) == 0
    assert saved.files == calm.save().files


def test_killed_while_restoring_it_reaches_the_same_end_when_run_again(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo")
    for number in range(200):
        (repo.tree / f"many-{number}.txt").write_text(f"{number}\n")
    before = condition(repo.tree)
    saved = repo.save()
    random = Random(11)
    for number, act in enumerate(list(DESTRUCTIVE.values())[:10]):
        act(repo)
        repo.git("update-ref", "--no-deref", "refs/heads/ws/one/agent", saved.tip or "")
        aside = tmp_path / f"aside-{number}"
        kill_after(
            RESTORE, repo.common, repo.tree, repo.admin, aside, saved.commit,
            seconds=random.uniform(0.01, 0.06),
        )  # fmt: skip

        undo(repo, saved, repo.source)

        assert condition(repo.tree) == before


NAMES = st.binary(min_size=1, max_size=8).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b"..", b".git"}
)
CONTENTS = st.one_of(
    st.binary(max_size=300), st.sampled_from([b"", b"a\r\nb\r\n", b"$Id$\n", b"\0" * 300])
)
TREES = st.recursive(
    st.one_of(
        st.tuples(st.just("file"), CONTENTS, st.sampled_from([0o644, 0o755, 0o600, 0o444])),
        st.tuples(st.just("link"), NAMES),
    ),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def plant(place: bytes, what: object) -> None:
    """Make a random tree on disk."""
    match what:
        case dict():
            Path(os.fsdecode(place)).mkdir()
            for name, inner in what.items():
                plant(place + b"/" + name, inner)
        case ("file", bytes() as content, int() as mode):
            path = Path(os.fsdecode(place))
            path.write_bytes(content)
            path.chmod(mode)
        case ("link", bytes() as target):
            Path(os.fsdecode(place)).symlink_to(os.fsdecode(target))
        case _:
            raise AssertionError(what)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.dictionaries(NAMES, TREES, max_size=5),
    after=st.dictionaries(NAMES, TREES, max_size=5),
)
def test_any_tree_comes_back_from_any_other(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[bytes, object],
    after: dict[bytes, object],
) -> None:
    base = tmp_path_factory.mktemp("any")
    git("init", "--quiet", cwd=base)
    tree, admin = base / "tree", base / ".git/worktrees/none"
    plant(os.fsencode(tree), before)
    wanted = files(tree)
    saved = salvage(base / ".git", Source(tree, None))
    read_back(base / ".git", saved, Source(tree, None))
    tree.rename(base / "old")
    plant(os.fsencode(tree), after)
    everything = {what for what in files(tree).values() if what.startswith("-")}

    restore_in_place(base / ".git", saved.commit, tree, admin, base / "aside")
    restore_to(base / ".git", saved.commit, base / "out")

    assert files(tree) == wanted
    assert files(base / "out") == wanted
    assert salvage(base / ".git", Source(tree, None)).commit == saved.commit
    kept = {*files(tree).values(), *files(base / "aside").values()}
    assert everything <= kept
