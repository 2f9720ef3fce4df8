"""Counts as people say them."""


def counted(number: int, noun: str) -> str:
    """Say ``1 path``, ``2 paths``, ``no paths``; the noun takes an s."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
