"""Take secrets out of text before it leaves the machine: by their shape, by what names them, by value.

Too much is taken out rather than too little: whoever reads has the original at hand.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from unjam.domain.redaction.secret_patterns import COLOUR, NAMED, SECRET_NAME, SHAPES, WORD

REDACTED = "[redacted]"
_SHORTEST = 8  # characters; what is shorter is not looked for by value: it would be everywhere
_SHORTEST_VARIABLE = 6  # characters; what a variable says is secret is looked for as a whole word
_SETTING = 3  # columns at most: a name, a value, and a number of the row or so
_RANDOM = 3.6  # bits a character, above which a long word is no word
_LONGEST_WORD = 16  # characters between two dashes or underscores
_AROUND = re.compile(r"\A(?:\\*[\"']|&quot;|%22)+|(?:\\*[\"']|&quot;|%22)+\Z")
_PIECE = re.compile(r"[^\s\"',;&|<>()\[\]{}]+")
_ASSIGNED = re.compile(r"[=:]\W*\Z|>\Z")  # a value follows, and not prose
# What may follow a name without being a secret; taken out there, and left alone elsewhere.
_PLAIN = frozenset(
    {
        "accepted",
        "completed",
        "conflict",
        "disabled",
        "discarded",
        "enabled",
        "expected",
        "forbidden",
        "localhost",
        "required",
        "rejected",
        "reverted",
        "succeeded",
        "unauthorized",
    }
)
_NOTHING = ("", "none", "null", "true", "false")
_PLACES = (
    "PWD",
    "OLDPWD",
    "SSH_AUTH_SOCK",
    "XAUTHORITY",
    "GNUPGHOME",
)  # of these the value is a path


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets, and those that were found by their shape or their name."""

    text: str
    found: frozenset[str]


def redact(text: str, known: Iterable[str] = ()) -> Redacted:
    """Take out what is known to be secret and what looks as if it were."""
    found: set[str] = set()
    text = COLOUR.sub("", _without_known(text, known))
    for pattern in (*SHAPES, *NAMED):
        text = pattern.sub(lambda one: _without_value(one, found), text)
    text = WORD.sub(lambda one: _noted(one[0], found) if is_random(one[0]) else one[0], text)
    return Redacted(text, frozenset(one for one in found if len(one) >= _SHORTEST))


def is_clean(text: str, known: Iterable[str]) -> bool:
    """Tell that there is nothing in a text to be taken out."""
    return redact(text, known).text == COLOUR.sub("", text)


def secrets_among(environment: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the values of variables that are secret by their name, and what looks secret in others."""
    found: set[str] = set()
    for name, value in environment:
        if name in _PLACES:
            continue
        if is_secret_name(name) and len(value) >= _SHORTEST_VARIABLE:
            found.add(value)
        inside = redact(value)
        if len(value) >= _SHORTEST and inside.text != value:
            found |= {value, *inside.found}
    return frozenset(found)


def secret_cells(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> frozenset[str]:
    """Return what stands in a column that is named like a secret, or beside such a name.

    Beside it only in a table of settings, of three columns at most: else the name may be anything's.
    """
    named = {
        number
        for number, column in enumerate(columns)
        if is_secret_name(column) and column.lower() != "key"
    }
    found: set[str] = set()
    for row in rows:
        texts = {number: one for number, one in enumerate(row) if isinstance(one, str)}
        is_setting = len(row) <= _SETTING and any(map(_is_whole_name, texts.values()))
        found |= {
            one
            for number, one in texts.items()
            if number in named or (is_setting and not _is_whole_name(one))
        }
    return frozenset(one for one in found if len(one) >= _SHORTEST_VARIABLE) - _PLAIN


def _is_whole_name(text: str) -> bool:
    return re.fullmatch(r"[\w.-]{1,60}", text) is not None and is_secret_name(text)


def is_secret_name(name: str) -> bool:
    """Tell that what is called so is a secret: a variable, a column, a setting."""
    return bool(SECRET_NAME.search(name))


def is_random(word: str) -> bool:
    """Tell a key from a name: long without a break, of mixed kinds, and hard to guess."""
    longest = max(map(len, re.split(r"[_-]", word)))
    kinds = sum(bool(re.search(kind, word)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return longest >= _LONGEST_WORD and kinds == 3 and _entropy(word) >= _RANDOM  # noqa: PLR2004 -- all of them


def _without_known(text: str, known: Iterable[str]) -> str:
    for value in sorted(_spellings(known), key=len, reverse=True):
        if len(value) >= _SHORTEST:
            text = text.replace(value, REDACTED)
        elif value in text:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", REDACTED, text)
    return text


def _without_value(match: re.Match[str], found: set[str]) -> str:
    """Take the secret out of what was matched, leaving its quotes; what says that there is none stays."""
    if "value" not in match.re.groupindex:
        return _noted(match[0], found)
    value, start = match["value"], match.start("value") - match.start()
    inner = _AROUND.sub("", value)
    if inner.strip().lower() in _NOTHING or inner.strip(" ,;)]}") == REDACTED:
        return match[0]
    is_prose = not _ASSIGNED.search(match[0][:start])
    found |= {one for one in _pieces(inner) if not (is_prose and one.isalpha())}
    around = value.partition(inner)
    kept = f"{around[0]}{REDACTED}{around[2]}"
    return f"{match[0][:start]}{kept}{match[0][start + len(value) :]}"


def _pieces(secret: str) -> set[str]:
    """Return what of a secret is looked for elsewhere: the whole, and each part it may be of."""
    whole = secret.replace(REDACTED, "").strip()
    return {whole, *_PIECE.findall(whole)} - _PLAIN


def _noted(secret: str, found: set[str]) -> str:
    if REDACTED in secret:
        return secret
    found.add(secret)
    return REDACTED


def _spellings(known: Iterable[str]) -> Iterator[str]:
    """Yield each value as it may be written: plain, in a URL, in JSON or Python source."""
    for value in known:
        if len(value) >= _SHORTEST_VARIABLE:
            plain = repr(value)[1:-1]
            yield from {value, quote(value, safe=""), plain, plain.replace('"', '\\"')}
            yield from (line for line in value.splitlines() if len(line) >= _SHORTEST)


def _entropy(word: str) -> float:
    counts = Counter(word).values()
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts)
