"""Every key there is, with its type, its default and the comment it gets in a written file.

Plain dataclasses: the defaults need no validation, and pydantic would be a tenth of a check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from unjam.domain.steps.policy import Consent

if TYPE_CHECKING:
    from unjam.settings.kinds import (
        Attempts,
        Command,
        Confidence,
        Duration,
        Name,
        NameTemplate,
        Paths,
        Size,
        Text,
        Words,
        Workers,
    )

ENVIRONMENT, DELIMITER = "UNJAM_", "__"  # UNJAM_VERIFY__COMMAND overrides [verify] command


class Untrusted(StrEnum):
    """To what a repository's file may change a key before a person has trusted it; an approval, to a stricter one."""

    NOTHING = "nothing"
    ANYTHING = "anything"
    LESS = "to less"
    MORE = "to more"
    EMPTY = "to []"


def told(
    description: str, example: str = "", untrusted: Untrusted = Untrusted.NOTHING
) -> dict[str, str]:
    """Return what a written file says of a key; ``example`` stands there where nothing is the default."""
    return {"description": description, "example": example, "untrusted": untrusted}


@dataclass(frozen=True)
class OrchestrationKeys:
    """Where the orchestration keeps its things, and how it is started; paths start at the repository."""

    trunk: "Name | None" = field(
        default=None,
        metadata=told("default: the remote's HEAD, else main, else master", example="main"),
    )
    remote: "Name" = field(
        default="origin", metadata=told("where the trunk is pushed, if there is such a remote")
    )
    state: "Text" = field(
        default=".state/orchestration.db", metadata=told("a path, or a SQLAlchemy URL")
    )
    worktrees: "Text" = field(
        default=".worktrees",
        metadata=told(
            "the agents' worktrees are below it; "
            "outside of the repository, what else is there is left alone"
        ),
    )
    worktree_name: "NameTemplate" = field(
        default="{agent}-{workstream}", metadata=told("of a directory there")
    )
    branch: "NameTemplate" = field(
        default="ws/{workstream}/{agent}", metadata=told("of a workstream")
    )
    specs: "Text" = field(default="workstreams", metadata=told("a JSON file for each workstream"))
    logs: "Text" = field(default="logs", metadata=told("their last lines are shown as evidence"))
    orchestrator: "Command" = field(
        default=("multi_agent_orchestrator",),
        metadata=told("any of these in its command line tells it"),
    )
    agents: "Words" = field(
        default=("aider", "claude", "codex", "gemini", "opencode", "copilot"),
        metadata=told("commands that are agents, beside everything that works in a worktree"),
    )
    resume: "Words" = field(
        default=("pwsh", "scripts/run_multi_agent_refactor.ps1", "-Resume"),
        metadata=told(
            "starts the orchestrator again; a word with {workstreams} names those that --workstream chose; [] never",
            untrusted=Untrusted.EMPTY,
        ),
    )

    @property
    def resume_is_default(self) -> bool:
        """Nobody chose the command, so it may well not exist."""
        return self.resume is OrchestrationKeys.resume


@dataclass(frozen=True)
class Verify:
    """What must pass before work lands on the trunk."""

    command: "Command" = field(
        default=("python", "-m", "pytest", "-q"),
        metadata=told("run in a worktree of our own, without a shell"),
    )
    timeout: "Duration" = field(
        default=timedelta(minutes=30), metadata=told("after it, the command has failed")
    )
    setup: "Words" = field(
        default=(),
        metadata=told(
            'run in each trial before the command, such as ["npm", "ci"]', untrusted=Untrusted.EMPTY
        ),
    )
    carry: "Paths" = field(
        default=(),
        metadata=told(
            'what Git does not have, and a trial needs: paths of the primary, such as [".env"]',
            untrusted=Untrusted.EMPTY,
        ),
    )
    acceptance: "Words" = field(
        default=("pytest",),
        metadata=told(
            "what acceptance_tests of a spec may start, by the first word; pytest as in command; [] none is tried",
            untrusted=Untrusted.EMPTY,
        ),
    )
    junit: "Text | None" = field(
        default=None,
        metadata=told('the JUnit XML it writes, such as "report.xml"; pytest is asked for one'),
    )
    workers: "Workers" = field(
        default=0,
        metadata=told(
            "trials of a culprit search at once; 0: one for each core", untrusted=Untrusted.ANYTHING
        ),
    )
    dask: "Text | None" = field(
        default=None,
        metadata=told(
            '"local" tries on a Dask cluster of its own; a scheduler\'s address, where its workers see these files',
            example="local",
        ),
    )
    confidence: "Confidence" = field(
        default=0.99,
        metadata=told(
            "at which a culprit search stops looking and starts proving", untrusted=Untrusted.MORE
        ),
    )


@dataclass(frozen=True)
class Hang:
    """When an agent is suspected; a long time alone kills nothing."""

    after: "Duration" = field(
        default=timedelta(hours=1),
        metadata=told("without any sign of progress", untrusted=Untrusted.MORE),
    )
    interval: "Duration" = field(
        default=timedelta(seconds=3),
        metadata=told("between two looks at what an agent's processes do"),
    )


@dataclass(frozen=True)
class PolicyKeys:
    """auto: go ahead; ask: show it and wait; off: never. One class of steps each."""

    salvage: Consent = field(
        default=Consent.AUTO, metadata=told("save unsaved work into the vault")
    )
    repair: Consent = field(
        default=Consent.AUTO, metadata=told("stale locks, operations left in the middle")
    )
    record: Consent = field(
        default=Consent.AUTO, metadata=told("write into the state what Git proves")
    )
    clean: Consent = field(
        default=Consent.AUTO, metadata=told("move landed or saved worktrees to the vault")
    )
    stop: Consent = field(
        default=Consent.ASK, metadata=told("end a process; this cannot be undone")
    )
    land: Consent = field(default=Consent.ASK, metadata=told("verified work, onto the trunk"))
    revert: Consent = field(default=Consent.ASK, metadata=told("take landed work back out"))
    push: Consent = field(default=Consent.ASK, metadata=told("the trunk, never by force"))
    spec: Consent = field(default=Consent.ASK, metadata=told("change a spec"))
    restart: Consent = field(default=Consent.ASK, metadata=told("start the orchestrator again"))
    database: Consent = field(
        default=Consent.ASK, metadata=told("repair the state database itself")
    )


@dataclass(frozen=True)
class Limits:
    """How far recovery goes by itself."""

    attempts: "Attempts" = field(
        default=2,
        metadata=told("on the same failure; then a person is called", untrusted=Untrusted.LESS),
    )
    free_disk: "Size" = field(
        default=10 * 10**9,
        metadata=told("less than this is not enough to start a run", untrusted=Untrusted.MORE),
    )


@dataclass(frozen=True)
class Vault:
    """What was saved before it was touched."""

    keep: "Duration" = field(
        default=timedelta(days=30),
        metadata=told("`unjam vault prune` drops what is older", untrusted=Untrusted.MORE),
    )


@dataclass(frozen=True)
class Escalation:
    """How a person is called."""

    issue_command: "Words" = field(
        default=(),
        metadata=told(
            'such as ["gh", "issue", "create", "--title", "{title}", "--body-file", "{report}"]',
            untrusted=Untrusted.EMPTY,
        ),
    )


@dataclass(frozen=True)
class WatchKeys:
    """What is watched together with this repository."""

    repositories: "Words" = field(
        default=(),
        metadata=told(
            'others of this machine, such as ["../shop"]; paths start at this one',
            untrusted=Untrusted.EMPTY,
        ),
    )


@dataclass(frozen=True)
class Settings:
    """All of it, as the file has it."""

    orchestration: OrchestrationKeys = OrchestrationKeys()
    verify: Verify = Verify()
    hang: Hang = Hang()
    policy: PolicyKeys = PolicyKeys()
    limits: Limits = Limits()
    vault: Vault = Vault()
    escalation: Escalation = Escalation()
    watch: WatchKeys = WatchKeys()


SECTIONS: Mapping[str, type] = {one.name: type(one.default) for one in fields(Settings)}
