"""Print for people and for programs."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unjam.domain.world.words import printable

if TYPE_CHECKING:
    from rich.table import Table

Heads = tuple[str, ...]
Rows = list[tuple[str, ...]]


def as_json(document: dict[str, Any]) -> None:
    """Print one JSON document and nothing else: indented for eyes, on one line for programs."""
    indent = 2 if sys.stdout.isatty() else None  # a large fleet's is written seven times as fast
    sys.stdout.write(json.dumps(document, indent=indent, default=str) + "\n")


def shown(text: str) -> str:
    """Make any name safe for a terminal: what is not printable is shown as an escape."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in printable(text))


def ask(question: str) -> bool:
    """Ask a person on the terminal; anything but yes is no."""
    return _answer(f"{shown(question)} [y/N] ").lower() in ("y", "yes")


def typed(question: str) -> str:
    """Let a person type something on the terminal."""
    return _answer(f"{shown(question)}: ")


def _answer(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def is_terminal() -> bool:
    """Tell whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Page:
    """Lines for a person: styled on a terminal; plain and whole when piped, and then sooner there."""

    def __init__(self) -> None:
        self._styled = _Styled() if sys.stdout.isatty() else None

    def line(self, text: str = "", style: str = "") -> None:
        """Print one line, whatever the names in it hold."""
        safe = shown(text)
        if self._styled is None:
            sys.stdout.write(f"{safe}\n")
        else:
            self._styled.line(safe, style)

    def table(self, heads: Heads, rows: Rows) -> None:
        """Print rows in columns; every name stands there whole."""
        safe = [tuple(shown(cell) for cell in row) for row in rows]
        if self._styled is not None:
            self._styled.table(heads, safe)
            return
        widths = [max(map(len, column)) for column in zip(heads, *safe, strict=True)]
        for row in (heads, *safe):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write("  ".join(cells).rstrip() + "\n")


class _Styled:
    """Rich, imported only where it is seen."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def line(self, text: str, style: str) -> None:
        self._console.print(text, style=style or None)

    def table(self, heads: Heads, rows: Rows) -> None:
        self._console.print(_grid(heads, rows))


def _grid(heads: Heads, rows: Rows) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


@contextmanager
def following() -> Iterator[Callable[[str, Heads, Rows], None]]:
    """Show one page again and again: in its place on a terminal, one below the other when piped."""
    if not sys.stdout.isatty():
        yield _again
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False) as live:

        def show(headline: str, heads: Heads, rows: Rows) -> None:
            safe = [tuple(shown(cell) for cell in row) for row in rows]
            head = Text(shown(headline), style="bold")
            live.update(Group(head, _grid(heads, safe)), refresh=True)

        yield show


def _again(headline: str, heads: Heads, rows: Rows) -> None:
    page = Page()
    page.line(headline)
    page.table(heads, rows)
    page.line()
    sys.stdout.flush()


def progress_line() -> Callable[[object], None]:
    """Return what shows how far long work is: one line that is written over, on a terminal only."""
    from unjam.engine.culprits.search import SearchProgress

    def tell(progress: object) -> None:
        if sys.stderr.isatty() and isinstance(progress, SearchProgress):
            sys.stderr.write(f"\r\x1b[K{shown(progress.sentence)}")
            sys.stderr.write("\n" if progress.left == 0 and progress.interval is None else "")
            sys.stderr.flush()

    return tell
