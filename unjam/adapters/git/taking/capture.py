"""Turn a survey into the leaves of a salvage's tree: every byte, every mode, every exception."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from unjam.adapters.git.taking.intake import Intake
from unjam.adapters.git.taking.manifest import Area, Base, decoded
from unjam.adapters.git.taking.survey import Survey, SurveyedDirectory
from unjam.adapters.git.taking.trees import EXECUTABLE, FILE, LINK, Leaf
from unjam.adapters.git.taking.walk import WalkedEntry

# Names that Git takes for `.git` on some file system: a tree that holds one does not pass fsck.
# Paths are joined with zero bytes, so that one search tells of all of them.
_IGNORABLE = rb"(?:\xe2\x80[\x8c-\x8f\xaa-\xae]|\xe2\x81[\xaa-\xaf]|\xef\xbb\xbf)*"
_ODD = re.compile(
    rb"(?:^|[/\\\0])(?:git~\d+|I\.IgIiItI)(?:[ .]*(?:[:/\\\0]|$))".replace(b"I", _IGNORABLE),
    re.IGNORECASE | re.DOTALL,
)
_PROGRAM = stat.S_IXUSR

Trust = Callable[[WalkedEntry], bytes | None]


@dataclass(slots=True)
class Captured:
    """What was read of one source."""

    leaves: list[Leaf] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    unreadable: list[bytes] = field(default_factory=list)
    special: list[bytes] = field(default_factory=list)
    admin: dict[bytes, bytes] = field(default_factory=dict)  # ids of the admin directory's files
    trusted: set[bytes] = field(default_factory=set)  # blobs that were not read
    bytes: int = 0


def capture(
    found: Survey,
    intake: Intake,
    present: Mapping[bytes, object],
    *,
    trust: Trust,
    skipped: Mapping[bytes, int],
) -> Captured:
    """Read everything but what is trusted or skipped; paths in ``skipped`` are below the worktree."""
    captured = Captured()
    for place in found.places:
        reader = _Reader(place, intake, captured, present)
        leaves = list(reader.leaves(trust if place.label == "worktree" else None, skipped))
        odd = _odd_among(leaves)
        area = Area.of(place.label, place.base, place.path, place.walked)
        area = replace(
            area,
            odd=decoded(leaf.path for leaf in odd),
            unreadable=decoded(sorted(reader.unreadable)),
        )
        captured.areas.append(area)
        captured.leaves += _placed(place.label.encode(), leaves, odd)
        captured.unreadable += [_below(place, path) for path in reader.unreadable]
        captured.special += [_below(place, one.path) for one in place.walked.special]
        if place.label == "admin":
            captured.admin = {leaf.path: leaf.oid for leaf in leaves}
    return captured


def _placed(label: bytes, leaves: list[Leaf], odd: list[Leaf]) -> list[Leaf]:
    without = {leaf.path for leaf in odd}
    ordinary = [leaf for leaf in leaves if leaf.path not in without] if odd else leaves
    prefix = label + b"/"
    return [
        *[Leaf(prefix + path, mode, oid) for path, mode, oid in ordinary],
        *[Leaf(b"odd/%b%d" % (prefix, number), *leaf[1:]) for number, leaf in enumerate(odd)],
    ]


def _odd_among(leaves: list[Leaf]) -> list[Leaf]:
    """Return those whose paths no tree may hold."""
    links = [one for one in leaves if one.mode == LINK and one.path.endswith(b".gitmodules")]
    if not links and not _ODD.search(b"\0".join([leaf.path for leaf in leaves])):
        return []
    return [leaf for leaf in leaves if leaf in links or _ODD.search(leaf.path)]


def _below(place: SurveyedDirectory, path: bytes) -> bytes:
    prefix = b"" if place.base is Base.WORKTREE else b"(%b)" % place.base.encode()
    return b"/".join(part for part in (prefix, place.path, path) if part)


@dataclass(slots=True)
class _Reader:
    place: SurveyedDirectory
    intake: Intake
    captured: Captured
    present: Mapping[bytes, object]
    unreadable: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unreadable += self.place.walked.unreadable

    def leaves(self, trust: Trust | None, skipped: Mapping[bytes, int]) -> Iterator[Leaf]:
        """Read the files and links of one place."""
        prefix = self.place.path + b"/" if self.place.path else b""
        here = skipped if self.place.base is Base.WORKTREE else {}
        for entry in self.place.walked.files:
            path, status = entry
            if here and prefix + path in here:
                continue
            oid = trust(entry) if trust else None
            if oid is not None:
                self.captured.trusted.add(oid)
            else:
                oid = self._read(entry)
                if oid is None:
                    continue
            self.captured.bytes += status.st_size
            yield Leaf(path, EXECUTABLE if status.st_mode & _PROGRAM else FILE, oid)
        yield from self._links(here, prefix)

    def _links(self, skipped: Mapping[bytes, int], prefix: bytes) -> Iterator[Leaf]:
        for path, _ in self.place.walked.links:
            if prefix + path not in skipped:
                try:
                    target = os.readlink(self.place.walked.absolute(path))  # noqa: PTH115 -- bytes
                except OSError:
                    self.unreadable.append(path)
                else:
                    yield Leaf(path, LINK, self.intake.keep(b"blob", target))

    def _read(self, entry: WalkedEntry) -> bytes | None:
        try:
            return self.intake.read(
                self.place.walked.absolute(entry.path), entry.status, self.present
            )
        except OSError:
            self.unreadable.append(entry.path)
            return None


def all_entries(found: Survey) -> Iterator[tuple[SurveyedDirectory, WalkedEntry]]:
    """Give every file and link below the worktree, nested repositories included."""
    for place in found.places:
        if place.base is Base.WORKTREE:
            for entry in chain(place.walked.files, place.walked.links):
                yield place, entry
