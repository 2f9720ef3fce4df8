"""The page that tells a person of a conflict: what is in it, who wants what, and what to type."""

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unjam.domain.scenarios.shared.conflict_sides import Contested
from unjam.domain.world.identity import CommitId, WorkstreamId
from unjam.domain.world.words import printable

_HEAD, _TAIL = "<!-- unjam ", " -->"
_SUBMODULE = "160000"
_LINK = "120000"
_TRUNK, _BRANCH = 2, 3  # sides, as Git counts them


@dataclass(frozen=True, slots=True)
class Told:
    """A conflict as a page tells it."""

    workstream: WorkstreamId
    branch: str
    tip: CommitId
    trunk: str
    trunk_tip: CommitId
    digest: str
    kinds: tuple[str, ...]
    messages: tuple[str, ...]
    contested: tuple[Contested, ...]
    place: str  # the checkout to settle it in
    command: str  # that finishes what was settled
    is_there: bool = True  # it is to be made first
    dependents: tuple[WorkstreamId, ...] = ()
    before: tuple[str, ...] = ()  # how often these files conflicted earlier


@dataclass(frozen=True, slots=True)
class PageHead:
    """What a page is about, as its first line says for us."""

    digest: str
    tip: str
    kinds: tuple[str, ...]
    paths: tuple[str, ...]


def page_head(page: bytes) -> PageHead | None:
    """Read what a page is about; None for a file that is not ours."""
    first = page.split(b"\n", 1)[0].decode("utf-8", "replace")
    if not (first.startswith(_HEAD) and first.endswith(_TAIL)):
        return None
    try:
        found = json.loads(first[len(_HEAD) : -len(_TAIL)])
        kinds, paths = map(str, found["kinds"]), map(str, found["paths"])
        return PageHead(str(found["conflict"]), str(found["tip"]), tuple(kinds), tuple(paths))
    except (ValueError, KeyError, TypeError):
        return None


def page_of(told: Told) -> str:
    """Write the page; the same conflict gives the same page."""
    return printable("\n".join(_lines(told)) + "\n")


def _lines(told: Told) -> Iterator[str]:
    yield _first_line(told)
    yield f"# {told.workstream}: {_code(told.branch)} conflicts with {_code(told.trunk)}"
    yield ""
    yield (
        f"{_code(told.branch)} at {_code(told.tip[:12])}, {_code(told.trunk)} at"
        f" {_code(told.trunk_tip[:12])}. Nothing was changed: the branch and its worktree are as"
        " they were, and a rebase was tried and did not help."
    )
    yield ""
    if told.dependents:
        yield f"Waiting for it: {', '.join(map(_code, told.dependents))}."
        yield ""
    yield "## What conflicts"
    for one in told.contested:
        yield ""
        yield from _path(one, told)
    if not told.contested:
        yield ""
        yield from (f"- {_flat(one)}" for one in told.messages)
    yield ""
    if told.before:
        yield "## Not for the first time"
        yield ""
        yield from (f"- {_flat(one)}" for one in told.before)
        yield ""
    yield "## What to do"
    yield ""
    yield from _steps(told)


def _first_line(told: Told) -> str:
    about = {
        "conflict": told.digest,
        "tip": told.tip,
        "kinds": list(told.kinds),
        "paths": [one.path for one in told.contested],
    }
    return f"{_HEAD}{json.dumps(about).replace('>', chr(92) + 'u003e')}{_TAIL}"


def _path(one: Contested, told: Told) -> Iterator[str]:
    yield f"### {_code(one.path)}"
    yield ""
    said = dict.fromkeys(text for text in told.messages if one.path in text)
    yield from (f"- {_flat(text)}" for text in said)
    yield from (
        f"- {_code(told.trunk)} has {place.trunk}, the branch has {place.branch}"
        for place in one.places
    )
    if one.binary:
        yield "- it is binary: one of the two has to be chosen"
    yield from _objects(one, told)
    yield from _commits(f"on {told.trunk}", one.trunk_commits)
    yield from _commits("on the branch", one.branch_commits)


def _objects(one: Contested, told: Told) -> Iterator[str]:
    """Tell what each side has there, where lines do not."""
    modes = {one.mode(side) for side in (1, _TRUNK, _BRANCH)}
    if one.places and len(modes) == 1:
        return
    for side, name in ((1, "both started from"), (_TRUNK, told.trunk), (_BRANCH, "the branch")):
        stage = next((each for each in one.stages if each.side == side), None)
        has = "nothing" if stage is None else f"{_kind(stage.mode)} {stage.blob[:12]}"
        yield f"- {name}: {has}"


def _kind(mode: str) -> str:
    kinds = {_SUBMODULE: "submodule at", _LINK: "symbolic link", "100755": "executable file"}
    return kinds.get(mode, "file")


def _commits(where: str, commits: Iterable[str]) -> Iterator[str]:
    yield from (f"- {where}: {_flat(one)}" for one in commits)


def _steps(told: Told) -> Iterator[str]:
    place, branch = shlex.quote(told.place), shlex.quote(told.branch)
    trunk = shlex.quote(told.trunk)
    yield "Settle it on the branch, in its own worktree; the trunk is not touched until it verifies:"
    yield ""
    yield "```console"
    if not told.is_there:
        yield f"git worktree add {place} {branch}"
    yield f"git -C {place} merge {trunk}"
    for one in told.contested:
        yield from _settle(one, place, one.named(told.trunk))
    yield f"git -C {place} commit --no-edit"
    yield told.command
    yield "```"
    yield ""
    yield (
        "That lands it if it verifies, writes the row, and lets go on what waits. Merging it into"
        f" {_code(told.trunk)} yourself is as good: run the last line afterwards. Or give it up; the"
        " vault keeps the branch and everything in its worktree:"
    )
    yield ""
    yield "```console"
    yield f"{told.command} --discard {shlex.quote(told.workstream)}"
    yield "```"


def _settle(one: Contested, place: str, name: str) -> Iterator[str]:
    """Give the commands for one path: in its worktree ours is the branch, theirs the trunk."""
    path = shlex.quote(name)
    sides = {each.side for each in one.stages}
    add = f"git -C {place} add -- {path}"
    if one.mode(_TRUNK) == _SUBMODULE or one.mode(_BRANCH) == _SUBMODULE:
        commit = next((each.blob for each in one.stages if each.side == _TRUNK), "")
        yield f"git -C {place} update-index --cacheinfo {_SUBMODULE},{commit},{path}   # the trunk's, or another commit"
    elif one.binary:
        yield f"git -C {place} checkout --ours -- {path}     # the branch's; --theirs: the trunk's"
        yield add
    elif one.places or sides >= {_TRUNK, _BRANCH}:
        yield f'"${{EDITOR:-vi}}" {path if place == "." else _joined(place, path)}'
        yield add
    elif sides:
        yield f"{add}      # keep it; or: git -C {place} rm -- {path}"


def _joined(place: str, path: str) -> str:
    return f"{place}/{path}"


def _code(text: str) -> str:
    return f"`{_flat(text).replace('`', chr(39))}`"


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;")
