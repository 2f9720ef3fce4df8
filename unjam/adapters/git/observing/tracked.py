"""What of a directory of the primary Git tracks."""

from pathlib import Path

from unjam.adapters.git.command import Git


def tracked_below(common: Path, primary: Path, folder: Path) -> frozenset[str]:
    """Name the entries of a directory that are tracked or hold what is; none outside the primary."""
    if not folder.is_relative_to(primary) or folder == primary:
        return frozenset()
    inside = folder.relative_to(primary)
    listing = Git(common, primary).run("ls-files", "-z", "--", f":(literal){inside}")
    depth = len(inside.parts)
    paths = (Path(one).parts for one in listing.fields())
    return frozenset(parts[depth] for parts in paths if len(parts) > depth)
