"""Every kind of change, made, taken back, and its undo taken back: each side as it was recorded."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from tests.recovering import undo
from tests.world import Program, World, end_processes_below, git
from tests.world.orchestration import IDLE, ORCHESTRATOR
from unjam.adapters.processes.identity import identity_of
from unjam.adapters.state.files.exchange import digest_of
from unjam.adapters.state.rows.read import row_of
from unjam.domain.steps.change import (
    AbortOperation,
    Change,
    MakeFolder,
    MoveCheckout,
    MovePath,
    MoveRef,
    Position,
    PushRef,
    RestoreCheckout,
    SetStateMode,
    StartProcess,
    StopProcess,
    SwapState,
    TendState,
    UpdateRow,
    WriteFile,
)
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.snapshot import Operation
from unjam.engine.acts.recovery import Permission, Recovery
from unjam.engine.acts.salvage import save_now, worktree_of
from unjam.engine.keeping.past_runs import past_run
from unjam.engine.keeping.vault import folder_of
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.session import Terms, session
from unjam.engine.running.undo import preview_undo
from unjam.engine.running.undo_differences import stays
from unjam.engine.running.vault_restore import in_place
from unjam.errors import RefusedError

MAIN = "refs/heads/main"
Make = Callable[[], object]
Prepare = Callable[[World, Recovery], Make]


def commits_ahead(world: World) -> tuple[CommitId, CommitId]:
    """Where the trunk is, and a commit on top of it that only a branch has."""
    old = CommitId(world.trunk)
    world.primary.on_branch("next")
    new = CommitId(world.primary.commit("landed.txt", "landed\n"))
    git("switch", "--quiet", "main", cwd=world.repo)
    return old, new


def a_ref(world: World, run: Recovery) -> Make:
    return lambda: run.door.make(MoveRef("refs/heads/made", None, CommitId(world.trunk)))


def a_checkout(world: World, run: Recovery) -> Make:
    """Over what a person has staged as it comes."""
    old, new = commits_ahead(world)
    world.primary.stage("landed.txt", "landed\n")
    move = MoveCheckout(world.repo, world.common, Position(MAIN, old), Position(MAIN, new))
    return lambda: run.door.make(move)


def a_rewritten_checkout(world: World, run: Recovery) -> Make:
    world.primary.stage("draft.txt", "staged\n")
    world.primary.edit("draft.txt", "staged, and edited\n")
    saved = save_now(run, worktree_of("", run.look("")))
    git("rm", "--quiet", "--force", "draft.txt", cwd=world.repo)
    world.primary.edit("since.txt", "written since\n")
    return lambda: in_place(run, saved.salvaged.commit)


def an_operation(world: World, run: Recovery) -> Make:
    world.primary.on_branch("theirs")
    world.primary.commit("both.txt", "theirs\n")
    git("switch", "--quiet", "main", cwd=world.repo)
    world.primary.commit("both.txt", "ours\n")
    world.primary.mid_merge("theirs")
    saved = save_now(run, worktree_of("", run.look("")))
    abort = AbortOperation(world.repo, world.common, Operation.MERGE, saved.salvaged.commit)
    return lambda: run.door.make(abort)


def a_row(world: World, run: Recovery) -> Make:
    world.state.row("ws-01", "running")
    name = WorkstreamId("ws-01")
    before = row_of(str(world.state.path), name)
    after = tuple((one, "failed" if one == "status" else value) for one, value in before)
    return lambda: run.door.make(UpdateRow(name, before, after))


def a_path(world: World, run: Recovery) -> Make:
    source = world.primary.edit("loose/file.txt", "moved\n")
    return lambda: run.door.make(MovePath(source, in_vault(run) / "file.txt"))


def a_file(world: World, run: Recovery) -> Make:
    path = world.common / "info" / "sparse"
    path.write_bytes(b"before")
    return lambda: run.door.make(WriteFile(path, b"before", b"after"))


def a_folder(world: World, run: Recovery) -> Make:
    return lambda: run.door.make(MakeFolder(world.repo / "made"))


def a_push(world: World, run: Recovery) -> Make:
    assert world.origin is not None
    old = CommitId(world.trunk)
    new = CommitId(world.primary.commit("mine.txt", "to be pushed\n"))
    push = PushRef("origin", str(world.origin.path), MAIN, old, new)
    return lambda: run.door.make(push)


def a_process(world: World, run: Recovery) -> Make:
    output = world.root / "sleeper.out"
    program = Program(
        sys.executable, "-c", "import time; time.sleep(600)", cwd=world.repo, output=output
    )
    identity = identity_of(program.pid)
    assert identity is not None
    return lambda: (run.door.make(StopProcess(identity, None)), program.wait())


def an_orchestrator(world: World, run: Recovery) -> Make:
    world.state.create()
    command = (sys.executable, str(ORCHESTRATOR), *IDLE)
    start = StartProcess(command, world.repo, world.root / "restarted.log")

    def make() -> None:
        run.door.make(start)
        end_processes_below(world.root)  # beside one that is at work nothing is taken back

    return make


def a_tended_state(world: World, run: Recovery) -> Make:
    world.state.row("ws-01", "running")
    return lambda: run.door.make(TendState(world.state.path, fold=True))


def a_mode(world: World, run: Recovery) -> Make:
    world.state.create(log=False)
    return lambda: run.door.make(SetStateMode(world.state.path, "delete", "wal"))


def a_state(world: World, run: Recovery) -> Make:
    world.state.create(log=False)
    path, incoming = world.state.path, in_vault(run) / "made"
    incoming.mkdir(parents=True)
    shutil.copy(path, incoming / path.name)
    world.state.row("ws-01", "running")
    before, after = digest_of(path), digest_of(incoming / path.name)
    swap = SwapState(path, incoming, in_vault(run) / "was", before, after)
    return lambda: run.door.make(swap)


def in_vault(run: Recovery) -> Path:
    folder = folder_of(run.orchestration, run.run)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True, slots=True)
class Kind:
    """How a change of a kind is made, and what no undo can bring back of it."""

    prepare: Prepare
    stays: str = ""  # a part of the sentence
    has_way_back: bool = True


KINDS: dict[type, Kind] = {
    MoveRef: Kind(a_ref),
    MoveCheckout: Kind(a_checkout),
    RestoreCheckout: Kind(a_rewritten_checkout),
    AbortOperation: Kind(an_operation),
    UpdateRow: Kind(a_row),
    MovePath: Kind(a_path),
    WriteFile: Kind(a_file),
    MakeFolder: Kind(a_folder),
    PushRef: Kind(a_push, "origin keeps main at", has_way_back=False),
    StopProcess: Kind(a_process, "was ended, and cannot be started", has_way_back=False),
    StartProcess: Kind(an_orchestrator, has_way_back=False),
    TendState: Kind(a_tended_state, has_way_back=False),
    SetStateMode: Kind(a_mode),
    SwapState: Kind(a_state),
}


def test_the_table_has_every_kind_of_change() -> None:
    assert KINDS.keys() == {*get_args(Change)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda one: one.__name__)
def test_made_taken_back_and_that_taken_back_each_side_is_as_it_was(
    world: World, kind: type
) -> None:
    case = KINDS[kind]
    with session(open_orchestration(world.repo), Terms("recover"), Permission()) as run:
        make = case.prepare(world, run)
        before = world.inventory()
        make()
    after = world.inventory()
    past = past_run(run.orchestration, run.run)
    assert kind in {type(one) for one in past.made}
    named = stays(past)

    back = undo(world.repo, run.run)

    assert back["differences"] == list(named)
    assert [one for one in named if case.stays in one] == list(named)
    assert bool(named) is bool(case.stays)
    assert back["word"] == ("partly undone" if case.stays else "undone")
    assert world.inventory() == (before if case.has_way_back else after)

    again = undo(world.repo, back["run"])

    assert again["word"] == ("undone" if case.has_way_back else "nothing to take back")
    assert world.inventory() == after


def test_a_restored_checkout_that_was_edited_since_refuses_the_undo(world: World) -> None:
    with session(open_orchestration(world.repo), Terms("recover"), Permission()) as run:
        a_rewritten_checkout(world, run)()
    world.primary.edit("draft.txt", "edited since\n")
    before = world.inventory()

    with pytest.raises(RefusedError, match="as neither"):
        preview_undo(run.orchestration, run.run)

    assert world.inventory() == before
