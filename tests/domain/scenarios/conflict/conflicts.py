"""Conflicts of one workstream, of whom another waits, in a few words."""

from dataclasses import replace

from tests.domain.build import branch, process, row, snapshot
from tests.domain.readiness.ready import spec
from unjam.domain.steps.policy import Consent, Policy, StepClass
from unjam.domain.steps.request import Request
from unjam.domain.world.conflicts import told_to_wait
from unjam.domain.world.identity import Role, WorkstreamId
from unjam.domain.world.snapshot import Branch, Clash, Process, Row, Snapshot, Worktree
from unjam.domain.world.truth import Truth

POLICY = Policy(resume=("resume",), remote="origin")
NO_LANDING = replace(POLICY, approvals={StepClass.LAND: Consent.OFF})
WS = WorkstreamId("ws-1")
WORK, LANDED = branch("ws-1"), branch("ws-1", landed=Truth.YES)
SAYS, DONE, RUNS = row("ws-1", "conflict"), row("ws-1", "completed"), row("ws-1")
CLASH = Clash(WORK.ref, WORK.tip, WS, ("a.py",), ("contents",), "1")
REPORTED = replace(CLASH, reported=True)
AGENT, BOSS = process("ws-1"), process("", Role.ORCHESTRATOR, pid=99)
BEHIND = spec("ws-2", "ws-1")
BLOCKED = replace(row("ws-2", "blocked"), error_message=told_to_wait((WS,)))
GIVEN_UP = Request(discard=frozenset({WS}))


def world(*parts: Row | Branch | Worktree | Process, **more: object) -> Snapshot:
    return replace(snapshot(*parts), **more)  # type: ignore[arg-type]
