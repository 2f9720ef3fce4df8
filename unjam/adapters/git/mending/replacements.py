"""Make an index, an admin directory or a whole checkout beside its place, to be renamed into it."""

import os
import shutil
import tempfile
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git
from unjam.adapters.git.files import NOBODY
from unjam.adapters.git.mending.worktree_links import dot_git_of, gitdir_of
from unjam.domain.world.snapshot import Worktree
from unjam.domain.world.truth import Truth
from unjam.errors import PermanentError, UnjamError

_COMMONDIR = b"../..\n"


def index_of(common: Path, commit: str) -> bytes:
    """Return the index of a fresh checkout; raises PermanentError where the commit is not whole."""
    with clean_room(common) as room:
        room.run("read-tree", commit)
        if room.index is None:  # pragma: no cover -- a room always has one
            raise PermanentError("the clean room has no index")
        return room.index.read_bytes()


def only_staged(common: Path, admin: Path, seen: Worktree) -> Truth:
    """Tell whether an index without files holds anything that HEAD does not."""
    if seen.hidden_commits or seen.operation or seen.head is None:
        return Truth.YES if seen.head else Truth.UNKNOWN
    git = Git(common, index=admin / "index")
    try:
        same = git.run("diff-index", "--cached", "--quiet", seen.head, accept=(0, 1)).status == 0
    except UnjamError:
        return Truth.UNKNOWN
    return Truth.NO if same else Truth.YES


def make_admin(common: Path, made: Path, path: Path, head: tuple[str, str]) -> None:
    """Make the admin directory of the worktree at a path; ``head`` is what HEAD holds, and the commit behind it.

    What a killed run left there is made anew.
    """
    _begin(made)
    line, commit = head
    files = {
        "commondir": _COMMONDIR,
        "gitdir": gitdir_of(common, path),
        "HEAD": line.encode() + b"\n",
        "ORIG_HEAD": commit.encode() + b"\n",
        "index": index_of(common, commit),
    }
    for name, content in files.items():
        _write(made / name, content)
    (made / "logs").mkdir()
    entry = f"{NOBODY} {commit} unjam <unjam@localhost> 0 +0000\tworktree: registered again\n"
    _write(made / "logs/HEAD", entry.encode())


def make_checkout(common: Path, made: Path, admin: Path, path: Path) -> None:
    """Write out every file that an admin directory's index holds, and the link to it as from ``path``.

    Attributes convert line ends as they do in any checkout; no filter is run.
    """
    _begin(made)
    with clean_room(common, exact=False) as room, tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "index")
        shutil.copy2(admin / "index", copy)
        Git(
            room.git_dir,
            work_tree=made,
            index=copy,
            objects=room.objects,
            settings=room.settings,
        ).run("checkout-index", "--all", "--force", "--quiet", accept=(0,))
    _write(made / ".git", dot_git_of(common, path, admin))


def _begin(made: Path) -> None:
    """Make an empty directory of our own; below the vault nothing else has this name."""
    if made.is_symlink():
        raise PermanentError(f"{made} is a symbolic link")
    if made.exists():
        shutil.rmtree(made)
    made.mkdir(parents=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
