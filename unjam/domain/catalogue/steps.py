"""Every kind of step, once: what it is, the task that carries it out in a flow, and the act behind it.

A task is a stage of a recovery: the order of the stages is the order of every plan and every flow.

Nothing is imported before it is asked for. The domain knows neither tasks nor acts: it names them,
and who carries out resolves the names.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unjam.domain.catalogue.references import resolved

if TYPE_CHECKING:
    from unjam.domain.steps.plan import Step

_PLAN = "unjam.domain.steps.plan"
_STATE = "unjam.domain.steps.state_steps"
_RESET = "unjam.domain.scenarios.reset.steps"


@dataclass(frozen=True, slots=True)
class StepRow:
    """One kind of step."""

    kind: str  # module:class
    task: str  # module:function below tasks
    act: str  # module:function below unjam.engine.acts

    @property
    def verb(self) -> str:
        """Name its task as flows do."""
        return self.task.partition(":")[2]

    @property
    def name(self) -> str:
        """Its class's name, which is also its kind in a journal."""
        return self.kind.partition(":")[2]

    def type(self) -> "type[Step]":
        """Return its class."""
        return resolved(self.kind)  # type: ignore[no-any-return]


# In this order, whatever was found: module:function below tasks.
STAGES = (
    "salvage:copy_state",  # before anybody who holds it is stopped
    "stop:stop",
    "salvage:salvage",
    "repair:repair",
    "repair:tend",
    "revert:revert",  # nothing lands on a trunk whose tests fail
    "merge:merge",
    "record:reorder",
    "merge:push",
    "record:record",
    "archive:archive",
    "clean:clean",
    "clean:clear_discarded",  # then the row is told where the branch is kept
    "restart:restart",
)
STEPS = (
    StepRow(f"{_PLAN}:Stop", "stop:stop", "stop:stop"),
    StepRow(f"{_STATE}:KeepState", "salvage:copy_state", "database:keep_files"),
    StepRow(f"{_STATE}:StopHolder", "stop:stop", "holder:stop_holder"),
    StepRow(f"{_PLAN}:Salvage", "salvage:salvage", "salvage:salvage"),
    StepRow(f"{_PLAN}:MoveLock", "repair:repair", "repair:move_lock"),
    StepRow(f"{_PLAN}:Abort", "repair:repair", "repair:abort"),
    StepRow(f"{_PLAN}:RestoreObjects", "repair:repair", "objects:restore_objects"),
    StepRow(f"{_PLAN}:RestoreBranch", "repair:repair", "mend:restore_branch"),
    StepRow(f"{_PLAN}:NameCommits", "repair:repair", "mend:name_commits"),
    StepRow(f"{_PLAN}:Mend", "repair:repair", "mend:mend"),
    StepRow(f"{_PLAN}:MendShared", "repair:repair", "mend:mend_shared"),
    StepRow(f"{_PLAN}:Register", "repair:repair", "mend:register"),
    StepRow(f"{_PLAN}:Recreate", "repair:repair", "mend:recreate"),
    StepRow(f"{_PLAN}:Unregister", "clean:clean", "mend:unregister"),
    StepRow(f"{_PLAN}:SetAside", "clean:clean", "mend:set_aside"),
    StepRow(f"{_STATE}:OpenState", "repair:tend", "database:open_state"),
    StepRow(f"{_STATE}:RebuildState", "repair:tend", "database:rebuild_state"),
    StepRow(f"{_STATE}:ReplaceState", "repair:tend", "database:replace_state"),
    StepRow(f"{_STATE}:UseLog", "repair:tend", "database:use_log"),
    StepRow(f"{_STATE}:VacuumState", "repair:tend", "database:vacuum"),
    StepRow(f"{_PLAN}:Land", "merge:merge", "landing.land:land"),
    StepRow(f"{_PLAN}:Revert", "revert:revert", "landing.revert:revert"),
    StepRow(f"{_PLAN}:Rework", "record:reorder", "landing.rework:rework"),
    StepRow(f"{_PLAN}:Push", "merge:push", "landing.push:push"),
    StepRow(f"{_PLAN}:Record", "record:record", "record:record"),
    StepRow(f"{_PLAN}:RecordDiscard", "clean:clear_discarded", "record:record"),
    StepRow(f"{_PLAN}:EditSpec", "record:reorder", "reorder:edit_spec"),
    StepRow("unjam.domain.steps.tell_spec:TellSpec", "record:reorder", "reorder:tell_spec"),
    StepRow(f"{_PLAN}:Reopen", "record:reorder", "reorder:reopen"),
    StepRow(f"{_PLAN}:RemoveWorktree", "clean:clean", "clean:remove_worktree"),
    StepRow(f"{_PLAN}:RemoveBranch", "clean:clean", "clean:remove_branch"),
    StepRow(f"{_PLAN}:Discard", "clean:clear_discarded", "clean:discard"),
    StepRow(f"{_PLAN}:ReturnPrimary", "clean:clean", "repair:return_primary"),
    StepRow(f"{_PLAN}:Restart", "restart:restart", "restart:restart"),
    StepRow(f"{_RESET}:Bundle", "archive:archive", "reset:bundle"),
    StepRow(f"{_RESET}:EmptyState", "archive:archive", "reset:empty_state"),
    StepRow(f"{_RESET}:SetLogsAside", "archive:archive", "reset:set_logs_aside"),
)
_BY_NAME = {row.name: row for row in STEPS}


def stage_of(step: "Step") -> int:
    """Say when in a recovery a step comes."""
    return STAGES.index(row_of(step).task)


def row_of(step: "Step") -> StepRow:
    """Return the row of a step's kind; raises KeyError for one that is in no row."""
    return _BY_NAME[type(step).__name__]
