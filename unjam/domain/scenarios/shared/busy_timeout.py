"""Suggest to an orchestrator, as a patch, how long it should wait for its own database.

The timeout belongs to each connection, so that only the program that makes it can set it.
"""

import difflib
import re

SECONDS = 30
_CONNECT = re.compile(r"\bsqlite3\.connect\((?P<given>(?:[^()\n]|\([^()\n]*\))+)\)")


def timeout_patch(name: str, text: str) -> str:
    """Return a unified diff that gives every connection a timeout; empty where all have one."""
    patched = _CONNECT.sub(_with_timeout, text)
    lines = difflib.unified_diff(
        text.splitlines(keepends=True),
        patched.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _with_timeout(found: re.Match[str]) -> str:
    given = found["given"].rstrip()
    if re.search(r"\btimeout\s*=", given) or given.endswith("*"):
        return found[0]
    return f"sqlite3.connect({given.rstrip(',')}, timeout={SECONDS})"
