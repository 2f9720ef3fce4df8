"""Erase a path, or all that a run saved, from everything the vault has; then look whether it is gone."""

import glob
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from unjam.adapters import files, journal
from unjam.adapters.git.taking import store
from unjam.adapters.git.vault import compact
from unjam.adapters.git.vault.purge import Without, still_there, without
from unjam.adapters.git.vault.takeover import erase_marked, mark, objects_held
from unjam.domain.steps.change import MovePath, MoveRef
from unjam.domain.world.identity import CommitId
from unjam.domain.world.words import counted
from unjam.engine.acts.recovery import Recovery
from unjam.engine.keeping.past_runs import past_runs, readable
from unjam.engine.keeping.vault import BESIDE, Kept, folder_of, kept, quoted
from unjam.engine.orchestration import Orchestration
from unjam.errors import UnjamError, UsageError

_SHOWN = 5
PURGED = "purged"  # the event of a journal: what it had kept is gone for good


@dataclass(frozen=True, slots=True)
class Purge:
    """What a person wants to be gone: a run, or a path below the worktrees."""

    run: str | None = None
    path: PurePath | None = None

    def __str__(self) -> str:
        return self.run or str(self.path)


@dataclass(slots=True)
class Purged:
    """What went, and what a look afterwards could not prove to be gone."""

    gone: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)


def would_go(orchestration: Orchestration, wanted: Purge) -> tuple[str, ...]:
    """Name what a purge would touch; nothing is changed.

    Raises UsageError for a run nobody knows, RefusedError beside one of a later version.
    """
    for past in past_runs(orchestration):  # else what it has beside the vault would be passed over
        readable(past)
    if wanted.run is not None:
        names = [one.name for one in kept(orchestration) if one.run == wanted.run]
        if not names and wanted.run not in journal.runs(orchestration.common):
            raise UsageError(f"no run {wanted.run}; `unjam history` lists them")
        return tuple(names)
    refs = (ref for ref, _ in _salvages(orchestration))
    places = (str(one) for one, _ in _files(orchestration, wanted))
    return (*(f"{ref}, as far as it holds {wanted}" for ref in refs), *places)


def purge(run: Recovery, wanted: Purge) -> Purged:
    """Erase it; a second time, or after a kill, whatever is left of it. The caller asked the person."""
    purged = Purged()
    run.note("purge", run=wanted.run, path=str(wanted.path) if wanted.path else None)
    if wanted.run is not None:
        oids = _drop_run(run, wanted.run, purged)
    else:
        oids = _rewrite(run, wanted, purged)
        _discard_files(run, wanted, purged)
    _scrub(run, wanted, purged)
    _erase(run.orchestration.common, purged)
    _look(run.orchestration, wanted, oids, purged)
    run.note("purge done", gone=purged.gone, unproven=purged.unproven)
    return purged


def _salvages(orchestration: Orchestration) -> list[tuple[str, CommitId]]:
    return [one for one in store.named(orchestration.common) if store.is_private(one[0])]


def _drop_run(run: Recovery, name: str, purged: Purged) -> set[bytes]:
    orchestration, oids = run.orchestration, set[bytes]()
    vault = store.reader(orchestration.common)
    for one in kept(orchestration):
        if one.run == name and one.commit is not None:
            if store.is_private(one.name):  # what was staged may lie loose in the repository
                oids |= objects_held(vault, one.commit)
                mark(orchestration.common, oids)
            run.door.make(MoveRef(one.name, one.commit, None))
            purged.gone.append(one.name)
            if not store.is_private(one.name):
                purged.unproven.append(
                    f"{one.commit[:12]}, which {one.name} held, is a commit of the repository: its own "
                    "`git gc --prune=now` takes it away if nothing else leads to it"
                )
    for folder in _folders(orchestration, name):
        if files.exists(folder):
            run.note("dropped", path=str(folder))
            files.discard(folder, folder.parent)
            purged.gone.append(str(folder))
    return oids


def _folders(orchestration: Orchestration, name: str) -> set[Path]:
    """Name where a run's files are: in the vault, and beside what lies on other disks."""
    found = {folder_of(orchestration, name), orchestration.home / "escalations" / name}
    for past in past_runs(orchestration):
        for change in past.changes if past.id == name else ():
            if isinstance(change, MovePath):
                found |= {
                    Path(one)
                    for one in change.target.parents
                    if one.name == name and one.parent.name == BESIDE
                }
    return found


def _rewrite(run: Recovery, wanted: Purge, purged: Purged) -> set[bytes]:
    """Write every salvage that holds the path anew without it, and let its ref go over to that."""
    common, oids = run.orchestration.common, set[bytes]()
    for ref, commit in store.named(common):
        made = _without(run, ref, wanted) if store.is_private(ref) else None
        if made is None:
            continue
        mark(common, set(made.gone))  # the repository may have it still, from earlier versions
        run.door.make(MoveRef(ref, commit, made.commit))
        purged.gone.append(f"{wanted} in {ref}")
        oids |= made.gone
        purged.unproven += [f"the same bytes are kept as {one}" for one in made.elsewhere[:_SHOWN]]
        purged.unproven += [f"the repository {one} may hold it itself" for one in made.nested]
    if oids:
        _discard_bundles(run, purged)
    return oids


def _without(run: Recovery, ref: str, wanted: Purge) -> Without | None:
    common = run.orchestration.common
    commit = store.resolve(common, ref)
    return without(common, commit, wanted.path) if commit and wanted.path else None


def _discard_bundles(run: Recovery, purged: Purged) -> None:
    """Discard every bundle: each is a second copy, of what could hold the path."""
    home = run.orchestration.home
    for one in sorted(
        (*home.glob("vault/*/refs.bundle"), *home.glob("escalations/*/vault.bundle"))
    ):
        run.note("dropped", path=str(one))
        files.discard(one, home)
        purged.gone.append(str(one))


def _files(orchestration: Orchestration, wanted: Purge) -> Iterator[tuple[Path, Path]]:
    """Yield the copies of a path among the vault's files, each with the place it must not lead out of."""
    if wanted.path is None:
        return
    roots = list(files.children(orchestration.home / "vault"))
    roots += [one for past in past_runs(orchestration) for one in _beside(orchestration, past.id)]
    for root in roots:
        trees = (*root.glob("worktrees/*/tree"), *root.glob("*/tree"), root / "aside/worktree")
        for tree in trees:
            below = _relative(wanted.path, tree.parent.name)
            found = tree / below if below is not None else tree
            # A link that an agent planted may lead to a person's file.
            if found != tree and files.exists(found) and not files.leads_out(found, tree):
                yield found, tree


def _beside(orchestration: Orchestration, name: str) -> list[Path]:
    return [one for one in _folders(orchestration, name) if one.parent.name == BESIDE]


def _relative(path: PurePath, worktree: str) -> PurePath | None:
    """Return a path below a worktree that was moved; None where an absolute one is of another."""
    if not path.is_absolute():
        return path
    roots = (one for one in path.parents if quoted(one.name) == worktree)
    return next((path.relative_to(one) for one in roots), None)


def _discard_files(run: Recovery, wanted: Purge, purged: Purged) -> None:
    for place, root in dict.fromkeys(_files(run.orchestration, wanted)):
        run.note("dropped", path=str(place))
        files.discard(place, root)
        purged.gone.append(str(place))


def _scrub(run: Recovery, wanted: Purge, purged: Purged) -> None:
    """Take the bytes of files out of journals; the run they were of cannot be taken back any more."""
    for past in past_runs(run.orchestration):
        if past.id == run.run or (wanted.run is not None and past.id != wanted.run):
            continue
        if wanted.run is not None:
            journal.Journal.open(run.orchestration.common, past.id).append({"event": PURGED})
        if journal.scrub(run.orchestration.common, past.id, _holds(wanted), PURGED):
            purged.gone.append(f"what the journal of {past.id} held of it")


def _holds(wanted: Purge) -> Callable[[dict[str, object]], bool]:
    def holds(record: dict[str, object]) -> bool:
        change = record.get("change")
        if not isinstance(change, dict) or change.get("kind") != "WriteFile":
            return False
        path = str(change.get("fields", {}).get("path", ""))
        return wanted.path is None or path == str(wanted.path) or path.endswith(f"/{wanted.path}")

    return holds


def _erase(common: Path, purged: Purged) -> None:
    """First what the repository itself still has, while the vault could give it back; then the vault's."""
    try:
        erased = erase_marked(common, unkept=True)
        purged.unproven += [f"in the repository's own objects: {one}" for one in erased.because]
        if erased.gone:
            purged.gone.append(f"{counted(len(erased.gone), 'object')} of the repository's store")
        gone = compact.compact(common)
        if gone:
            purged.gone.append(f"{counted(gone, 'object')} of the vault's packs")
    except (UnjamError, OSError) as error:
        purged.unproven.append(f"nothing could be erased from the packs: {error}")


def _look(orchestration: Orchestration, wanted: Purge, oids: set[bytes], purged: Purged) -> None:
    """Look afresh at everything, and say of what is still there that it is."""
    if wanted.run is not None:
        left: tuple[Kept, ...] = tuple(one for one in kept(orchestration) if one.run == wanted.run)
        purged.unproven += [f"{one.name} is still there" for one in left]
    common = orchestration.common
    for ref, commit in _salvages(orchestration):
        if wanted.path and without(common, commit, wanted.path) is not None:
            purged.unproven.append(f"{ref} still holds it")
    if wanted.path is not None:
        alike = sorted((orchestration.home / "vault").rglob(glob.escape(wanted.path.name)))
        purged.unproven += [f"{one} has its name" for one in alike[:_SHOWN]]
    here, there = still_there(common, frozenset(oids)) if oids else (frozenset(), frozenset())
    if here:
        purged.unproven.append(
            f"{counted(len(here), 'object')} of the same bytes still in the vault, in another run or under another name"
        )
    if there:
        purged.unproven.append(
            f"{counted(len(there), 'object')} still in the repository's own store: it is committed or "
            "staged there, which is not the vault's to erase"
        )
