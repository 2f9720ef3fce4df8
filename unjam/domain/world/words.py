"""How counts and names are said."""


def counted(number: int, noun: str) -> str:
    """Say ``1 path``, ``2 paths``, ``no paths``; the noun takes an s."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    r"""Show bytes that are no text as ``\xff``: a name from disk may hold any."""
    if text.isascii():  # as most are, and a large fleet has very many
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
