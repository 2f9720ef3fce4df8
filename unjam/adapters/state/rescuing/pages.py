"""Read rows straight from the pages of a database file, whatever of the file is damaged.

A table is a tree of pages; each leaf says by itself how many rows it holds and where. So a leaf is
readable though nothing leads to it any more. https://sqlite.org/fileformat2.html has the format.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from unjam.adapters.state.file_format import FRAME_HEADER, HEADER, MAGIC, WAL_HEADER, page_size
from unjam.domain.world.snapshot import Scalar

_LEAF, _INTERIOR = 13, 5  # of a table
_KEYED_LEAF, _KEYED_INTERIOR = 10, 2  # of an index, or of a table without rowids
_WIDTHS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
_FLOAT, _ZERO, _FIRST_BLOB = 7, 8, 12
_ENCODINGS = {b"\0\0\0\x02": "utf-16-le", b"\0\0\0\x03": "utf-16-be"}
_DAMAGED = (IndexError, ValueError, struct.error)
_SIZES = (4096, 1024, 512, 2048, 8192, 16384, 32768, 65536)


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as its page holds it."""

    rowid: int  # 0 in a table without rowids
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Pages:
    """The pages of a database, those of its log before those of the file."""

    data: bytes
    size: int
    usable: int
    newer: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    encoding: str = "utf-8"

    def __len__(self) -> int:
        in_file = (len(self.data) + self.size - 1) // self.size
        return max((in_file, *self.newer))

    def page(self, number: int) -> bytes:
        """Return a page; a short one where the file ends."""
        if number in self.newer:
            return self.newer[number]
        return self.data[(number - 1) * self.size : number * self.size]

    def children(self, number: int) -> list[int] | None:
        """Return the pages an inner page leads to; None where it is no inner page."""
        page, start = self.page(number), HEADER if number == 1 else 0
        if self._kind(number) not in {_INTERIOR, _KEYED_INTERIOR}:
            return None
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        cells = page[start + 12 : start + 12 + 2 * count]
        offsets = (int.from_bytes(cells[at : at + 2], "big") for at in range(0, len(cells), 2))
        found = [int.from_bytes(page[at : at + 4], "big") for at in offsets]
        return [*found, int.from_bytes(page[start + 8 : start + 12], "big")]

    def is_leaf(self, number: int) -> bool:
        """Tell a page that holds rows of a table."""
        return self._kind(number) == _LEAF

    def is_keyed(self, number: int) -> bool:
        """Tell a page of an index, or of a table without rowids, whose inner pages hold rows too."""
        return self._kind(number) in {_KEYED_LEAF, _KEYED_INTERIOR}

    def rows(self, number: int) -> Iterator[RawRow]:
        """Yield the rows of a leaf, or of a page without rowids, that can be read whole."""
        page, start = self.page(number), HEADER if number == 1 else 0
        if not (self.is_leaf(number) or self.is_keyed(number)):
            return
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        if count > (self.size - 8) // 2:
            return
        is_inner = self._kind(number) == _KEYED_INTERIOR
        read = self._row if self.is_leaf(number) else self._keyed_row
        for index in range(count):
            at = start + (12 if is_inner else 8) + 2 * index
            try:
                yield read(page, int.from_bytes(page[at : at + 2], "big") + 4 * is_inner)
            except _DAMAGED:
                continue

    def unused(self) -> set[int]:
        """Return the pages of the free list: what they hold was deleted."""
        header = self.page(1)
        found: set[int] = set()
        trunk = int.from_bytes(header[32:36], "big") if header.startswith(MAGIC) else 0
        while trunk and trunk not in found and trunk <= len(self):
            found.add(trunk)
            page = self.page(trunk)
            count = min(int.from_bytes(page[4:8], "big"), self.size // 4 - 2)
            leaves = page[8 : 8 + 4 * count]
            found.update(
                int.from_bytes(leaves[at : at + 4], "big") for at in range(0, len(leaves), 4)
            )
            trunk = int.from_bytes(page[:4], "big")
        return found

    def _row(self, page: bytes, at: int) -> RawRow:
        length, at = varint(page, at)
        rowid, at = varint(page, at)
        payload = self._payload(page, at, length, self.usable - 35)
        return RawRow(_signed(rowid), _values(payload, self.encoding))

    def _keyed_row(self, page: bytes, at: int) -> RawRow:
        length, at = varint(page, at)
        payload = self._payload(page, at, length, (self.usable - 12) * 64 // 255 - 23)
        return RawRow(0, _values(payload, self.encoding))

    def _kind(self, number: int) -> int | None:
        page = self.page(number)
        return page[HEADER if number == 1 else 0] if len(page) == self.size else None

    def _payload(self, page: bytes, at: int, length: int, most: int) -> bytes:
        """Collect a record; of what does not fit into its page the rest lies on pages of its own."""
        usable = self.usable
        if length <= most:
            return page[at : at + length]
        least = (usable - 12) * 32 // 255 - 23
        inside = least + (length - least) % (usable - 4)
        inside = inside if inside <= most else least
        parts, left = [page[at : at + inside]], length - inside
        following = int.from_bytes(page[at + inside : at + inside + 4], "big")
        for _ in range(len(self)):
            if left <= 0 or not following:
                break
            more = self.page(following)
            parts.append(more[4 : 4 + min(usable - 4, left)])
            left -= len(parts[-1])
            following = int.from_bytes(more[:4], "big")
        return b"".join(parts)


def pages_of(data: bytes, log: bytes = b"") -> Pages:
    """Take a file and its log apart, however damaged; the size of a page is found out if need be."""
    newer, size = _logged(log)
    if data.startswith(MAGIC):
        size = page_size(data) or size
    reserved = data[20] if data.startswith(MAGIC) and len(data) >= HEADER else 0
    size = size or _likely_size(data)
    first = newer.get(1, data)[:HEADER]
    return Pages(data, size, size - reserved, newer, _encoding(first, data))


def _encoding(header: bytes, data: bytes) -> str:
    """Return how text is written: the header says it, and without one the definitions do."""
    if header.startswith(MAGIC):
        return _ENCODINGS.get(header[56:60], "utf-8")
    definition = "CREATE TABLE"
    wide = (one for one in _ENCODINGS.values() if definition.encode(one) in data)
    return "utf-8" if definition.encode() in data else next(wide, "utf-8")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read one of SQLite's integers of one to nine bytes; returns it and where it ends."""
    value = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:  # noqa: PLR2004 -- the high bit says that it goes on
            return value, at
    return (value << 8) | data[at], at + 1


def _values(payload: bytes, encoding: str) -> tuple[Scalar, ...]:
    head, at = varint(payload, 0)
    if not 0 < head <= len(payload):
        raise ValueError("not the head of a record")
    kinds = []
    while at < head:
        kind, at = varint(payload, at)
        kinds.append(kind)
    values = []
    for kind in kinds:
        width = _WIDTHS[kind] if kind in _WIDTHS else (kind - _FIRST_BLOB) // 2
        if kind in {10, 11} or at + width > len(payload):
            raise ValueError("not a record")
        values.append(_value(kind, payload[at : at + width], encoding))
        at += width
    if at != len(payload):
        raise ValueError("more than a record")
    return tuple(values)


def _value(kind: int, stored: bytes, encoding: str) -> Scalar:
    if kind == 0:
        return None
    if kind == _FLOAT:
        return float(struct.unpack(">d", stored)[0])
    if kind < _ZERO:
        return int.from_bytes(stored, "big", signed=True)
    if kind < _FIRST_BLOB:
        return kind - _ZERO
    if kind % 2 == 0:
        return stored
    return stored.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _logged(log: bytes) -> tuple[dict[int, bytes], int]:
    """Return the newest committed page of each number that a write-ahead log holds."""
    if len(log) < WAL_HEADER:
        return {}, 0
    size = int.from_bytes(log[8:12], "big")
    if size < 512 or size & (size - 1) or size > 65536:  # noqa: PLR2004 -- SQLite's own limits
        return {}, 0
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(WAL_HEADER, len(log) - FRAME_HEADER - size + 1, FRAME_HEADER + size):
        head = log[at : at + FRAME_HEADER]
        if head[8:16] != log[16:24]:
            break
        pending[int.from_bytes(head[:4], "big")] = log[at + FRAME_HEADER :][:size]
        if head[4:8] != b"\0\0\0\0":
            committed |= pending
            pending = {}
    return committed, size


def _likely_size(data: bytes) -> int:
    """Return the size of page by which most pages look like leaves with readable rows."""

    def readable(size: int) -> int:
        pages = Pages(data, size, size)
        return sum(1 for number in range(1, len(pages) + 1) if any(pages.rows(number)))

    return max(_SIZES, key=readable)
