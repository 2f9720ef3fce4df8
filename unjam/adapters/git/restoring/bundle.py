"""Refs as one file that Git can fetch from, without what the trunk has anyway."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from unjam.adapters.git.batches import read_objects
from unjam.adapters.git.command import Git
from unjam.adapters.git.taking import store
from unjam.errors import PermanentError

_NOTHING_IN_IT = 128
_AT_ONCE = 500  # objects
LIMIT = 64 << 20  # bytes


def write_bundle(common: Path, refs: Sequence[str], trunk: str, target: Path) -> bool:
    """Write the bundle, which appears whole or not at all; False where the trunk has everything.

    Raises PermanentError when something named cannot be read.
    """
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    wanted = "".join(f"{ref}\n" for ref in (*refs, f"^{trunk}")).encode("utf-8", "surrogateescape")
    with store.room_with(common, (*refs, trunk)) as room:
        made = room.run(
            "bundle", "create", "--quiet", str(partial), "--stdin", stdin=wanted, accept=None
        )
    if made.status == 0:
        partial.chmod(0o600)  # it may hold what a salvage holds
        partial.replace(target)
        return True
    partial.unlink(missing_ok=True)
    if made.status == _NOTHING_IN_IT and "empty bundle" in made.err:
        return False
    raise PermanentError(f"cannot bundle {len(refs)} refs: {made.err.strip()[-200:]}")


def bundled_contents(common: Path, refs: Sequence[str], trunk: str) -> Iterator[tuple[str, bytes]]:
    """Yield every object the trunk does not have, with the path it is known by.

    Raises PermanentError where they are too large to be looked through.
    """
    with store.room_with(common, (*refs, trunk)) as room:
        yield from _contents(room, refs, trunk)


def _contents(git: Git, refs: Sequence[str], trunk: str) -> Iterator[tuple[str, bytes]]:
    wanted = "".join(f"{ref}\n" for ref in (*refs, f"^{trunk}")).encode("utf-8", "surrogateescape")
    listing = git.run("rev-list", "--objects", "--stdin", stdin=wanted).text.splitlines()
    named = dict(line.partition(" ")[::2] for line in listing)
    ids = list(named)
    asked = "".join(f"{one}\n" for one in ids).encode()
    sizes = git.run("cat-file", "--batch-check=%(objectsize)", stdin=asked).text.split()
    if sum(int(size) for size in sizes if size.isdigit()) > LIMIT:
        raise PermanentError(f"they hold more than {LIMIT >> 20} MB")
    for start in range(0, len(ids), _AT_ONCE):
        some = [one.encode() for one in ids[start : start + _AT_ONCE]]
        for name, content in read_objects(git, some).items():
            if content is not None:
                yield named[name.decode()] or name.decode()[:12], content
