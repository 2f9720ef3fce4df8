"""Whatever a worktree went through, we say of it what `git status` says."""

import os
import random
from pathlib import Path

import pytest

from tests.adapters.git.observing.looking import asked, look, told
from tests.adapters.git.scene import Scene
from tests.world.shell import git
from unjam.domain.world.truth import Truth

NAMES = (
    "a.txt",
    "b.txt",
    "lib/one.py",
    "lib/two.py",
    "lib/deep/three.py",
    "lib/deep/.hidden",
    "docs/guide.md",
    "docs/notes.tmp",
    "build/out.o",
    "data/keep.o",
    "data/[odd] name",
    "data/line\nend",
    "x/y/z/last",
)
IGNORES = (
    "*.o\nbuild/\n!data/keep.o\n",
    "*.tmp\n/lib/deep/\n",
    "**/deep\n*.py[co]\ndocs/*\n!docs/guide.md\n",
    "x/**/last\n\\#odd\nfoo\\ \n[!a-l]ib\n",
    "data/\n!data/\n*\n!*/\n!*.txt\n",
    "",
)


class Mess:
    """Does random things to a worktree, as agents do."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene = scene
        self.random = random.Random(seed)
        self.acts = (
            self.write,
            self.write,
            self.write,
            self.stage,
            self.remove,
            self.link,
            self.chmod,
            self.directory,
            self.ignore,
            self.forget,
            self.swap,
            self.same_size,
            self.commit,
            self.fifo,
            self.nested,
            self.conflict,
            self.version,
        )

    def act(self, times: int) -> None:
        """Do so many things."""
        for _ in range(times):
            try:
                self.random.choice(self.acts)()
            except (OSError, AssertionError):
                continue  # impossible here: a file where a directory must be, nothing to commit

    def path(self) -> Path:
        """Some place."""
        return self.scene.path / self.random.choice(NAMES)

    def write(self) -> None:
        """Write a new, an old or the same content."""
        path = self.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.random.choice(("one\n", "two\n", "three and more\n", "")))

    def same_size(self) -> None:
        """Change bytes, but not their number."""
        path = self.path()
        path.write_bytes(bytes(reversed(path.read_bytes())))

    def stage(self) -> None:
        """Stage one path, or everything."""
        self.scene.git("add", "--all", self.random.choice(("a.txt", "lib", "data", ".")))

    def commit(self) -> None:
        """Commit what is staged."""
        self.scene.git("commit", "--quiet", "-m", "x")

    def remove(self) -> None:
        """Delete a file, perhaps from the index too."""
        path = self.path()
        if self.random.random() < 0.5:
            path.unlink()
        else:
            self.scene.git("rm", "-r", "--quiet", "--force", str(path.relative_to(self.scene.path)))

    def link(self) -> None:
        """Put a symbolic link somewhere, perhaps in place of a file."""
        path = self.path()
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(self.random.choice(("a.txt", "/nowhere", "lib")))

    def chmod(self) -> None:
        """Make a file executable, or not."""
        self.path().chmod(self.random.choice((0o644, 0o755, 0o600)))

    def directory(self) -> None:
        """Put a directory with a file in place of a file."""
        path = self.path()
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
        if self.random.random() < 0.7:
            (path / "inside").write_text("inside\n")

    def swap(self) -> None:
        """Replace a directory by a link to its copy."""
        directory = self.scene.path / self.random.choice(("lib", "lib/deep", "data"))
        directory.rename(directory.with_name(directory.name + ".moved"))
        directory.symlink_to(directory.name + ".moved")

    def ignore(self) -> None:
        """Write an ignore file."""
        below = self.random.choice(("", "lib", "data", "docs"))
        (self.scene.path / below / ".gitignore").write_text(self.random.choice(IGNORES))

    def forget(self) -> None:
        """Take a file out of the index and leave it on disk."""
        self.scene.git("rm", "--quiet", "--cached", self.random.choice(NAMES))

    def fifo(self) -> None:
        """Leave a pipe."""
        os.mkfifo(self.path().with_suffix(".pipe"))

    def conflict(self) -> None:
        """Leave some sides of a path in the index, as a merge does; the file may be gone, too."""
        path = self.path().relative_to(self.scene.path)
        blob = self.scene.git("hash-object", "-w", "a.txt")
        sides = self.random.sample((1, 2, 3), self.random.choice((2, 3)))
        lines = [
            f"0 {'0' * 40}\t{path}",
            *(f"100644 {blob} {side}\t{path}" for side in sorted(sides)),
        ]
        git(
            "update-index", "-z", "--index-info", cwd=self.scene.path, stdin="\0".join(lines) + "\0"
        )

    def version(self) -> None:
        """Write the index as another version."""
        self.scene.git("update-index", "--index-version", self.random.choice(("2", "3", "4")))

    def nested(self) -> None:
        """Leave a repository inside."""
        place = self.scene.path / "nested"
        place.mkdir()
        self.scene.git("init", "--quiet", str(place))


@pytest.mark.parametrize("seed", range(40))
def test_what_we_say_of_a_random_mess_is_what_git_says(tmp_path: Path, seed: int) -> None:
    scene = Scene(tmp_path / "repo")
    mess = Mess(scene, seed)
    mess.act(12)
    scene.git("commit", "--quiet", "--allow-empty", "--all", "-m", "halfway")

    for _ in range(6):
        mess.act(6)

        unsaved = look(scene.path, only=frozenset({""})).primary.unsaved

        assert unsaved.known is Truth.YES, unsaved.because
        ours = told(unsaved)
        # Git does not list what lies in a directory that has taken the place of a tracked file.
        ours["untracked"] -= {f"{path}/" for path in ours["deleted"]}
        assert ours == asked(scene.path)
