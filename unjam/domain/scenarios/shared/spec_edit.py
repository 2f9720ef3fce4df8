"""Edit a spec: entries out of ``depends_on``, text into ``context``; every other byte stays as it is."""

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


def with_context(content: bytes, told: str) -> bytes:
    """Return the file with this text in its ``context``, behind what is there; as it is if it says so.

    Raises ValueError if it is no spec, or its context is neither text nor a list.
    """
    text = content.decode("utf-8")
    found = _member(text, "context")
    now = _DECODER.raw_decode(text, found[0])[0] if found else None
    match now:
        case None:
            wanted: object = told
        case str():
            wanted = now if told in now else f"{now}\n\n{told}" if now else told
        case list():
            wanted = now if told in now else [*now, told]
        case _:
            raise ValueError("its context is neither a text nor a list")
    if wanted == now:
        return content
    edited = _said(text, found, now, (told, wanted))
    before, after = (json.loads(one.removeprefix(_BOM)) for one in (text, edited))
    if after != before | {"context": wanted}:
        raise ValueError("its context could not be edited without changing something else")
    return edited.encode("utf-8")


def _said(text: str, found: Span | None, now: object, words: tuple[str, object]) -> str:
    """Write the context anew; into a list only the new entry, spaced as the last one is."""
    told, wanted = words
    if found is None:
        *_, (_, (_, end), space) = _members(text)
        return f'{text[:end]},{space}"context": {json.dumps(wanted)}{text[end:]}'
    start, end = found
    if not isinstance(now, list) or not now:
        return text[:start] + json.dumps(wanted) + text[end:]
    spans = [span for span, _ in _entries(text, start)]
    first, last = spans[-1]
    alone = len(spans) == 1
    space = text[start + 1 : first] if alone else text[spans[-2][1] : first].partition(",")[2]
    return f"{text[:last]},{space}{json.dumps(told)}{text[last:]}"


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
    """Find where the list begins."""
    found = _member(text, "depends_on")
    if found is None:
        raise ValueError("it has no depends_on")
    _expect(text, found[0], "[")
    return found[0]


def _member(text: str, wanted: str) -> Span | None:
    """Find the value of a key; of several keys of the name the last one counts, as in JSON."""
    values = [value for name, value, _ in _members(text) if name == wanted]
    return values[-1] if values else None


def _members(text: str) -> Iterator[tuple[object, Span, str]]:
    """Yield every key of the object, where its value stands, and the space before the key."""
    at = _after_space(text, 1 if text.startswith(_BOM) else 0)
    _expect(text, at, "{")
    before, at = at + 1, _after_space(text, at + 1)
    while text[at] != "}":
        _expect(text, at, '"')
        space = text[before:at]
        name, at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        _expect(text, at, ":")
        start = _after_space(text, at + 1)
        end = _DECODER.raw_decode(text, start)[1]
        yield name, (start, end), space
        before = at = _after_space(text, end)
        if text[at] == ",":
            before, at = at + 1, _after_space(text, at + 1)


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
