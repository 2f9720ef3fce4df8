"""Whether anybody works: what moves in the state whenever an orchestrator does anything."""

from dataclasses import dataclass

from unjam.adapters.state.rows.read import events_of, read_state
from unjam.domain.world.naming import shown
from unjam.domain.world.snapshot import Row, State
from unjam.domain.world.truth import Truth
from unjam.domain.world.words import counted

_SHOWN = 3  # rows in a sentence


@dataclass(frozen=True, slots=True)
class StateActivity:
    """The state at one moment."""

    state: State
    events: int


def state_activity(location: str) -> StateActivity:
    """Read the rows and count the events; never raises."""
    return StateActivity(read_state(location), events_of(location))


def moved(before: StateActivity, after: StateActivity) -> str:
    """Say what has moved from one moment to the other; nothing when nothing has, or none can tell."""
    if Truth.UNKNOWN in (before.state.readable, after.state.readable):
        return ""
    known = {row.workstream: row for row in before.state.rows}
    rows = [
        f"{shown(row.workstream)} {_status(known.get(row.workstream))} → {row.said}"
        for row in after.state.rows
        if known.get(row.workstream) != row
    ]
    said = [", ".join(rows[:_SHOWN])] if rows else []
    if len(rows) > _SHOWN:
        said.append(f"{counted(len(rows) - _SHOWN, 'more row')}")
    if after.events > before.events:
        said.append(f"{counted(after.events - before.events, 'new event')} in its log")
    return "; ".join(said)


def _status(row: Row | None) -> str:
    return row.said if row else "nothing"
