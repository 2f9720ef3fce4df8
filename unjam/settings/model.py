"""Every key there is, with its type, its default and the comment it gets in a written file."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from unjam.domain.naming import Template
from unjam.domain.policy import Approval
from unjam.errors import UsageError
from unjam.settings.units import duration, size


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    return text


def _names_workstreams(text: str) -> str:
    try:
        Template(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return text


def _words(command: object) -> object:
    if isinstance(command, str):
        raise ValueError('write it as a list of words, such as ["make", "test"]; there is no shell')  # noqa: TRY004 -- pydantic reports ValueError
    return command


Text = Annotated[str, Field(min_length=1), AfterValidator(_without_nul)]
Name = Annotated[str, Field(pattern=r"^[^-\s\x00][^\s\x00]*$")]  # never an option of a command
NameTemplate = Annotated[Text, AfterValidator(_names_workstreams)]
Words = Annotated[tuple[Text, ...], BeforeValidator(_words)]
Command = Annotated[Words, Field(min_length=1)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Size = Annotated[int, BeforeValidator(size)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Orchestration(_Section):
    """Where the orchestration keeps its things, and how it is started; paths start at the repository."""

    trunk: Name | None = Field(
        default=None,
        examples=["main"],
        description="default: the remote's HEAD, else main, else master",
    )
    remote: Name = Field(
        default="origin", description="where the trunk is pushed, if there is such a remote"
    )
    state: Text = Field(
        default=".state/orchestration.db", description="a path, or a SQLAlchemy URL"
    )
    worktrees: Text = Field(
        default=".worktrees",
        description="the agents' worktrees are below it; "
        "outside of the repository, what else is there is left alone",
    )
    worktree_name: NameTemplate = Field(
        default="{agent}-{workstream}", description="of a directory there"
    )
    branch: NameTemplate = Field(default="ws/{workstream}/{agent}", description="of a workstream")
    specs: Text = Field(default="workstreams", description="a JSON file for each workstream")
    logs: Text = Field(default="logs", description="their last lines are shown as evidence")
    orchestrator: Command = Field(
        default=("multi_agent_orchestrator",),
        description="any of these in its command line tells it",
    )
    agents: Words = Field(
        default=("aider", "claude", "codex", "gemini", "opencode", "copilot"),
        description="commands that are agents, beside everything that works in a worktree",
    )
    resume: Words = Field(
        default=("pwsh", "scripts/run_multi_agent_refactor.ps1", "-Resume"),
        description="starts the orchestrator again; a word with {workstreams} names those that --workstream chose; [] never",
    )

    @property
    def resume_is_default(self) -> bool:
        """Nobody chose the command, so it may well not exist."""
        return "resume" not in self.model_fields_set


class Verify(_Section):
    """What must pass before work lands on the trunk."""

    command: Command = Field(
        default=("python", "-m", "pytest", "-q"),
        description="run in a worktree of our own, without a shell",
    )
    timeout: Duration = Field(
        default=timedelta(minutes=30), description="after it, the command has failed"
    )
    junit: Text | None = Field(
        default=None,
        description='the JUnit XML it writes, such as "report.xml"; pytest is asked for one',
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=64,
        description="trials of a culprit search at once; 0: one for each core",
    )
    confidence: float = Field(
        default=0.99,
        ge=0.9,
        lt=1,
        description="at which a culprit search stops looking and starts proving",
    )

    @property
    def command_is_default(self) -> bool:
        """Nobody chose the command, so it may well not fit the project."""
        return "command" not in self.model_fields_set


class Hang(_Section):
    """When an agent is suspected; a long time alone kills nothing."""

    after: Duration = Field(default=timedelta(hours=1), description="without any sign of progress")
    interval: Duration = Field(
        default=timedelta(seconds=3),
        description="between two looks at what an agent's processes do",
    )


class Policy(_Section):
    """auto: go ahead; ask: show it and wait; off: never. One class of steps each."""

    salvage: Approval = Field(default=Approval.AUTO, description="save unsaved work into the vault")
    repair: Approval = Field(
        default=Approval.AUTO, description="stale locks, operations left in the middle"
    )
    record: Approval = Field(
        default=Approval.AUTO, description="write into the state what Git proves"
    )
    clean: Approval = Field(
        default=Approval.AUTO, description="move landed or saved worktrees to the vault"
    )
    stop: Approval = Field(default=Approval.ASK, description="end a process; this cannot be undone")
    land: Approval = Field(default=Approval.ASK, description="verified work, onto the trunk")
    revert: Approval = Field(default=Approval.ASK, description="take landed work back out")
    push: Approval = Field(default=Approval.ASK, description="the trunk, never by force")
    spec: Approval = Field(default=Approval.ASK, description="change a spec")
    restart: Approval = Field(default=Approval.ASK, description="start the orchestrator again")
    database: Approval = Field(default=Approval.ASK, description="repair the state database itself")


class Limits(_Section):
    """How far recovery goes by itself."""

    attempts: int = Field(
        default=2, ge=1, description="on the same failure; then a person is called"
    )
    free_disk: Size = Field(
        default=10 * 10**9, description="less than this is not enough to start a run"
    )


class Vault(_Section):
    """What was saved before it was touched."""

    keep: Duration = Field(
        default=timedelta(days=30), description="`unjam vault prune` drops what is older"
    )


class Escalation(_Section):
    """How a person is called."""

    issue_command: Words = Field(
        default=(),
        description='such as ["gh", "issue", "create", "--title", "{title}", "--body-file", "{report}"]',
    )


class Settings(BaseModel):
    """All of it, as the file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orchestration: Orchestration = Orchestration()
    verify: Verify = Verify()
    hang: Hang = Hang()
    policy: Policy = Policy()
    limits: Limits = Limits()
    vault: Vault = Vault()
    escalation: Escalation = Escalation()
