"""Take entries out of a spec's ``depends_on``; every other byte of the file stays as it is."""

import json
import re
from collections.abc import Collection, Iterator

_SPACE = re.compile(r"[ \t\r\n]*")
_BOM = "\ufeff"
_DECODER = json.JSONDecoder()

Span = tuple[int, int]


def without_dependencies(content: bytes, removed: Collection[str]) -> bytes:
    """Return the file without these entries; raises ValueError if it is no spec that holds a list."""
    text = content.decode("utf-8")
    start = _list_of_dependencies(text)
    entries = list(_entries(text, start))
    kept = [span for span, value in entries if value not in removed]
    if len(kept) == len(entries):
        return content
    edited = text[: start + 1] + _kept(text, start, [span for span, _ in entries], kept)
    _prove(text, edited, removed)
    return edited.encode("utf-8")


def _kept(text: str, start: int, entries: list[Span], kept: list[Span]) -> str:
    """Write the list anew from what stood before its first entry, and between each two of them."""
    end = entries[-1][1]
    if not kept:
        rest = _SPACE.match(text, end)
        return text[rest.end() if rest else end :]
    parts = [text[start + 1 : entries[0][0]]]
    for number, span in enumerate(entries):
        if span not in kept:
            continue
        if span != kept[0]:
            parts.append(text[entries[number - 1][1] : span[0]])
        parts.append(text[slice(*span)])
    return "".join(parts) + text[end:]


def _list_of_dependencies(text: str) -> int:
    """Find where the list begins; of several keys of the name the last one counts, as in JSON."""
    at = _after_space(text, 1 if text.startswith(_BOM) else 0)
    _expect(text, at, "{")
    at, found = _after_space(text, at + 1), -1
    while text[at] != "}":
        _expect(text, at, '"')
        name, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        _expect(text, at, ":")
        at = _after_space(text, at + 1)
        if name == "depends_on":
            found = at
        at = _after_space(text, _DECODER.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _after_space(text, at + 1)
    if found < 0:
        raise ValueError("it has no depends_on")
    _expect(text, found, "[")
    return found


def _entries(text: str, start: int) -> Iterator[tuple[Span, object]]:
    at = _after_space(text, start + 1)
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        yield (at, end), value
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _prove(before: str, after: str, removed: Collection[str]) -> None:
    """Raise ValueError unless both say the same but for what was to be removed."""
    wanted, got = (json.loads(one.removeprefix(_BOM)) for one in (before, after))
    wanted["depends_on"] = [one for one in wanted["depends_on"] if one not in removed]
    if got != wanted:
        raise ValueError("its depends_on could not be edited without changing something else")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, sign: str) -> None:
    if text[at : at + 1] != sign:
        raise ValueError(f"{sign} expected at character {at}")
