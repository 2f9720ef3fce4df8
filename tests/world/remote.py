"""The bare repository the trunk is pushed to."""

import tempfile
from pathlib import Path

from tests.world.shell import git


class Origin:
    """A remote on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        git("init", "--quiet", "--bare", "--initial-branch=main", str(path), cwd=path.parent)

    @property
    def tip(self) -> str:
        """Where its trunk is."""
        return git("rev-parse", "refs/heads/main", cwd=self.path)

    def moves(self, name: str, text: str) -> str:
        """Let somebody else push a change of this file; the new commit."""
        with tempfile.TemporaryDirectory(dir=self.path.parent) as elsewhere:
            clone = Path(elsewhere, "clone")
            git("clone", "--quiet", str(self.path), str(clone), cwd=self.path.parent)
            (clone / name).write_text(text)
            git("add", "--all", cwd=clone)
            git("commit", "--quiet", "-m", "Somebody else's commit", cwd=clone)
            git("push", "--quiet", "origin", "main", cwd=clone)
        return self.tip

    def refuses_pushes(self) -> None:
        """Answer every push with no, as a protected branch does."""
        hook = self.path / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho 'protected branch' >&2\nexit 1\n")
        hook.chmod(0o755)

    def disappears(self) -> None:
        """Be where nobody finds it."""
        self.path.rename(self.path.with_name(f"{self.path.name}.gone"))
