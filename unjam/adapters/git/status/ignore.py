"""Match paths against .gitignore files as Git does, for many worktrees at little cost.

Compiled rules are shared by content: the worktrees of a fleet mostly have the same ones.
"""

import os
import re
from functools import lru_cache
from typing import NamedTuple

_LIMIT = 1 << 24  # bytes


class OddPatternError(Exception):
    """A pattern of a kind that is left to Git."""


class Rule(NamedTuple):
    """One line of an ignore file."""

    matches: re.Pattern[bytes]
    ignores: bool  # False for a line that begins with !
    directories_only: bool
    by_name: bool  # without a slash: matched against the last component


class Ignores:
    """What one worktree ignores; raises OddPatternError where only Git can tell."""

    def __init__(self, root: bytes, shared: bytes) -> None:
        self._root = root
        self._shared = compile_rules(shared)
        self._rules: dict[bytes, tuple[Rule, ...]] = {}
        self._directories: dict[bytes, bool] = {b"": False}

    def ignored(self, directory: bytes, name: bytes, *, is_directory: bool) -> bool:
        """Tell for a path whose own ``directory`` is given without a trailing slash."""
        if self._ignored_directory(directory):
            return True
        path = directory + b"/" + name if directory else name
        above = directory
        while True:
            start = len(above) + 1 if above else 0
            verdict = _verdict(self._rules_of(above), path[start:], name, is_directory=is_directory)
            if verdict is not None:
                return verdict
            if not above:
                return bool(_verdict(self._shared, path, name, is_directory=is_directory))
            above = above.rpartition(b"/")[0]

    def _ignored_directory(self, directory: bytes) -> bool:
        known = self._directories.get(directory)
        if known is None:
            above, _, name = directory.rpartition(b"/")
            known = self.ignored(above, name, is_directory=True)
            self._directories[directory] = known
        return known

    def _rules_of(self, directory: bytes) -> tuple[Rule, ...]:
        rules = self._rules.get(directory)
        if rules is None:
            below = self._root + b"/" + directory if directory else self._root
            rules = self._rules[directory] = compile_rules(_read(below + b"/.gitignore"))
        return rules


def _read(path: bytes) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        try:
            return file.read(_LIMIT)
        except OSError:
            return b""


def _verdict(
    rules: tuple[Rule, ...], path: bytes, name: bytes, *, is_directory: bool
) -> bool | None:
    for rule in rules:  # last line first
        if rule.directories_only and not is_directory:
            continue
        if rule.matches.fullmatch(name if rule.by_name else path):
            return rule.ignores
    return None


@lru_cache(maxsize=4096)
def compile_rules(content: bytes) -> tuple[Rule, ...]:
    """Compile an ignore file, the deciding line first."""
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    return tuple(rule for line in reversed(lines) if (rule := _rule(line)))


def _rule(line: bytes) -> Rule | None:
    line = _without_trailing_spaces(line.removesuffix(b"\r"))
    if not line or line.startswith(b"#"):
        return None
    ignores = not line.startswith(b"!")
    pattern = line if ignores else line[1:]
    directories_only = pattern.endswith(b"/")
    pattern = pattern.removesuffix(b"/")
    by_name = b"/" not in pattern
    if not pattern:
        return None
    expression = _translated(pattern.removeprefix(b"/"), by_name=by_name)
    try:
        return Rule(re.compile(expression, re.DOTALL), ignores, directories_only, by_name)
    except re.error as error:
        raise OddPatternError(os.fsdecode(pattern)) from error


def _without_trailing_spaces(line: bytes) -> bytes:
    stripped = line.rstrip(b" ")
    escaped = (len(stripped) - len(stripped.rstrip(b"\\"))) % 2
    return stripped + b" " if escaped and len(line) > len(stripped) else stripped


_WILD = (
    # What the pattern says here, and what that means as an expression.
    (re.compile(rb"^\*\*/"), b"(?:.*/)?"),
    (re.compile(rb"/\*\*/"), b"/(?:.*/)?"),
    (re.compile(rb"/\*\*$"), b"/.+"),
    (re.compile(rb"\*+"), b"[^/]*"),
    (re.compile(rb"\?"), b"[^/]"),
)
_BRACKET = re.compile(rb"\[([!^]?)([^\]\[\\/][^\]\[\\/]*)\]")


def _translated(pattern: bytes, *, by_name: bool) -> bytes:
    parts, at = [], 0
    while at < len(pattern):
        if pattern[at : at + 1] == b"[":
            found = _BRACKET.match(pattern, at)
            if found is None:
                raise OddPatternError(os.fsdecode(pattern))
            parts.append(_bracket(found))
            at = found.end()
        elif pattern[at : at + 1] == b"\\":
            if at + 1 == len(pattern):
                raise OddPatternError(os.fsdecode(pattern))
            parts.append(re.escape(pattern[at + 1 : at + 2]))
            at += 2
        else:
            text, at = _wild(pattern, at, by_name=by_name)
            parts.append(text)
    return b"".join(parts)


def _bracket(found: re.Match[bytes]) -> bytes:
    inside = re.sub(rb"[&~|^]", rb"\\\g<0>", found[2])
    return b"(?!/)[" + (b"^" if found[1] else b"") + inside + b"]"


def _wild(pattern: bytes, at: int, *, by_name: bool) -> tuple[bytes, int]:
    for sign, meaning in _WILD[3 if by_name else 0 :]:
        found = sign.match(pattern, at)
        if found:
            return meaning, found.end()
    return re.escape(pattern[at : at + 1]), at + 1
