#!/usr/bin/env python3
"""Draw docs/recovery.svg: a real wreck, a real check and a real recovery, as a terminal shows them.

    python docs/picture.py

Left out are the evidence, the plan and the sentences of what went well.
"""

import os
import pty
import re
import subprocess  # noqa: TID251 -- it runs unjam as a person does, on a terminal
import sys
import tempfile
from contextlib import suppress
from io import StringIO
from pathlib import Path

import psutil
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
WRECK = "unjam.demo.sandbox.wreck"
TARGET = ROOT / "docs" / "recovery.svg"
WIDTH = 96
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
STYLING = re.compile(r"\x1b\[[0-9;]*m")
PATIENCE = 20.0  # seconds for the orchestrator that was started again
LEFT_OUT = re.compile(r"^(    |note: |to take it back|\s*$)")
PLAN = re.compile(r"^plan [^\n]*\n(?:.*\S.*\n)*", re.MULTILINE)
OUTCOME = re.compile(r" *(done|refused|already done|failed)  ")
TROUBLE = re.compile(r" *(refused|failed)  ")


def main() -> None:
    """Wreck, check, recover, draw."""
    with tempfile.TemporaryDirectory(prefix="unjam-", ignore_cleanup_errors=True) as directory:
        sandbox = Path(directory).resolve()
        subprocess.run([sys.executable, "-m", WRECK, str(sandbox)], check=True, stdout=sys.stderr)
        lines = [*typed(sandbox, "check"), "", *typed(sandbox, "recover", "--yes")]
        end_what_works_in(sandbox)
    TARGET.write_text(drawn(lines))


def typed(sandbox: Path, *words: str) -> list[str]:
    """Run a command on a terminal; returns what it prints, shortened."""
    kept: list[str] = []
    before = ""
    said = on_terminal(sandbox, *words).replace("\r\n", "\n")
    plan = PLAN.search(STYLING.sub("", said))
    planned = set(plan[0].splitlines()) if plan else set()
    for line in said.splitlines():
        plain = STYLING.sub("", line)
        again = "recover" in words and plain.startswith("error: ")
        wanted = OUTCOME.match(plain) or TROUBLE.match(before) or not LEFT_OUT.match(plain)
        if wanted and not again and plain not in planned:
            kept.append(line)
        before = plain
    return [f"\x1b[1;36m$ unjam {' '.join(words)}\x1b[0m", *kept]


def on_terminal(sandbox: Path, *words: str) -> str:
    """Run unjam with a pseudo-terminal as its standard output."""
    ours, theirs = pty.openpty()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(sandbox / "prefect"),
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "unjam", "--repo", str(sandbox / "shop"), *words]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=sys.stderr, env=environment
    )
    os.close(theirs)
    said = b""
    with suppress(OSError):  # a terminal whose other end is closed answers so
        while piece := os.read(ours, 65536):
            said += piece
    process.wait()
    return said.decode()


def end_what_works_in(sandbox: Path) -> None:
    """Let the orchestrator that was started again finish; end what does not."""
    inside = [one for one in psutil.process_iter() if works_in(one, sandbox)]
    for process in psutil.wait_procs(inside, timeout=PATIENCE)[1]:
        process.kill()


def works_in(process: psutil.Process, sandbox: Path) -> bool:
    """Tell whether a process has its working directory there."""
    try:
        return Path(process.cwd()).is_relative_to(sandbox)
    except psutil.Error:
        return False


def drawn(lines: list[str]) -> str:
    """Draw lines of a terminal without anything that would have to be fetched."""
    console = Console(record=True, width=WIDTH, file=StringIO(), highlight=False)
    for line in lines:
        console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True, crop=True)
    drawing = console.export_svg(title="unjam", unique_id="unjam")
    drawing = re.sub(r"@font-face\s*{[^}]*}", "", drawing)
    drawing = re.sub(r"[ \t]+$", "", drawing, flags=re.MULTILINE)
    return drawing.replace("font-family: Fira Code, monospace", f"font-family: {FONT}")


if __name__ == "__main__":
    main()
