"""How the demonstration looks: titles, commands, claims, and the real output between them."""

import io
import re
from typing import TextIO

from unjam.cli.say import Page

_STYLING = re.compile(r"\x1b\[[0-9;]*m")


class Screen:
    """Prints the story line by line, so that it can be followed also through a pipe."""

    def __init__(self) -> None:
        self._page = Page()
        self._parts = 0

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line."""
        self._page.line(text, style)

    def title(self, text: str) -> None:
        """Begin a part."""
        self._parts += 1
        self._page.line()
        self._page.line(f"--- {self._parts}. {text}", "bold magenta")

    def command(self, text: str) -> None:
        """Show what is typed."""
        self._page.line()
        self._page.line(f"$ {text}", "bold cyan")

    def claim(self, text: str, *, held: bool) -> None:
        """Say that something was seen to hold, or was not."""
        if held:
            self._page.line(f"seen: {text}", "bold green")
        else:
            self._page.line(f"NOT SEEN: {text}", "bold red")


class Excerpt(io.TextIOBase):
    """Passes lines on from the first that matches, without hidden ones; ``[...]`` for what is left out."""

    def __init__(self, target: TextIO, first: re.Pattern[str], hidden: re.Pattern[str]) -> None:
        self._target = target
        self._first: re.Pattern[str] | None = first
        self._hidden = hidden
        self._marked = False
        self._begun = ""

    def write(self, text: str) -> int:
        """Pass on every line that is complete."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._line(line)
        return len(text)

    def _line(self, line: str) -> None:
        plain = _STYLING.sub("", line)
        if self._first is not None and self._first.search(plain):
            self._first = None
        if self._first is None and not self._hidden.search(plain):
            self._target.write(f"{line}\n")
            self._marked = False
        elif not self._marked:
            self._target.write("[...]\n")
            self._marked = True

    def flush(self) -> None:
        """Let what was passed on be seen."""
        self._target.flush()

    def isatty(self) -> bool:
        """Look like what it passes on to, so that colours stay."""
        return self._target.isatty()

    def fileno(self) -> int:
        """Name the terminal, whose size is asked for."""
        return self._target.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What can be written there."""
        return self._target.encoding
