"""Tell where Git may store other bytes than a file holds, from the attributes above the file."""

import re
from enum import IntEnum

from unjam.adapters.git.files import read_small

_ALWAYS = re.compile(rb"filter|ident|working-tree-encoding")
_LINE_ENDS = re.compile(rb"text|eol|crlf")
_LIMIT = 1 << 24  # bytes
_ON = {"true", "input", "yes", "on", "1"}


class Conversion(IntEnum):
    """How much a file's bytes may differ from its blob."""

    NONE = 0
    LINE_ENDS = 1  # only where the file has a carriage return
    ANY = 2


class Attributes:
    """The attributes of one worktree, read only where somebody asks."""

    def __init__(self, root: bytes, shared: bytes, *, autocrlf: str = "") -> None:
        self._root = root
        self._known: dict[bytes, Conversion] = {}
        self._everywhere = _named_in(shared)
        if autocrlf.lower() in _ON:
            self._everywhere = max(self._everywhere, Conversion.LINE_ENDS)

    def conversion_in(self, directory: bytes) -> Conversion:
        """Return the most that any attribute in force below this directory could convert."""
        known = self._known.get(directory)
        if known is None:
            here = self._root + b"/" + directory if directory else self._root
            content = read_small(here + b"/.gitattributes", limit=_LIMIT)
            above = (
                self.conversion_in(directory.rpartition(b"/")[0]) if directory else self._everywhere
            )
            known = self._known[directory] = max(above, _named_in(content or b""))
        return known


def _named_in(content: bytes) -> Conversion:
    if _ALWAYS.search(content):
        return Conversion.ANY
    return Conversion.LINE_ENDS if _LINE_ENDS.search(content) else Conversion.NONE
