"""Print for people and for programs."""

import json
import sys
from typing import Any

from unjam.domain.report import printable


def as_json(document: dict[str, Any]) -> None:
    """Print one JSON document and nothing else."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def shown(text: str) -> str:
    """Make any name safe for a terminal: what is not printable is shown as an escape."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in printable(text))


def ask(question: str) -> bool:
    """Ask a person on the terminal; anything but yes is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def is_terminal() -> bool:
    """Tell whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


_PIPED = 2000  # columns


class Page:
    """Lines for a person: styled on a terminal, plain when piped."""

    def __init__(self) -> None:
        from rich.console import Console

        # Piped, a column is as wide as its widest cell: programs and eyes want whole names.
        width = None if sys.stdout.isatty() else _PIPED
        self._console = Console(
            highlight=False, markup=False, emoji=False, soft_wrap=True, width=width
        )

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line of trusted layout around names that are made safe."""
        self._console.print("\n".join(shown(one) for one in text.split("\n")), style=style or None)

    def table(self, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Print rows in columns."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in heads:
            table.add_column(head, no_wrap=True)
        for row in rows:
            table.add_row(*(Text(shown(cell)) for cell in row))
        self._console.print(table)
