"""Real orchestrations to break and to recover, built in the words of the domain."""

from tests.world.brutal import (
    leave_brutal_work,
    leave_large_file,
    leave_nested_repository,
    prepare_for_brutal_work,
)
from tests.world.damage import BREAKAGES, spoil
from tests.world.hostile import HOSTILE_IDS
from tests.world.inventory import Inventory
from tests.world.orchestration import World
from tests.world.processes import Program, end_processes_below, processes_below
from tests.world.shell import fair, git, git_status, wait_until
from tests.world.state import StateFile, TimeStyle
from tests.world.treasure import Treasure
from tests.world.workstream import Workstream
from tests.world.wrecks import at_work, leave_orphan, taken_by, to_the_byte, typical_wreck

__all__ = [
    "BREAKAGES",
    "HOSTILE_IDS",
    "Inventory",
    "Program",
    "StateFile",
    "TimeStyle",
    "Treasure",
    "Workstream",
    "World",
    "at_work",
    "end_processes_below",
    "fair",
    "git",
    "git_status",
    "leave_brutal_work",
    "leave_large_file",
    "leave_nested_repository",
    "leave_orphan",
    "prepare_for_brutal_work",
    "processes_below",
    "spoil",
    "taken_by",
    "to_the_byte",
    "typical_wreck",
    "wait_until",
]
