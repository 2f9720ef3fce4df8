"""How counts and names are said."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Say ``1 path``, ``2 paths``, ``no paths``; the noun takes an s."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def first_few(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Say ``a, b and 3 more``: no sentence names more than a person reads."""
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more} more" if more > 0 else "")


def printable(text: str) -> str:
    r"""Show bytes that are no text as ``\xff``: a name from disk may hold any."""
    if text.isascii():  # as most are, and a large fleet has very many
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
