"""Take secrets out of text before it leaves the machine: by their shape, by what names them, by value.

Too much is taken out rather than too little: whoever reads has the original at hand.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

REDACTED = "[redacted]"
_SHORTEST = 8  # characters; what is shorter is not looked for by value: it would be everywhere
_RANDOM = 3.6  # bits a character, above which a long word is no word
_LONGEST_WORD = 16  # characters between two dashes or underscores

_NAME = (
    r"[\w.-]*(?:secret|token(?!s\b)|passw(?:or)?d|passwd|passphrase|pwd|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|credential|auth(?!or)|bearer|cookie|dsn)[\w.-]*"
)
_VALUE = r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[^\s\"',;&|<>]+"
_SHAPES = tuple(
    re.compile(one)
    for one in (
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)",
        r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)",
        r"(?i)(?<=authorization: )\w+ \S+",
        r"(?i)(?<=\bbearer )[\w.~+/=-]{8,}",
        r"\b[sr]k-[A-Za-z0-9_-]{16,}",
        r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
        r"\bgh[pousr]_[A-Za-z0-9]{16,}",
        r"\bgithub_pat_[A-Za-z0-9_]{20,}",
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
        r"\bAIza[0-9A-Za-z_-]{30,}",
        r"\bya29\.[0-9A-Za-z_-]{16,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        r"\b(?:npm|hf|pypi|dop_v1|figd|shpat|lin_api)[_-][A-Za-z0-9_-]{16,}",
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}",
    )
)
_NAMED = re.compile(
    rf"(?i)(?P<name>{_NAME})(?P<sep>[\"']?\s*(?:=>|:=|[:=]|\bis\b)\s*)(?P<value>{_VALUE})"
)
_OPTION = re.compile(rf"(?i)(?P<name>--?{_NAME})(?P<sep>\s+)(?P<value>(?!-){_VALUE})")
_WORD = re.compile(r"[A-Za-z0-9+_=-]{24,}|[A-Za-z0-9+/]{60,}={0,2}")
_PLACES = (
    "PWD",
    "OLDPWD",
    "SSH_AUTH_SOCK",
    "XAUTHORITY",
    "GNUPGHOME",
)  # of these the value is a path
_SECRET_NAME = re.compile(rf"(?i)^{_NAME}$|key$|_pass$|_pat$")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets, and those that were found by their shape or their name."""

    text: str
    found: frozenset[str]


def redact(text: str, known: Iterable[str] = ()) -> Redacted:
    """Take out what is known to be secret and what looks as if it were."""
    found: set[str] = set()
    for value in sorted(_spellings(known), key=len, reverse=True):
        text = text.replace(value, REDACTED)
    for shape in _SHAPES:
        text = shape.sub(lambda one: _noted(one[0], found), text)
    for named in (_NAMED, _OPTION):
        text = named.sub(
            lambda one: f"{one['name']}{one['sep']}{_value(one['value'], found)}", text
        )
    text = _WORD.sub(lambda one: _noted(one[0], found) if is_random(one[0]) else one[0], text)
    return Redacted(text, frozenset(one for one in found if len(one) >= _SHORTEST))


def secrets_among(environment: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the values of variables that are secret by their name, or by how they look."""
    return frozenset(
        value
        for name, value in environment
        if len(value) >= _SHORTEST
        and name not in _PLACES
        and (_SECRET_NAME.search(name) or redact(value).text != value)
    )


def is_random(word: str) -> bool:
    """Tell a key from a name: long without a break, of mixed kinds, and hard to guess."""
    longest = max(map(len, re.split(r"[_-]", word)))
    kinds = sum(bool(re.search(kind, word)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return longest >= _LONGEST_WORD and kinds == 3 and _entropy(word) >= _RANDOM  # noqa: PLR2004 -- all of them


def _value(value: str, found: set[str]) -> str:
    """Take out a value, leaving its quotes; what says that there is none stays."""
    quotes = value[0] if value[0] in "\"'" else ""
    inner = value[1:-1] if quotes else value
    if inner.lower() in ("", "none", "null", "true", "false", REDACTED) or REDACTED in inner:
        return value
    found.add(inner)
    return f"{quotes}{REDACTED}{quotes}"


def _noted(secret: str, found: set[str]) -> str:
    if REDACTED in secret:
        return secret
    found.add(secret)
    return REDACTED


def _spellings(known: Iterable[str]) -> Iterator[str]:
    """Yield each value as it may be written: plain, in a URL, in JSON or Python source."""
    for value in known:
        if len(value) >= _SHORTEST:
            plain = repr(value)[1:-1]
            yield from {value, quote(value, safe=""), plain, plain.replace('"', '\\"')}
            yield from (line for line in value.splitlines() if len(line) >= _SHORTEST)


def _entropy(word: str) -> float:
    counts = Counter(word).values()
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts)
