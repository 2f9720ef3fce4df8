"""What goes wrong with the files that all checkouts share, done for real: each a function of the repository."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.world.shell import git

Breakage = Callable[[Path], None]


def _nulled(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _garbage(path: Path) -> None:
    path.write_bytes(b"\0?\n")


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(bytes(content))


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _packed_refs(repo: Path) -> Path:
    git("pack-refs", "--all", cwd=repo)
    return repo / ".git/packed-refs"


def _pack(repo: Path) -> Path:
    """Pack everything, long ago."""
    git("repack", "-a", "-d", "--quiet", cwd=repo)
    (pack,) = (repo / ".git/objects/pack").glob("*.pack")
    for one in (pack, pack.with_suffix(".idx")):
        one.chmod(0o644)
        os.utime(one, (1_000_000, 1_000_000))
    return pack


def _index(repo: Path) -> Path:
    return _pack(repo).with_suffix(".idx")


def _graph(repo: Path) -> Path:
    git("commit-graph", "write", "--reachable", cwd=repo)
    path = repo / ".git/objects/info/commit-graph"
    path.chmod(0o644)
    return path


def _packs_index(repo: Path) -> Path:
    _pack(repo)
    git("multi-pack-index", "write", cwd=repo)
    path = repo / ".git/objects/pack/multi-pack-index"
    path.chmod(0o644)
    return path


SHARED: Mapping[str, Breakage] = {
    "HEAD missing": lambda repo: (repo / ".git/HEAD").unlink(),
    "HEAD empty": lambda repo: _emptied(repo / ".git/HEAD"),
    "HEAD nulled": lambda repo: _nulled(repo / ".git/HEAD"),
    "config missing": lambda repo: (repo / ".git/config").unlink(),
    "config empty": lambda repo: _emptied(repo / ".git/config"),
    "config nulled": lambda repo: _nulled(repo / ".git/config"),
    "refs gone": lambda repo: shutil.rmtree(repo / ".git/refs"),
    "packed refs cut": lambda repo: _cut(_packed_refs(repo)),
    "packed refs nulled": lambda repo: _nulled(_packed_refs(repo)),
    "packed refs empty": lambda repo: _emptied(_packed_refs(repo)),
    "packed refs missing": lambda repo: _packed_refs(repo).unlink(),
    "shallow garbage": lambda repo: _garbage(repo / ".git/shallow"),
    "index of a pack nulled": lambda repo: _nulled(_index(repo)),
    "index of a pack empty": lambda repo: _emptied(_index(repo)),
    "index of a pack missing": lambda repo: _index(repo).unlink(),
    "index of a pack flipped": lambda repo: _flipped(_index(repo)),
    "pack cut": lambda repo: _cut(_pack(repo)),
    "pack flipped": lambda repo: _flipped(_pack(repo)),
    "pack empty": lambda repo: _emptied(_pack(repo)),
    "pack missing": lambda repo: _pack(repo).unlink(),
    "commit graph cut": lambda repo: _cut(_graph(repo)),
    "commit graph empty": lambda repo: _emptied(_graph(repo)),
    "index of packs flipped": lambda repo: _flipped(_packs_index(repo)),
}
