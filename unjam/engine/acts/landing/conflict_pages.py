"""Tell people of a conflict: a page with the steps, and a line in a log, both in their checkout."""

from pathlib import Path

from unjam.adapters import clock, files
from unjam.adapters.git.moving.conflict_details import conflict_details
from unjam.adapters.git.moving.conflict_prediction import predicted
from unjam.adapters.git.moving.merge import Conflict, Markers
from unjam.domain.catalogue.scenarios import Need, to_type
from unjam.domain.scenarios.shared.conflict_page import Told, page_head, page_of
from unjam.domain.scenarios.shared.conflict_sides import Contested
from unjam.domain.steps.change import MakeFolder, WriteFile
from unjam.domain.steps.plan import Landing
from unjam.domain.world.conflicts import behind, page_name
from unjam.domain.world.identity import CommitId
from unjam.domain.world.lookups import worktree_on
from unjam.domain.world.naming import is_usable_id
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.acts.recovery import Recovery
from unjam.engine.keeping.past_conflicts import earlier_conflicts
from unjam.engine.observing.reported_conflicts import MARKERS
from unjam.errors import UnjamError

LOG = "conflicts.log"
_MODE = 0o644
_LARGEST_LOG = 4 << 20  # bytes; its content goes into the journal


def report_conflict(
    run: Recovery, fresh: Snapshot, one: Landing, tip: CommitId, conflict: Conflict | Markers
) -> str:
    """Write the page and the line, once for a conflict; returns where, or nothing where none can be."""
    try:
        told = _told(run, fresh, one, tip, conflict)
        run.note(
            "conflict",
            workstream=one.workstream,
            tip=one.tip,
            digest=told.digest,
            paths=[each.path for each in told.contested],
            kinds=list(told.kinds),
        )
        _log(run, told)
        return _write_page(run, told)
    except UnjamError as error:  # the landing of the others stands, whatever becomes of the page
        run.note("conflict not told", workstream=one.workstream, because=str(error))
        return ""


def _told(
    run: Recovery, fresh: Snapshot, one: Landing, tip: CommitId, conflict: Conflict | Markers
) -> Told:
    common = run.orchestration.common
    if isinstance(conflict, Conflict):
        now = predicted(common, tip, [one.tip]).get(one.tip) or conflict
        digest, kinds, messages = now.digest, now.kinds, now.messages
        contested = conflict_details(common, tip, one.tip, now)
    else:
        digest, kinds = f"markers-{one.tip}", (MARKERS,)
        messages = tuple(f"conflict markers were committed in {path}" for path in conflict.paths)
        contested = tuple(Contested(path, ()) for path in conflict.paths)
    tree = worktree_on(one.ref, fresh)
    elsewhere = run.orchestration.below(run.orchestration.settings.orchestration.worktrees)
    return Told(
        workstream=one.workstream,
        branch=one.ref.removeprefix("refs/heads/"),
        tip=one.tip,
        trunk=fresh.trunk_name,
        trunk_tip=tip,
        digest=digest,
        kinds=kinds,
        messages=messages,
        contested=contested,
        place=fresh.place(tree.path if tree else elsewhere / f"settle-{one.workstream}"),
        command=to_type("recover", Need.CLASHES),
        is_there=tree is not None,
        dependents=tuple(behind((one.workstream,), fresh)),
        before=earlier_conflicts(run.orchestration, digest, [each.path for each in contested]),
    )


def _write_page(run: Recovery, told: Told) -> str:
    if not is_usable_id(told.workstream):
        return ""
    name = page_name(told.workstream)
    path = run.orchestration.primary / name
    files.refuse_outside(path, run.orchestration.primary)
    before = files.content(path)
    if before is not None and (head := page_head(before)) is None:
        return ""  # it is somebody's
    if before is None or head is None or (head.digest, head.tip) != (told.digest, told.tip):
        _have_folder(run, path.parent)
        run.door.make(WriteFile(path, before, page_of(told).encode(), _MODE))
    return name


def _have_folder(run: Recovery, path: Path) -> None:
    """Make a directory of the primary, and what is above it, so that an undo can take them away."""
    if not files.exists(path) and path != run.orchestration.primary:
        _have_folder(run, path.parent)
        run.door.make(MakeFolder(path))


def _log(run: Recovery, told: Told) -> None:
    settings = run.orchestration.settings.orchestration
    path = run.orchestration.below(settings.logs) / LOG
    files.refuse_outside(path, run.orchestration.primary)
    before = files.content(path)
    line = _line(told)
    if before is not None and (line in before or len(before) > _LARGEST_LOG):
        return
    _have_folder(run, path.parent)
    now = clock.now().isoformat(timespec="seconds").encode()
    between = b"" if not before or before.endswith(b"\n") else b"\n"
    run.door.make(WriteFile(path, before, (before or b"") + between + now + line, _MODE))


def _line(told: Told) -> bytes:
    paths = ", ".join(one.path for one in told.contested)
    text = (
        f" {told.workstream} {told.branch}@{told.tip[:12]} conflicts with {told.trunk}"
        f" ({', '.join(told.kinds)}): {paths} [{told.digest[:16]}]"
    )
    return " ".join(("", *text.split())).encode("utf-8", "backslashreplace") + b"\n"
