"""Refs as one file that Git can fetch from, without what the trunk has anyway."""

from collections.abc import Sequence
from pathlib import Path

from unjam.adapters.git.salvaging import store
from unjam.errors import PermanentError

_NOTHING_IN_IT = 128


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
