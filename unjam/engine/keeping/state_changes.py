"""Make the changes of the state's file, tell on which side of them it is, and turn them round."""

from dataclasses import replace
from pathlib import Path
from typing import assert_never

from unjam.adapters.processes.locks.open_files import openers_of
from unjam.adapters.state.file import companion_file
from unjam.adapters.state.files import exchange, reopen
from unjam.domain.steps.change import SetStateMode, Side, SwapState, TendState
from unjam.domain.world.database import SIDES
from unjam.domain.world.words import counted
from unjam.errors import RefusedError, UnjamError

StateChange = TendState | SetStateMode | SwapState


def apply_state_change(change: StateChange) -> str:
    """Make one; made already is fine. Returns what there is to say of it."""
    path = Path(change.path)
    match change:
        case TendState():
            if change.log is not None:
                exchange.bring_log(path, Path(change.log))
            return _vacuumed(path) if change.vacuum else _tended(path, fold=change.fold)
        case SetStateMode():
            if reopen.mode_of(path) != change.after:
                reopen.set_mode(path, change.after)
        case SwapState():
            refuse_openers(path)
            exchange.exchange(path, Path(change.incoming), Path(change.outgoing))
        case _:
            assert_never(change)
    return ""


def inverse_state_change(change: SetStateMode | SwapState) -> SetStateMode | SwapState:
    """Return the change that takes this one back."""
    if isinstance(change, SetStateMode):
        return replace(change, before=change.after, after=change.before)
    return replace(
        change,
        incoming=change.outgoing,
        outgoing=change.incoming,
        before=change.after,
        after=change.before,
    )


def side_of_state_change(change: SetStateMode | SwapState) -> tuple[Side, str]:
    """Tell where the state is, and in a few words what is there now."""
    path = Path(change.path)
    if isinstance(change, SetStateMode):
        try:
            mode = reopen.mode_of(path)
        except UnjamError as error:
            return Side.ELSEWHERE, f"{path}: {error}"
        side = Side.AFTER if mode == change.after else Side.BEFORE
        return side, f"{path} works in mode {mode}"
    return _side_of_swap(change)


def _side_of_swap(change: SwapState) -> tuple[Side, str]:
    path = Path(change.path)
    stage = exchange.stage_of(path, Path(change.incoming), Path(change.outgoing))
    if stage is exchange.ExchangeStage.NOWHERE:
        return Side.ELSEWHERE, f"neither {change.incoming} nor {change.outgoing} holds a database"
    if stage is not exchange.ExchangeStage.AFTER:
        return Side(stage), f"{path} is the one from before"
    try:
        now = exchange.digest_of(path)
    except UnjamError as error:
        return Side.ELSEWHERE, f"{path}: {error}"
    if now != change.after:
        return Side.ELSEWHERE, f"{path} has been written since ({now})"
    return Side.AFTER, f"{path} is the one that was put there"


def refuse_openers(path: Path) -> None:
    """Raise RefusedError while anybody has the state open: he would go on with the old one."""
    files = [str(companion_file(path, side)) for side in SIDES]
    found = next(openers_of(files), None)
    if found is not None:
        raise RefusedError(f"pid {found.pid} has {found.path} open")


def _vacuumed(path: Path) -> str:
    before, after = reopen.vacuum(path)
    return f"{before:,} → {after:,} bytes; {_tended(path, fold=True)}"


def _tended(path: Path, *, fold: bool) -> str:
    tended = reopen.reopen(path, fold=fold)
    parts = [
        f"{counted(tended.rows, 'row')} in {counted(tended.tables, 'table')}",
        "integrity check: ok",
        "it can be written",
    ]
    if tended.folded is not None:
        parts.append("its log is folded in" if not tended.left else "")
    if tended.left:
        parts.append(f"{counted(tended.left, 'page')} of its log wait for a reader to let go")
    if tended.orphans:
        parts.append(f"{counted(tended.orphans, 'row')} refer to rows that are not there")
    return "; ".join(filter(None, parts))
