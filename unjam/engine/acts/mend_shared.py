"""Make the files whole that all checkouts share, so that Git sees the repository again."""

from pathlib import Path

from unjam.adapters import files
from unjam.adapters.git.mending.shared import find_packs, find_shared, kept_config
from unjam.adapters.git.mending.shared_cure import shared_cures
from unjam.domain.steps.change import MovePath
from unjam.domain.steps.outcome import Outcome, StepWord
from unjam.domain.steps.plan import MendShared
from unjam.domain.world.damage import SharedDamage
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.recovery import Recovery, outcome
from unjam.engine.vault import shared_place


def mend_shared(run: Recovery, step: MendShared, fresh: Snapshot) -> tuple[Outcome, ...]:
    """Cure one file, if it is damaged still; what it held is in the vault."""
    common, path = run.orchestration.common, Path(step.path)
    damaged = (*find_shared(common), *find_packs(common))
    file = next((one for one in damaged if one.path == path), None)
    if file is None:
        return (outcome(step, StepWord.ALREADY_DONE, "it is whole"),)
    kept = []
    for change in shared_cures(common, file, shared_place(run, path)):
        run.door.make(change)
        if isinstance(change, MovePath) and Path(change.source) == path:
            kept.append(str(change.target))
    where = _advice(file.damage, kept_config(common))
    where += f"; what was there is kept as {fresh.place(Path(kept[0]))}" if kept else ""
    return (outcome(step, StepWord.DONE, f"it is whole again{where}", *kept),)


def _advice(damage: SharedDamage, copy: Path) -> str:
    if damage is SharedDamage.CONFIG and not files.exists(copy):
        return ", as Git makes one: look whether your remotes and settings are in it"
    return " as of the last run" if damage is SharedDamage.CONFIG else ""
