"""An orchestrator that is killed: by hand, with unjam, taken back, and recovered for good."""

from unjam.demo import evidence
from unjam.demo.inventory import Inventory, contents, take_inventory
from unjam.demo.show import ALL_UNDOABLE, FINDINGS, UNDONE, Show
from unjam.domain.world.identity import Scenario
from unjam.domain.world.workstream import Verdict

WRECKED = {
    "ws-02": Verdict.RECORDED_UNLANDED,
    "ws-03": Verdict.RECORDED_UNLANDED,
    "ws-04": Verdict.LANDED_UNRECORDED,
    "ws-05": Verdict.DEAD_WITH_COMMITS,
    "ws-06": Verdict.DEAD_UNSAVED,
    "ws-07": Verdict.LIVE,
    "ws-08": Verdict.DEAD_EMPTY,
}
TO_RETRY = dict.fromkeys(("ws-05", "ws-06", "ws-07", "ws-08"), "failed")
RECOVERED = {"ws-01": "completed", "ws-02": "conflict", "ws-03": "completed", "ws-04": "completed"}
RECOVERED |= TO_RETRY
FINISHED = {f"ws-{number:02}": "completed" for number in range(1, 10)} | {"ws-02": "conflict"}
LANDED = ("shop/discount.py", "shop/receipt.py", "shop/invoice.py")


def play(stage: Show, _scenario: Scenario) -> None:
    """Break it, recover it, take that back, and recover it for good."""
    worth = _break(stage)
    _by_hand(stage)
    _check(stage)
    before = take_inventory(stage.orchestration, stage.origin)
    _recover(stage, before, worth)
    _look_into_the_vault(stage, before)
    _undo(stage, before)
    _recover_for_good(stage)


def _break(stage: Show) -> int:
    stage.screen.title("Nine workstreams, one orchestrator, four agents - and kill -9")
    stage.play("wreck", "wreck.json")
    return stage.note_worth()


def _by_hand(stage: Show) -> None:
    stage.screen.title("The usual way out, by hand, in a copy")
    cost = stage.play("by_hand", "by_hand.json", style="dim")
    lost, never, twice = cost["lost"], cost["never"], cost["twice"]
    say = stage.screen.line
    say(f"gone for ever, {len(lost)} contents that no commit held:", "bold red")
    for name in lost:
        say(f"    {name}", "red")
    say(f"never to land, since their rows say completed: {', '.join(never)}", "bold red")
    say(f"to be done again, although it is on the trunk: {', '.join(twice)}", "bold red")


def _check(stage: Show) -> None:
    stage.screen.title("What unjam sees: rows, Git and processes compared")
    stage.unjam("check")
    told = evidence.verdicts(stage.orchestration)
    stage.claim("the case of every workstream was told", told == WRECKED)


def _recover(stage: Show, before: Inventory, worth: int) -> None:
    stage.screen.title("Recover, as a Prefect flow run")
    stage.screen.line("without push and restart, the first time: they cannot be taken back", "dim")
    stage.unjam("recover", "--yes", variables=ALL_UNDOABLE, hidden=FINDINGS)
    now, notes = stage.orchestration, "ideas.txt"
    stage.claim("every row says what is true", evidence.statuses(now) == RECOVERED)
    stage.claim(
        "ws-03, ws-05 and ws-07 are on the trunk, and its tests passed first",
        evidence.trunk_holds(now, *LANDED),
    )
    stage.claim(
        "the primary is back on the trunk, unlocked, with a person's notes untouched",
        evidence.primary_is_idle(now) and contents(stage.shop).get(notes) == before.files[notes],
    )
    stage.claim(f"of {worth} contents and commits of the wreck, none is lost", not stage.lost())


def _look_into_the_vault(stage: Show, before: Inventory) -> None:
    stage.screen.title("What was saved: ws-06 had not one commit")
    stage.unjam("vault", "list")
    salvage = evidence.salvage_of(evidence.last_run(stage.orchestration), "ws-06")
    target = stage.directory / "ws-06"
    stage.unjam("vault", "restore", salvage, "--to", str(target))
    files = evidence.files_of(before, "agent-2-ws-06")
    stage.claim(
        f"the {len(files)} files of ws-06 came back byte for byte, .env among them",
        ".env" in files and evidence.holds_exactly(target, files),
    )


def _undo(stage: Show, before: Inventory) -> None:
    stage.screen.title("Take all of it back")
    stage.unjam("undo", evidence.last_run(stage.orchestration).id, "--yes", hidden=UNDONE)
    after = take_inventory(stage.orchestration, stage.origin)
    stage.claim_same(before, after)


def _recover_for_good(stage: Show) -> None:
    stage.screen.title("Recover for good: push, and let the orchestrator go on")
    stage.unjam("recover", "--yes", shown_from=r"(done|refused|failed)  push ")
    recovery = evidence.last_run(stage.orchestration)
    stage.claim(
        "the remote has the trunk that was verified",
        evidence.remote_has_landing(stage.orchestration, recovery, stage.origin),
    )
    stage.await_orchestrator()
    stage.unjam("status")
    stage.claim(
        "the orchestrator did the rest; only ws-02 waits, for a person to settle its conflict",
        evidence.statuses(stage.orchestration) == FINISHED,
    )
