"""The commits that only the files of one checkout name: a salvage makes them its parents."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.files import HASH_SIZE, ID_LENGTH
from unjam.adapters.git.objects import Objects
from unjam.adapters.git.taking.walk import WalkedEntry
from unjam.errors import PermanentError, TransientError

_OID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
_REFLOG_TIME = re.compile(rb"> (\d{1,12}) [-+]\d{4}(?:\t|$)", re.MULTILINE)
_REF = re.compile(r"refs/(?!.*(?:\.\.|//))[^\0\n]*")
_LARGEST_STATE_FILE = 8 << 20  # bytes; a reflog of some 40,000 moves
FIRST_DATE = 946684800  # seconds; for a checkout without a reflog: the year 2000
_LAST_DATE = 4102444800  # the year 2100: what comes later was not a date
_NEAR = 64  # commits looked at before Git is asked
_NOT_STATE = ("index", "index.lock", "FETCH_HEAD")
_NOBODY = bytes(HASH_SIZE)


@dataclass(frozen=True, slots=True)
class HeadPosition:
    """What HEAD says and where that leads."""

    head: str = ""
    tip: str | None = None
    branch_log: Path | None = None


@dataclass(frozen=True, slots=True)
class Pins:
    """What a salvage has to hold on to beside the files."""

    parents: tuple[
        bytes, ...
    ]  # of the salvage commit; everything else named is reachable from them
    other: tuple[tuple[bytes, bytes], ...]  # kind and id of trees and blobs that state files name
    date: int  # of the last move of HEAD


def position(common: Path, admin: Path | None) -> HeadPosition:
    """Read HEAD and its branch from their files; nothing is discovered."""
    head = _text(admin / "HEAD") if admin else ""
    ref = head.removeprefix("ref: ")
    log = None
    for _ in range(5):  # symbolic refs, as many as Git follows
        if not _REF.fullmatch(ref):
            break
        log = common / "logs" / ref
        ref = _ref_value(common, ref).removeprefix("ref: ")
    tip = ref if _OID.fullmatch(os.fsencode(ref)) else None
    return HeadPosition(head, tip, log)


def _ref_value(common: Path, ref: str) -> str:
    loose = _text(common / ref)
    if loose:
        return loose
    try:
        packed = (common / "packed-refs").read_bytes()
    except OSError:
        return ""
    line = re.search(rb"^([0-9a-f]{40}) %b$" % re.escape(os.fsencode(ref)), packed, re.MULTILINE)
    return line[1].decode() if line else ""


def _text(path: Path) -> str:
    try:
        return os.fsdecode(path.read_bytes()).rstrip("\n")
    except (OSError, ValueError):
        return ""


def find_pins(
    where: HeadPosition, state: Iterable[WalkedEntry], admin: Path, objects: Objects, room: Git
) -> Pins:
    """Read every id the state files and the reflogs name, and keep what is needed to hold them all."""
    named: dict[bytes, None] = {bytes.fromhex(where.tip): None} if where.tip else {}
    date = 0
    for text in _state_texts(state, admin, where):
        named.update(dict.fromkeys(bytes.fromhex(one.decode()) for one in _OID.findall(text)))
        date = max([date, *(int(one) for one in _REFLOG_TIME.findall(text))])
    named.pop(_NOBODY, None)
    known = objects.known(named)
    commits = [oid for oid in named if oid in known and known[oid].kind == b"commit"]
    other = sorted((known[oid].kind, oid) for oid in known if known[oid].kind in {b"tree", b"blob"})
    tip = [oid for oid in commits if oid.hex() == where.tip]
    parents = (*tip, *_heads(tip, [oid for oid in commits if oid not in tip], objects, room))
    return Pins(parents, tuple(other), date if FIRST_DATE <= date < _LAST_DATE else FIRST_DATE)


def _state_texts(state: Iterable[WalkedEntry], admin: Path, where: HeadPosition) -> Iterator[bytes]:
    paths = [
        admin / os.fsdecode(path)
        for path, status in state
        if status.st_size <= _LARGEST_STATE_FILE
        and not os.fsdecode(path).startswith((*_NOT_STATE, "sharedindex.", "modules/"))
    ]
    if where.branch_log is not None:
        paths.append(where.branch_log)
    for path in paths:
        try:
            yield path.read_bytes()
        except OSError:
            continue
    for line in _text(admin / "FETCH_HEAD").splitlines():
        if "\tnot-for-merge\t" not in line:
            yield os.fsencode(line[:ID_LENGTH])


def _heads(tip: list[bytes], named: list[bytes], objects: Objects, room: Git) -> tuple[bytes, ...]:
    """Return those commits that neither the tip nor another of them has as an ancestor."""
    left = set(named)
    _drop_ancestors(tip, left, objects)
    if not left:
        return ()
    lines = [one.hex().encode() for one in sorted(left)] + [
        b"^" + one.hex().encode() for one in tip
    ]
    try:
        answer = room.run(
            "rev-list", "--topo-order", "--parents", "--stdin", stdin=b"\n".join(lines) + b"\n"
        )
    except (PermanentError, TransientError):
        # Somewhere in the history a commit is missing. To hold too many is no loss.
        return tuple(sorted(left))
    reached: set[bytes] = set()
    heads = []
    for line in answer.out.splitlines():
        commit, *parents = (bytes.fromhex(one.decode()) for one in line.split())
        if commit in left and commit not in reached:
            heads.append(commit)
        reached.update(parents)
    return tuple(sorted(heads))


def _drop_ancestors(tip: list[bytes], named: set[bytes], objects: Objects) -> None:
    """Follow the history of the tip a few commits back, as far as most agents have come."""
    pending, seen = list(tip), set(tip)
    for _ in range(_NEAR):
        if not pending or not named:
            return
        try:
            content = next(objects.contents([pending.pop(0)]))
        except PermanentError:
            return
        for line in content.split(b"\n\n", 1)[0].splitlines():
            if line.startswith(b"parent "):
                parent = bytes.fromhex(line[7:47].decode())
                named.discard(parent)
                if parent not in seen:
                    seen.add(parent)
                    pending.append(parent)
