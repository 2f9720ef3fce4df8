#!/usr/bin/env python3
"""Note every content a checkout, an index or a commit holds, and tell later what is gone for ever.

``worth.py note REPOSITORY FILE`` writes the list, ``worth.py lost REPOSITORY FILE`` prints the names
of what no ref, no reflog, no index, no file and no vault holds any more. The same measure is taken of what
is done by hand and of what unjam does. It is a program of the sandbox, and no part of unjam.
"""

import hashlib
import json
import os
import subprocess  # noqa: TID251 -- a program of its own: unjam's adapters are not its business
import sys
from collections.abc import Iterator
from pathlib import Path

LIVING = "draft.py"  # an orphan goes on writing it, so that its content is never twice the same
NOTHING = "0" * 40
LEFT_OUT = {".git", ".state", "logs"}


def note(shop: Path) -> dict[str, str]:
    """Name every content of value by its object id."""
    found = {one: f"commit {one[:8]}" for one in git(shop, "rev-list", "--all", "--reflog")}
    for tree in [shop, *sorted((shop / ".worktrees").glob("*"))]:
        for path in files(tree):
            found[blob(path)] = str(path.relative_to(shop))
        for line in git(tree, "ls-files", "--stage", damaged=True):
            name = line.partition("\t")[2]
            if line.split()[1] == NOTHING:
                continue  # what Git makes of a damaged index
            staged = str((tree / name).relative_to(shop))
            found.setdefault(line.split()[1], f"{staged} as staged")
    return found


def lost(shop: Path, noted: dict[str, str]) -> list[str]:
    """Name what can be reached no more."""
    listing = git(shop, "rev-list", "--objects", "--all", "--reflog", "--indexed-objects")
    kept = {line.split(" ")[0] for line in listing}
    vault = shop / ".git" / "unjam" / "vault"
    private = vault.with_suffix(".git")  # a repository of its own for what was saved
    if private.is_dir():
        kept |= {line.split(" ")[0] for line in git(private, "rev-list", "--objects", "--all")}
    places = [shop, *sorted((shop / ".worktrees").glob("*")), *sorted(vault.glob("*"))]
    kept |= {blob(path) for place in places for path in files(place)}
    return sorted(name for one, name in noted.items() if one not in kept)


def files(tree: Path) -> Iterator[Path]:
    """Yield the files of a checkout, but those of the worktrees below it."""
    for directory, names, found in os.walk(tree):
        names[:] = [one for one in names if one not in LEFT_OUT | {".worktrees", "__pycache__"}]
        yield from (Path(directory, one) for one in found if one not in {".git", LIVING})


def blob(path: Path) -> str:
    """Name a file's content as Git does."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def git(where: Path, *arguments: str, damaged: bool = False) -> list[str]:
    """Ask Git, which has no answer where a worktree is damaged."""
    command = ("git", "-C", str(where), *arguments)
    ended = subprocess.run(command, check=not damaged, capture_output=True, text=True)
    return [] if ended.returncode else ended.stdout.splitlines()


def main() -> None:
    """Note or tell."""
    verb, shop, file = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if verb == "note":
        file.write_text(json.dumps(note(shop)))
    else:
        sys.stdout.writelines(f"{name}\n" for name in lost(shop, json.loads(file.read_text())))


if __name__ == "__main__":
    main()
