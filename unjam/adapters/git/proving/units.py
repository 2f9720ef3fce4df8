"""Rebuild the pieces of work that landed, from what is left of how they did.

The orchestrator merges, and then rebases the trunk before the next merge: of a merge its commits
remain, under other names. So a unit is known by the merge commit, by the fast-forward the trunk's
reflog records, or by patches that a branch, or a merge that only the reflog remembers, also has.
Of what is left, a commit is a workstream's if it was made while that one had its turn, and names it
or changes only what it was ordered to. What nobody claims is a unit for each commit.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unjam.adapters.git.command import Git
from unjam.adapters.git.first_questions import ask_graph
from unjam.adapters.git.proving.commit_graph import History, read_history
from unjam.adapters.git.proving.copies import Copies, CopyFinder, Work, whole_of
from unjam.adapters.git.proving.patches import Span, changed_paths
from unjam.adapters.git.reflog import Move, read_reflog
from unjam.domain.world.file_scopes import overlap
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.trials import Turn, Unit, UnitKind

Owner = Callable[[str], WorkstreamId | None]  # of a full ref

_MERGED = re.compile(r"merge (?:refs/heads/)?([^:]+): (Fast-forward)?")
_SAID = re.compile(r"\bMerge (?:remote-tracking )?(?:branch(?:es)? )?(.+?)(?: into \S+)?$")
_NAMES = re.compile(r"'([^']+)'|(\S+/\S+)")


@dataclass(frozen=True, slots=True)
class LandedWork:
    """What is known of the work that may have landed: branches by ref with their tips, and turns."""

    branches: Mapping[str, str]
    owner: Owner
    turns: Sequence[Turn] = ()


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """One commit on the trunk's own line."""

    commit: str
    parents: tuple[str, ...]
    subject: str
    reverts: bool
    authored: int  # seconds since 1970; a rebase leaves it as it was


def units_of(common: Path, trunk: str, known: LandedWork, limit: int) -> tuple[Unit, ...]:
    """Return the newest units of the trunk (at most ``limit``), oldest first.

    The first commit of all is no unit: nothing was before it.
    """
    return _Rebuilt(common, trunk, known, limit).units()


class _Rebuilt:
    def __init__(self, common: Path, trunk: str, known: LandedWork, limit: int) -> None:
        self.git = Git(common).without_drivers()
        tip = CommitId(self.git.run("rev-parse", "--verify", f"{trunk}^{{commit}}").text)
        tips = sorted(set(known.branches.values()))
        self.history, _ = read_history(
            self.git, tip, [CommitId(one) for one in tips], ask_graph(self.git)
        )
        self.moves = read_reflog(common, trunk)
        self.common = common
        self.branches = dict(known.branches)
        self.owner = known.owner
        self.turns = known.turns
        self.line = _line(self.git, tip, limit)

    def units(self) -> tuple[Unit, ...]:
        """Group the line."""
        claims = self._claims()
        made: list[Unit] = []
        at = 0
        while at < len(self.line):
            unit, at = self._unit(claims, at)
            made.append(unit)
        return self._with_paths(made)

    def _unit(self, claims: Mapping[str, tuple[UnitKind, str]], at: int) -> tuple[Unit, int]:
        place = self.line[at]
        if len(place.parents) > 1:
            return self._merge(place), at + 1
        claim = claims.get(place.commit)
        if claim is None:
            kind = UnitKind.REVERT if place.reverts else UnitKind.COMMIT
            return _unit(kind, [place]), at + 1
        end = at + 1
        while end < len(self.line) and claims.get(self.line[end].commit) == claim:
            end += 1
        kind, ref = claim
        return self._owned(_unit(kind, self.line[at:end]), (ref,)), end

    def _merge(self, place: UnitPlace) -> Unit:
        named = [ref for ref, tip in self.branches.items() if tip in place.parents[1:]]
        for move in self.moves:
            found = _MERGED.match(move.message)
            if found and move.new == place.commit:
                named.append(f"refs/heads/{found[1]}")
        named += [f"refs/heads/{one}" for one in _names_in(place.subject)]
        kind = UnitKind.MERGE if len(place.parents) == 2 else UnitKind.OCTOPUS  # noqa: PLR2004 -- the trunk and one
        return self._owned(_unit(kind, [place]), tuple(dict.fromkeys(named)))

    def _owned(self, unit: Unit, refs: Sequence[str]) -> Unit:
        owners = dict.fromkeys(one for ref in refs if (one := self.owner(ref)) is not None)
        ours = tuple(ref for ref in refs if self.owner(ref) is not None)
        return replace(unit, workstreams=tuple(owners), branches=ours)

    def _claims(self) -> dict[str, tuple[UnitKind, str]]:
        """Say of commits on the line whose work they are, and how it came there; the surest way first."""
        claims: dict[str, tuple[UnitKind, str]] = {}
        for commit, claim in (*self._forwards(), *self._own(), *self._copies()):
            claims.setdefault(commit, claim)
        return dict(self._in_turn(claims)) | claims

    def _forwards(self) -> Iterator[tuple[str, tuple[UnitKind, str]]]:
        """Yield what the trunk's reflog says was taken over as it was."""
        index = {place.commit: at for at, place in enumerate(self.line)}
        for move in self.moves:
            found = _MERGED.match(move.message)
            if not found or not found[2] or move.new not in index:
                continue
            start = index[move.old] + 1 if move.old in index else 0
            for place in self.line[start : index[move.new] + 1]:
                yield place.commit, (UnitKind.FORWARD, f"refs/heads/{found[1]}")

    def _own(self) -> Iterator[tuple[str, tuple[UnitKind, str]]]:
        """Yield what a branch's own reflog says was made on it, though it lies on the line."""
        on_line = {place.commit for place in self.line}
        for ref, tip in self.branches.items():
            if tip in on_line and self.owner(ref) is not None:
                for move in read_reflog(self.common, ref):
                    if move.made_commit and move.new in on_line:
                        yield move.new, (UnitKind.FORWARD, ref)

    def _copies(self) -> Iterator[tuple[str, tuple[UnitKind, str]]]:
        """Yield what has the patches of a branch, or of a merge that the trunk's reflog remembers."""
        works = {
            ref: Work(tip, own, self.history.base_of(tip))
            for ref, tip in (*self._remembered(), *self.branches.items())
            if self.history.knows(tip) and (own := self.history.beyond_trunk(tip))
        }
        copies = CopyFinder(self.git, self.history).on_the_line(list(works.values()))
        for ref, work in works.items():
            yield from self._copies_of(ref, work, copies)

    def _copies_of(
        self, ref: str, work: Work, copies: Copies
    ) -> Iterator[tuple[str, tuple[UnitKind, str]]]:
        for one in work.own:
            if not self.history.is_merge(one):
                for copy in copies.of(Span(one), work.base):
                    yield copy, (UnitKind.FLATTENED, ref)
        whole = whole_of(work, self.history)
        for copy in copies.of(whole, work.base) if whole else ():
            yield copy, (UnitKind.SQUASH, ref)

    def _in_turn(
        self, claims: Mapping[str, tuple[UnitKind, str]]
    ) -> Iterator[tuple[str, tuple[UnitKind, str]]]:
        """Yield what nobody claims and the log tells of: made in one workstream's turn, and like its work."""
        if not self.turns:
            return
        left = [
            one
            for one in self.line
            if one.commit not in claims and len(one.parents) == 1 and not one.reverts
        ]
        spans = {one.commit: Span(one.commit) for one in left}
        changed = changed_paths(self.git, list(spans.values()))
        for place in left:
            paths = changed.get(spans[place.commit], ())
            refs = {one.branch for one in self.turns if _is_of(place, paths, one)}
            if len(refs) == 1:
                yield place.commit, (UnitKind.FLATTENED, refs.pop())

    def _remembered(self) -> Iterator[tuple[str, str]]:
        """Branches that may be gone, as merges name them that are no longer on the line."""
        for move in self.moves:
            found = _MERGED.match(move.message)
            if found and not found[2] and self._reread(move):
                yield f"refs/heads/{found[1]}", self.history.parents(move.new)[1]

    def _reread(self, move: Move) -> bool:
        """Read a merge that nothing names any more, as long as Git still has it."""
        if self.history.in_trunk(move.new):
            return False
        if not self.history.knows(move.new):
            self.history = _with(self.git, self.history, move.new, self.line[-1].commit)
        return len(self.history.parents(move.new)) > 1

    def _with_paths(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        spans = [Span(one.after, one.before) for one in units]
        changed = changed_paths(self.git, spans)
        return tuple(
            replace(one, paths=changed.get(span, ()))
            for one, span in zip(units, spans, strict=True)
        )


def _with(git: Git, history: History, lost: str, tip: str) -> History:
    """Read the graph once more, with a commit that no branch reaches."""
    if git.run("cat-file", "-e", f"{lost}^{{commit}}", accept=None).status:
        return history
    again, _ = read_history(git, CommitId(tip), [CommitId(lost)], ask_graph(git))
    return again


def _line(git: Git, tip: str, limit: int) -> tuple[UnitPlace, ...]:
    """Read the trunk's own line, oldest first, without its root."""
    form = "--format=%H %P%x00%at%x00%s%x00%B%x00%x00"
    answer = git.run(
        "rev-list", "--first-parent", f"--max-count={limit}", "--no-commit-header", form, tip
    )
    places = []
    for record in answer.out.decode("utf-8", "surrogateescape").split("\0\0\n"):
        names, _, rest = record.partition("\0")
        authored, _, rest = rest.partition("\0")
        subject, _, body = rest.partition("\0")
        commit, *parents = names.split()[:1] + names.split()[1:] if names.split() else [""]
        if parents:
            reverts = "This reverts commit" in body
            places.append(UnitPlace(commit, tuple(parents), subject, reverts, int(authored or 0)))
    return tuple(reversed(places))


def _is_of(place: UnitPlace, paths: Sequence[str], turn: Turn) -> bool:
    """Tell whether a commit was made in this turn, and names the workstream or keeps to its files."""
    ended = None if turn.ended is None else turn.ended.timestamp() + 1
    if place.authored < int(turn.began.timestamp()) or (ended and place.authored > ended):
        return False
    if re.search(rf"(?<![\w-]){re.escape(turn.workstream)}(?![\w-])", place.subject):
        return True
    return bool(paths and turn.scope) and all(
        any(overlap(path, one) for one in turn.scope) for path in paths
    )


def _unit(kind: UnitKind, places: Sequence[UnitPlace]) -> Unit:
    return Unit(
        kind=kind,
        before=places[0].parents[0],
        after=places[-1].commit,
        subject=places[-1].subject,
        commits=tuple(one.commit for one in places),
    )


def _names_in(subject: str) -> Iterator[str]:
    """Yield the branches a merge's subject names."""
    found = _SAID.search(subject)
    for quoted, plain in _NAMES.findall(found[1]) if found else ():
        yield quoted or plain
