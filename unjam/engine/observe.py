"""Observe everything once, into one snapshot."""

from pathlib import Path

from unjam.adapters import clock, disk, logs, specs
from unjam.adapters.git import observe as git
from unjam.adapters.processes import holders, scan
from unjam.adapters.state.read import read_state
from unjam.domain.snapshot import Lock, Snapshot, State, WorkstreamId
from unjam.engine.orchestration import Orchestration

_BELIEVED = ("running", "completed", "failed", "pending")
