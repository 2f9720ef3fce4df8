"""Take over what earlier versions saved: salvages whose refs and objects were the repository's own.

Each is copied, then named by a ref of the vault, and only then let go: there is no moment in which
nothing leads to it. What is to be erased is written down first, so that a second run goes on with it.
"""

from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import read_small
from unjam.adapters.git.moving.ref_moves import move_refs
from unjam.adapters.git.objects import open_objects
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.borrowed import copies
from unjam.adapters.git.taking.pack import PRIVATE, write_pack
from unjam.adapters.git.taking.salvage import open_own
from unjam.adapters.git.vault.erase import Erased, erase
from unjam.adapters.git.vault.pins import move_private
from unjam.domain.steps.change import MoveRef
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError, UnjamError

_SAY = "unjam: taken over"
_DANGLING = "dangling"  # it holds what was the repository's own before anything was saved


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What was moved into the vault, and what could not be moved or erased."""

    refs: tuple[str, ...] = ()
    erased: int = 0
    problems: tuple[str, ...] = ()


def take_over(common: Path) -> TakenOver | None:
    """Move every old salvage into the vault, and erase what only it needed; None where there is none.

    The caller holds the lease.
    """
    old = tuple(one for one in store.old_and_public(common) if store.is_private(one[0]))
    if not old and not marker_of(common).exists():
        return None
    store.make(common)
    moved, problems = [], []
    for ref, commit in old:
        try:
            _move(common, ref, commit)
            moved.append(ref)
        except (UnjamError, OSError) as error:
            problems.append(f"{ref} is where it was: {error}")
    erased = erase_marked(common)
    return TakenOver(tuple(moved), len(erased.gone), (*problems, *erased.because))


def marker_of(common: Path) -> Path:
    """Name the file that lists what is to be erased from the repository's store."""
    return common / "unjam/erasing"


def mark(common: Path, oids: set[bytes]) -> None:
    """Write down what is to be erased, beside what was written down before."""
    _write(common, _marked(common) | oids)


def _marked(common: Path) -> set[bytes]:
    text = read_small(marker_of(common), limit=1 << 30) or b""
    return {bytes.fromhex(one.decode()) for one in text.split()}


def _write(common: Path, oids: set[bytes]) -> None:
    store.write_whole(marker_of(common), "".join(f"{one.hex()}\n" for one in sorted(oids)))


def erase_marked(common: Path, *, unkept: bool = False) -> Erased:
    """Erase what is written down, as far as the vault has it; all erased or settled, the list goes.

    ``unkept``: the vault need not have it any more, since a person purges it.
    """
    if not marker_of(common).exists():
        return Erased()
    listed = _marked(common)
    _write(common, listed)  # its time is the moment of this look
    with (
        clean_room(common, objects=store.objects_of(common)) as room,
        open_own(common, room) as own,
    ):
        safe = listed if unkept else own.known(listed).keys()
    erased = erase(common, safe, marker_of(common))
    if left := listed - erased.gone - erased.shared:
        with open_objects(Git(common)) as there:
            left = set(there.known(left))
    _write(common, left) if left else marker_of(common).unlink()
    return erased


def _move(common: Path, ref: str, commit: CommitId) -> None:
    held = objects_held(Git(common), commit)
    _copy(common, held)
    move_private(common, MoveRef(ref, None, commit), _SAY)
    kind = ref.split("/")[3]
    mark(common, {bytes.fromhex(commit)} if kind == _DANGLING else held)
    move_refs(Git(common), [MoveRef(ref, commit, None, logged=False)], _SAY)


def objects_held(git: Git, commit: CommitId) -> set[bytes]:
    """Return every object of a salvage that the commits it builds on do not hold."""
    text = git.run("cat-file", "commit", commit).out.split(b"\n\n", 1)[0]
    parents = [one[7:].decode() for one in text.split(b"\n") if one.startswith(b"parent ")]
    listing = ("rev-list", "--objects", "--no-object-names", "--missing=allow-any")
    found = git.run(*listing, commit, *(f"^{one}" for one in parents), accept=None)
    if found.status:  # somewhere in the history something is missing: then all of its own
        found = git.run(*listing, "--no-walk", commit)
    return {bytes.fromhex(one) for one in found.text.split()}


def _copy(common: Path, oids: set[bytes]) -> None:
    with (
        clean_room(common, objects=store.objects_of(common)) as room,
        open_own(common, room) as own,
        open_objects(Git(common)) as theirs,
    ):
        wanted = theirs.known(oids - own.known(oids).keys())
        if wanted:
            folder = store.place(common) / "objects/pack"
            write_pack(folder, copies(theirs, wanted), len(wanted), mode=PRIVATE)
        missing = oids - own.known(oids).keys()
    if missing:
        raise PermanentError(f"object {min(missing).hex()} could not be copied")
