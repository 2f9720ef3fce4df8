"""Take one path out of a salvage: the same commit otherwise, and a manifest that says what was taken out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from unjam.adapters.git.command import Git
from unjam.adapters.git.objects import open_objects
from unjam.adapters.git.taking import manifest, store
from unjam.adapters.git.taking.intake import Intake
from unjam.adapters.git.taking.manifest import Base, Manifest
from unjam.adapters.git.taking.pack import PRIVATE, write_pack
from unjam.adapters.git.taking.salvage import open_own
from unjam.adapters.git.taking.staged_index import SIDES
from unjam.adapters.git.taking.take import Shop, open_shop
from unjam.adapters.git.taking.trees import DIRECTORY, FILE, REPOSITORY, Leaf, build_trees
from unjam.domain.world.identity import CommitId

_EMPTY = bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")


@dataclass(frozen=True, slots=True)
class Without:
    """A salvage without one path: what went, and where else the same bytes are."""

    commit: CommitId
    gone: frozenset[bytes]
    elsewhere: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()  # Git directories in it that may hold it in objects of their own


def without(common: Path, commit: CommitId, path: PurePath) -> Without | None:
    """Write the salvage anew without a file or directory; None where it does not hold it."""
    with open_shop(common) as shop:
        leaves = list(shop.listing(commit))
        about = next((one for one in leaves if one.path == manifest.NAME), None)
        if about is None:
            return None
        facts = Manifest.from_json(shop.content(about))
        below = _below(facts, path)
        if below is None:
            return None
        named = set(_named(leaves, facts, below))
        going = [one for one in leaves if one.path in named]
        if not going:
            return None
        staying = [one for one in leaves if one.path not in named and one is not about]
        told = replace(facts, purged=tuple(sorted({*facts.purged, below})))
        made = _written(shop, commit, staying, told)
    gone = frozenset(one.oid for one in going if one.mode not in (DIRECTORY, REPOSITORY)) - {_EMPTY}
    same = tuple(f"{commit[:12]}:{_text(one.path)}" for one in staying if one.oid in gone)
    return Without(made, gone, same, tuple(_repositories(facts, below)))


def _below(facts: Manifest, path: PurePath) -> str | None:
    """Return the path below the worktree; None where an absolute one leads elsewhere."""
    if not path.is_absolute():
        return path.as_posix()
    return (
        path.relative_to(facts.worktree).as_posix() if path.is_relative_to(facts.worktree) else None
    )


def _named(leaves: Iterable[Leaf], facts: Manifest, below: str) -> Iterator[bytes]:
    areas = {area.label.encode(): area for area in facts.areas if area.base is Base.WORKTREE}
    odd = {
        b"odd/%b/%d" % (area.label.encode(), number): area.below(name)
        for area in areas.values()
        for number, name in enumerate(area.odd)
    }
    for leaf in leaves:
        if _is_at(odd.get(leaf.path, ""), below):
            yield leaf.path
        for label, area in areas.items():
            if leaf.path.startswith(label + b"/"):
                inside = _text(leaf.path.removeprefix(label + b"/"))
                if _is_at(area.below(inside), below):
                    yield leaf.path
        side, _, rest = leaf.path.partition(b"/")
        if side == b"pinned":  # a tree that a state file names
            rest = rest.partition(b"/")[2]
        if side in (*SIDES, b"pinned") and _is_at(_text(rest), below):
            yield leaf.path


def _is_at(path: str, below: str) -> bool:
    return path == below or path.startswith(f"{below}/")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _repositories(facts: Manifest, below: str) -> Iterator[str]:
    for area in facts.areas:
        if area.label.endswith("/git") and area.path:
            inside = area.path.removesuffix("/.git")
            if _is_at(below, inside) and below != inside:
                yield area.path


def _written(shop: Shop, commit: CommitId, leaves: list[Leaf], facts: Manifest) -> CommitId:
    intake = Intake()
    about = Leaf(manifest.NAME, FILE, intake.keep(b"blob", facts.to_json()))
    root, trees = build_trees([*leaves, about])
    for content in trees.values():
        intake.keep(b"tree", content)
    text = next(shop.objects.contents([bytes.fromhex(commit)]))
    _, _, rest = text.partition(b"\n")
    made = intake.keep(b"commit", b"tree %b\n%b" % (root.hex().encode(), rest))
    with open_own(shop.common, shop.room) as own:
        wanted = set(intake.everything()) - own.known(intake.everything()).keys()
    if wanted:
        folder = store.place(shop.common) / "objects/pack"
        write_pack(folder, intake.contents(wanted), len(wanted), mode=PRIVATE)
    return CommitId(made.hex())


def still_there(common: Path, oids: frozenset[bytes]) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Look afresh: which of these objects the vault has itself, and which the repository has."""
    with open_shop(common) as shop, open_own(common, shop.room) as own:
        here = frozenset(own.known(oids))
    with open_objects(Git(common)) as theirs:
        return here, frozenset(theirs.known(oids))
