"""Every way Git has to copy a repository or to show what is in it, and a search through what it gives."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.world.shell import git

SECRETS = (b"sk-ignored-7f31", b"sk-untracked-7f32", b"sk-staged-7f33", b"sk-nested-7f34")
Copy = Callable[[Path, Path], bytes]


def plant(tree: Path) -> None:
    """Leave secrets in a worktree in every place that only a salvage reads."""
    (tree / ".gitignore").write_text(".env\n")
    (tree / ".env").write_bytes(SECRETS[0])
    (tree / ".env").chmod(0o600)
    (tree / "notes.txt").write_bytes(SECRETS[1])
    (tree / "staged.txt").write_bytes(SECRETS[2])
    git("add", "staged.txt", cwd=tree)
    (tree / "staged.txt").write_text("edited\n")
    (tree / "nested").mkdir()
    git("init", "--quiet", cwd=tree / "nested")
    (tree / "nested/inner.txt").write_bytes(SECRETS[3])


def objects_in(place: Path) -> bytes:
    """The content of every object in a store, loose or packed, reached or not."""
    return output("cat-file", "--batch-all-objects", "--batch", "--unordered", cwd=place)


def output(*arguments: str | Path, cwd: Path) -> bytes:
    words = ("git", *map(str, arguments))
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True).stdout


def _cloned(*options: str) -> Copy:
    def clone(repo: Path, to: Path) -> bytes:
        git("clone", "--quiet", *options, str(repo), str(to), cwd=repo)
        return objects_in(to)

    return clone


def _pushed(repo: Path, to: Path) -> bytes:
    git("init", "--quiet", "--bare", str(to), cwd=repo)
    git("push", "--quiet", "--mirror", str(to), cwd=repo)
    return objects_in(to)


def _fetched(repo: Path, to: Path) -> bytes:
    git("init", "--quiet", "--bare", str(to), cwd=repo)
    git("fetch", "--quiet", str(repo), "+refs/*:refs/*", cwd=to)
    return objects_in(to)


def _bundled(repo: Path, to: Path) -> bytes:
    git("bundle", "create", "--quiet", f"{to}.bundle", "--all", cwd=repo)
    git("clone", "--quiet", "--mirror", f"{to}.bundle", str(to), cwd=repo)
    return objects_in(to)


def _worktree(repo: Path, to: Path) -> bytes:
    git("worktree", "add", "--quiet", "--detach", str(to), cwd=repo)
    found = b"".join(path.read_bytes() for path in to.rglob("*") if path.is_file())
    git("worktree", "remove", "--force", str(to), cwd=repo)
    return found


def _shown(*arguments: str) -> Copy:
    return lambda repo, _: output(*arguments, cwd=repo)


def _each_ref(repo: Path, _to: Path) -> bytes:
    names = output("for-each-ref", "--format=%(refname)", cwd=repo).decode().split()
    return b"".join(output("archive", name, cwd=repo) for name in names)


def _lost_and_found(repo: Path, _to: Path) -> bytes:
    git("fsck", "--lost-found", cwd=repo)
    folder = repo / ".git/lost-found"
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


COPIES: dict[str, Copy] = {
    "clone": _cloned("--no-local"),
    "local clone, by hard links": _cloned(),
    "clone --mirror": _cloned("--mirror", "--no-local"),
    "local clone --mirror": _cloned("--mirror"),
    "push --mirror": _pushed,
    "fetch of every ref": _fetched,
    "bundle --all": _bundled,
    "worktree": _worktree,
    "log --all -p": _shown("log", "--all", "-p", "-m", "--root"),
    "rev-list --all": _shown("rev-list", "--all", "--objects"),
    "fast-export --all": _shown("fast-export", "--all", "--signed-tags=strip"),
    "archive of every ref": _each_ref,
    "fsck --lost-found": _lost_and_found,
    "every object there is": lambda repo, _to: objects_in(repo),
}
# What a person staged is in the repository's own objects before anything is saved.
WITH_STAGED = {
    "local clone, by hard links",
    "local clone --mirror",
    "fsck --lost-found",
    "every object there is",
}
