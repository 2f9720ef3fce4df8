"""Say which changes make the files whole that all checkouts share. Git is not asked: it sees nothing."""

import re
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.files import COMMIT, read_line, read_small
from unjam.adapters.git.mending.cure import rewritten
from unjam.adapters.git.mending.heads import switched_to
from unjam.adapters.git.mending.shared_files import kept_config, sound_lines
from unjam.adapters.git.reflog import read_reflog
from unjam.adapters.git.taking.pack import Content, write_pack
from unjam.domain.steps.change import Change, MovePath, WriteFile
from unjam.domain.world.damage import DamagedFile, SharedDamage
from unjam.errors import RefusedError, UnjamError

_LARGE = 1 << 30  # bytes
_HEADS = "refs/heads/"
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
"""
_REMOTE = '[remote "{name}"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/{name}/*\n'
_FETCHED = re.compile(r"\t(?:not-for-merge)?\t(?:branch|tag) '.*' of (\S+)$", re.MULTILINE)
_LARGEST = 1 << 30  # bytes of a damaged pack that are read at once
_DEADLINE = 600.0  # seconds
_HEAD = re.compile(rb"([0-9a-f]{40}) (\w+) (\d+)\n")


def shared_cures(common: Path, file: DamagedFile, aside: Path) -> Iterator[Change]:
    """Give the changes; raises RefusedError, with what to do, where nothing tells what was there."""
    yield from _CURES[file.damage](common, Path(file.path), aside)


def _head(common: Path, path: Path, aside: Path) -> Iterator[Change]:
    line, file = _line_of_head(common), shlex.quote(str(path))
    if line is None:
        name, moves = switched_to(common) or "main", read_reflog(common, "HEAD")
        detached = f", or if it was on none: echo {moves[-1].new} > {file}" if moves else ""
        raise RefusedError(
            f"no reflog tells which branch the primary was on; if it was {name}: "
            f"echo {shlex.quote(f'ref: {_HEADS}{name}')} > {file}{detached}"
        )
    yield from rewritten(path, line.encode() + b"\n", aside)


def _line_of_head(common: Path) -> str | None:
    """Return the branch that was switched to last, if HEAD and that branch last moved together."""
    moves = read_reflog(common, "HEAD")
    if not moves or not COMMIT.fullmatch(moves[-1].new):
        return None
    last = moves[-1].new
    if (common / "rebase-merge").is_dir() or (common / "rebase-apply").is_dir():
        return last
    name = switched_to(common)
    if name is not None:
        where = _value(common, _HEADS + name)
        if where in (None, last):  # no branch has that name: it was a commit
            return f"ref: {_HEADS}{name}" if where else last
        return None
    there = [one for one in (_HEADS + "main", _HEADS + "master") if _value(common, one) == last]
    return f"ref: {there[0]}" if len(there) == 1 else None


def _value(common: Path, ref: str) -> str | None:
    """Return where a ref is: by its file, the packed refs, or else its reflog."""
    loose = read_line(common / ref) or ""
    if COMMIT.fullmatch(loose):
        return loose
    packed = sound_lines(read_small(common / "packed-refs", limit=_LARGE) or b"").decode(
        "utf-8", "replace"
    )
    named = re.search(rf"^([0-9a-f]{{40}}) {re.escape(ref)}$", packed, re.MULTILINE)
    if named:
        return named[1]
    moves = read_reflog(common, ref)
    return moves[-1].new if moves else None


def _config(common: Path, path: Path, aside: Path) -> Iterator[Change]:
    """Write the copy an earlier run kept; else what Git writes into a new one, and where it fetched from."""
    kept = read_small(kept_config(common), limit=_LARGE)
    if kept is not None:
        yield from _replaced(path, kept, aside)
        return
    text = _CONFIG
    if any(common.glob("worktrees/*/config.worktree")) or (common / "config.worktree").exists():
        text += "[extensions]\n\tworktreeConfig = true\n"
    remotes = sorted(one.name for one in (common / "refs/remotes").glob("*") if one.is_dir())
    urls = set(_FETCHED.findall(_text(common / "FETCH_HEAD")))
    urls |= {
        one.message.removeprefix("clone: from ")
        for one in read_reflog(common, "HEAD")
        if one.message.startswith("clone: from ")
    }
    if len(remotes) == 1 and len(urls) == 1 and re.fullmatch(r"[\w.-]+", remotes[0]):
        text += _REMOTE.format(name=remotes[0], url=_quoted(urls.pop()))
    yield from _replaced(path, text.encode(), aside)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(path: Path) -> str:
    return (read_small(path) or b"").decode("utf-8", "replace")


def _packed_refs(_common: Path, path: Path, aside: Path) -> Iterator[Change]:
    """Keep every line that is whole; branches of the others come back from their reflogs."""
    yield from _replaced(path, sound_lines(read_small(path, limit=_LARGE) or b""), aside)


def _shallow(_common: Path, path: Path, aside: Path) -> Iterator[Change]:
    lines = (read_small(path, limit=_LARGE) or b"").split(b"\n")
    kept = b"".join(b"%b\n" % one for one in lines if re.fullmatch(rb"[0-9a-f]{40}", one))
    yield from _replaced(path, kept, aside)


def _replaced(path: Path, content: bytes, aside: Path) -> Iterator[Change]:
    """Move a damaged file aside as it is, and write what is left of it; nothing is no file."""
    if path.is_symlink() or path.exists():
        yield MovePath(path, aside)
    if content:
        yield WriteFile(path, None, content)


def _refs(_common: Path, path: Path, aside: Path) -> Iterator[Change]:
    if path.is_symlink() or path.exists():
        yield MovePath(path, aside)
    # A directory is made by writing into it.
    yield WriteFile(path / "heads/.unjam", None, b"")
    yield WriteFile(path / "heads/.unjam", b"", None)


def _pack_index(common: Path, path: Path, aside: Path) -> Iterator[Change]:
    pack, made = path.with_suffix(".pack"), aside.with_name(f"{path.name}.made")
    try:
        make_index(common, pack, made)
    except UnjamError:
        yield from _pack(common, pack, aside)  # it is the pack that is damaged
        return
    if path.exists():
        yield MovePath(path, aside)
    yield MovePath(made, path)


def _pack(common: Path, path: Path, aside: Path) -> Iterator[Change]:
    """Take out of a damaged pack what can be read, then move it aside with all that is about it."""
    pack = path.with_suffix(".pack")
    if pack.exists():
        rescue_pack(common, pack)
    for one in sorted(path.parent.glob(f"{path.stem}.*")):
        yield MovePath(one, aside.with_name(one.name))


def _derived(_common: Path, path: Path, aside: Path) -> Iterator[Change]:
    yield MovePath(path, aside)


_CURES: Mapping[SharedDamage, Callable[[Path, Path, Path], Iterator[Change]]] = {
    SharedDamage.HEAD: _head,
    SharedDamage.CONFIG: _config,
    SharedDamage.REFS: _refs,
    SharedDamage.PACKED_REFS: _packed_refs,
    SharedDamage.SHALLOW: _shallow,
    SharedDamage.PACK_INDEX: _pack_index,
    SharedDamage.PACK: _pack,
    SharedDamage.DERIVED: _derived,
}


def make_index(common: Path, pack: Path, made: Path) -> None:
    """Compute an index; raises PermanentError where the pack is not whole."""
    made.parent.mkdir(parents=True, exist_ok=True)
    made.unlink(missing_ok=True)  # half of one, of a run that was killed
    with clean_room(common) as room:
        room.run("index-pack", "--no-rev-index", "-o", str(made), str(pack), deadline=_DEADLINE)


def rescue_pack(common: Path, pack: Path) -> int:
    """Write what can be read of a damaged pack into a new one, durably; returns how many objects."""
    if pack.stat().st_size > _LARGEST:
        raise RefusedError(
            f"{pack} is too large to be read at once; move it out of there, then: "
            f"git -C {common} unpack-objects -r < the moved file"
        )
    with tempfile.TemporaryDirectory(prefix="unjam-pack-") as scratch, clean_room(common) as room:
        apart = replace(room, objects=Path(scratch))
        # It stops where the pack does; what it wrote until then is there.
        apart.run(
            "unpack-objects",
            "-r",
            "-q",
            stdin=pack.read_bytes(),
            accept=None,
            deadline=_DEADLINE,
        )
        listing = ("cat-file", "--batch-all-objects", "--batch")
        found = list(_read(apart.run(*listing, accept=None, deadline=_DEADLINE).out))
        if found:
            write_pack(common / "objects/pack", found, len(found))
        return len(found)


def _read(out: bytes) -> Iterator[Content]:
    at = 0
    while (head := _HEAD.match(out, at)) is not None:
        start, size = head.end(), int(head[3])
        oid, kind = bytes.fromhex(head[1].decode()), head[2]
        yield Content(oid, kind, size, iter([out[start : start + size]]))
        at = start + size + 1
