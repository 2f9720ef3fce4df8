"""What the demonstration looks at before it claims anything."""

from contextlib import closing
from pathlib import Path

from unjam.adapters.git import refs
from unjam.adapters.git.command import Git
from unjam.adapters.state.file import opened_to_write
from unjam.adapters.state.rows.read import events_of
from unjam.demo.inventory import Inventory, contents
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.world.finding import Finding
from unjam.domain.world.identity import Scenario
from unjam.domain.world.judging import judgements
from unjam.domain.world.truth import Truth
from unjam.domain.world.workstream import Verdict
from unjam.engine.keeping.past_runs import PastRun, past_runs
from unjam.engine.observing.observe import observe
from unjam.engine.observing.observe_closely import observe_for
from unjam.engine.orchestration import Orchestration


def verdicts(orchestration: Orchestration) -> dict[str, Verdict]:
    """Return the verdict on every workstream that is not as it should be."""
    found = judgements(observe(orchestration))
    wrong = (one for one in found if one.verdict is not Verdict.CONSISTENT)
    return {str(one.workstream.id): one.verdict for one in wrong}


def statuses(orchestration: Orchestration) -> dict[str, str]:
    """Return what the rows say."""
    return {str(row.workstream): row.status for row in observe(orchestration).state.rows}


def primary_is_idle(orchestration: Orchestration) -> bool:
    """Tell whether the primary is on the trunk, with nothing in its way."""
    seen = observe(orchestration)
    return seen.primary.branch == seen.trunk and not seen.locks and not seen.primary.operation


def trunk_holds(orchestration: Orchestration, *names: str) -> bool:
    """Tell whether the trunk has all these files."""
    listed = Git(orchestration.common).run("ls-tree", "-r", "-z", "--name-only", "refs/heads/main")
    return {*names} <= {*listed.fields()}


def last_run(orchestration: Orchestration) -> PastRun:
    """Return what was done last."""
    return past_runs(orchestration)[-1]


def salvage_of(run: PastRun, workstream: str) -> str:
    """Return the vault ref that a run saved a workstream's worktree as."""
    saved = (one for one in run.outcomes if (one.step, one.workstream) == ("salvage", workstream))
    return next(saved).kept[0]


def files_of(before: Inventory, worktree: str) -> dict[str, str]:
    """Return the files a worktree had, without the pointer to its repository."""
    prefix = f".worktrees/{worktree}/"
    inside = {name: what for name, what in before.files.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): inside[name] for name in inside if name != f"{prefix}.git"}


def holds_exactly(directory: Path, files: dict[str, str]) -> bool:
    """Tell whether a directory holds these files and no others, to the byte and the mode."""
    return contents(directory) == files


def remote_has_landing(orchestration: Orchestration, run: PastRun, origin: Path) -> bool:
    """Tell whether the remote's trunk holds what a run verified and landed."""
    landed = refs.resolve(Git(orchestration.common), f"refs/unjam/{run.id}/landing")
    asked = ("merge-base", "--is-ancestor", str(landed), "refs/heads/main")
    return landed is not None and Git(origin).run(*asked, accept=None).status == 0


def findings(orchestration: Orchestration, scenario: Scenario) -> tuple[Finding, ...]:
    """Return what is still found of one kind of trouble."""
    return diagnose(observe_for(orchestration, (scenario,)), (scenario,))


def at_work(orchestration: Orchestration) -> set[str]:
    """Name the worktrees in which a process works."""
    return {one.worktree for one in observe(orchestration).processes if one.worktree}


def worktrees_read(orchestration: Orchestration) -> int:
    """Count the worktrees whose files and commits could be read."""
    trees = observe(orchestration).worktrees
    return sum(one.present is Truth.YES and one.unsaved.known is Truth.YES for one in trees)


def events(orchestration: Orchestration) -> int:
    """Count what the state's log holds."""
    return events_of(orchestration.state)


def can_be_written(orchestration: Orchestration) -> bool:
    """Tell whether the state takes a write at once."""
    try:
        with closing(opened_to_write(Path(orchestration.state), busy_timeout=0.2)) as state:
            state.execute("BEGIN IMMEDIATE")
            state.execute("ROLLBACK")
    except Exception:  # noqa: BLE001 -- whatever it is, it is a no
        return False
    return True
