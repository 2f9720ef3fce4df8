"""Random repositories of people who never had an orchestrator, and what is where in them to the byte.

Names and places are chosen to look like a layout's; files of other people's tools lie where a layout
has its own.
"""

import hashlib
import json
import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.terminal import Terminal
from tests.world.processes import Program, end_processes_below
from tests.world.shell import git, git_status, wait_until

Fingerprint = dict[str, str]

_BRANCHES = (
    "feature/{n}", "ws/ws-{n}/agent-1", "ws/{n}/claude", "ws/a/b-{n}", "idea-{n}", "agent-{n}",
)  # fmt: skip
_PLACES = (
    ".worktrees/agent-1-ws-{n}", ".worktrees/agent-ws-{n}", ".worktrees/claude-{n}",
    ".claude/worktrees/idea-{n}", "../project-{n}", "../elsewhere/deep/{n}", "tmp-{n}",
)  # fmt: skip
_LONG_AGO = 3 * 24 * 3600
_OTHERS_FILES = {
    "workstreams/board.json": json.dumps([{"id": "ws-1"}, {"id": "ws-2"}]),
    "workstreams/settings.json": json.dumps({"theme": "dark"}),
    "workstreams/broken.json": "{",
    "workstreams/README.md": "Streams of work of our team\n",
    "logs/app.log": "GET / 200\nagent-1 says hello\n",
    "logs/ws-1.log": "started\nfailed\n",
    "logs/orchestrator.log": "the orchestra plays on\n",
    ".state/settings.db": "not a database",
    "reports/week.md": "# Week\n",
    ".worktrees/notes/todo.txt": "call mother\n",
    "workstreams/release.json": json.dumps({"id": "release", "depends_on": [], "tasks": []}),
}


class People:
    """One such world; what is broken in it beyond doubt is named in ``broken``."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = Random(seed)
        self.repo = root / "project"
        self.trees: list[Path] = []
        self.broken: set[Path] = set()
        self.screens: list[Terminal] = []
        self.programs: list[Program] = []
        self.story: list[str] = []
        root.mkdir(parents=True)
        self._found()
        for number in range(1, self.random.randint(3, 6)):
            self._worktree(number)
        self._leave_others_files()
        for _ in range(self.random.randint(0, 3)):
            self._do(self.random.choice(_WHOLE))
        for _ in range(self.random.randint(0, 2)):
            self._do(self.random.choice(_PRESENT))

    @property
    def common(self) -> Path:
        """The Git common directory."""
        said = git("rev-parse", "--git-common-dir", cwd=self.repo)
        return (self.repo / said).resolve()

    def fingerprint(self) -> Fingerprint:
        """Every name below the root with its kind, mode and bytes, but for the vault and what it pins."""
        kept = self.common / "unjam"
        return {
            name: what
            for name, what in _entries(self.root, kept)
            if f"{name}/".find("/refs/unjam/") < 0
        }

    def everybody_lives(self) -> bool:
        """Tell whether all who were there still are."""
        return all(one.process.poll() is None for one in self.screens) and all(
            one.alive for one in self.programs
        )

    def close(self) -> None:
        """Send everybody home."""
        for screen in self.screens:
            screen.close()
        end_processes_below(self.root)

    def _do(self, deed: "Callable[[People], None]") -> None:
        self.story.append(deed.__name__.strip("_"))
        deed(self)

    def _found(self) -> None:
        self.is_bare = self.random.random() < 0.15
        start = self.root / "start" if self.is_bare else self.repo
        start.mkdir()
        git("init", "--quiet", "--initial-branch=main", cwd=start)
        (start / "src").mkdir()
        (start / "src/app.py").write_text("".join(f"line_{n} = {n}\n" for n in range(20)))
        (start / ".gitignore").write_text("*.log\nbuild/\n.worktrees/\n")
        git("add", "--all", cwd=start)
        git("commit", "--quiet", "-m", "Start", cwd=start)
        if self.is_bare:
            self._make_bare(start)
        elif self.random.random() < 0.4:
            origin = self.root / "origin.git"
            git("clone", "--quiet", "--bare", str(self.repo), str(origin), cwd=self.root)
            git("remote", "add", "origin", str(origin), cwd=self.repo)
            git("fetch", "--quiet", "origin", cwd=self.repo)

    def _make_bare(self, start: Path) -> None:
        """Make the main repository a bare one, with the trunk in a worktree beside or below it."""
        self.story.append("bare")
        places = ("project", "project.git"), ("p/main", "p/.git"), ("p/main", "p/.bare")
        self.repo, hidden = (self.root / one for one in self.random.choice(places))
        git("clone", "--quiet", "--bare", str(start), str(hidden), cwd=self.root)
        git("worktree", "add", "--quiet", str(self.repo), "main", cwd=hidden)
        if hidden.name == ".bare":
            (hidden.parent / ".git").write_text("gitdir: ./.bare\n")
        if hidden.parent != self.root and self.random.random() < 0.5:
            (hidden.parent / "notes.txt").write_text("beside it\n")

    def _worktree(self, number: int) -> None:
        above = self.repo
        if self.trees and self.random.random() < 0.15:
            above = self.random.choice(self.trees)
        place = self.random.choice(_PLACES).format(n=number)
        path = (above / place).resolve()
        if path.exists():
            return
        branch = self.random.choice(_BRANCHES).format(n=number)
        how = ["--detach"] if self.random.random() < 0.2 else ["-b", branch]
        git("worktree", "add", "--quiet", *how, str(path), "main", cwd=self.repo)
        self.trees.append(path)
        self.story.append(f"{path.relative_to(self.root)} {how[-1]}:")
        for _ in range(self.random.randint(0, 3)):
            deed = self.random.choice(_IN_A_TREE)
            self.story.append(deed.__name__.strip("_"))
            deed(self, path)

    def _leave_others_files(self) -> None:
        for name, content in _OTHERS_FILES.items():
            path = self.repo / name
            if self.random.random() < 0.3:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)


def _commits(people: People, tree: Path) -> None:
    name = f"part_{people.random.randrange(100)}.py"
    (tree / name).write_text("part = 1\n")
    git("add", "--", name, cwd=tree)
    git_status("commit", "--quiet", "-m", "Part", cwd=tree)


def _lands(people: People, tree: Path) -> None:
    _commits(people, tree)
    tip = git("rev-parse", "HEAD", cwd=tree)
    git_status("merge", "--quiet", "--no-edit", tip, cwd=people.repo)


def _edits(_people: People, tree: Path) -> None:
    with (tree / "src/app.py").open("a") as file:
        file.write("half = ")


def _stages(_people: People, tree: Path) -> None:
    (tree / "staged.py").write_text("staged = 1\n")
    git("add", "--", "staged.py", cwd=tree)


def _leaves_untracked(_people: People, tree: Path) -> None:
    (tree / "draft notes.txt").write_text("half a thou")


def _leaves_ignored(_people: People, tree: Path) -> None:
    (tree / "build").mkdir(exist_ok=True)
    (tree / "build/out.bin").write_bytes(bytes(range(256)))


def _stashes(people: People, tree: Path) -> None:
    _edits(people, tree)
    git_status("stash", "--quiet", cwd=tree)


def _locks(_people: People, tree: Path) -> None:
    git_status("worktree", "lock", "--reason", "on a USB stick", str(tree), cwd=tree)


def _clashes(people: People, tree: Path) -> None:
    """Leave it in the middle of an operation that a person has to decide."""
    app = tree / "src/app.py"
    app.write_text(app.read_text().replace("line_3 = 3", f"line_3 = {tree.name!r}"))
    git_status("commit", "--quiet", "--all", "-m", "Mine", cwd=tree)
    mine = git("rev-parse", "HEAD", cwd=tree)
    git_status("checkout", "--quiet", "--detach", "HEAD~1", cwd=tree)
    app.write_text(app.read_text().replace("line_3 = 3", "line_3 = 'theirs'"))
    git_status("commit", "--quiet", "--all", "-m", "Theirs", cwd=tree)
    how = people.random.choice((["merge", "--no-edit"], ["cherry-pick"], ["rebase", "HEAD"]))
    git_status(*how, mine, cwd=tree)


def _bisects(_people: People, tree: Path) -> None:
    git_status("bisect", "start", cwd=tree)


def _goes(people: People, tree: Path) -> None:
    """Delete the directory by hand; Git keeps its entry."""
    if not any(other != tree and other.is_relative_to(tree) for other in people.trees):
        subprocess.run(["rm", "-rf", "--", str(tree)], check=True)
        people.trees.remove(tree)
        tree.mkdir()
        tree.rmdir()


def _locks_its_index(people: People, tree: Path) -> None:
    """Leave the lock of a Git that is dead: just now, or long ago."""
    lock = Path(git("rev-parse", "--absolute-git-dir", cwd=tree)) / "index.lock"
    lock.write_text("")
    if people.random.random() < 0.3:
        when = time.time() - _LONG_AGO
        os.utime(lock, (when, when))
        people.broken.add(lock)


def _grows_old(_people: People, tree: Path) -> None:
    when = time.time() - _LONG_AGO
    admin = Path(git("rev-parse", "--absolute-git-dir", cwd=tree))
    for place in (tree, admin):
        for directory, _, names in os.walk(place):
            for name in names:
                if not name.endswith(".lock"):
                    os.utime(Path(directory) / name, (when, when), follow_symlinks=False)


def _adds_submodule(people: People, tree: Path) -> None:
    module = people.root / f"module-{people.random.randrange(1000)}"
    if module.exists():
        return
    module.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=module)
    (module / "lib.py").write_text("lib = 1\n")
    git("add", "--all", cwd=module)
    git("commit", "--quiet", "-m", "Lib", cwd=module)
    allowed = ("-c", "protocol.file.allow=always")
    git_status(*allowed, "submodule", "--quiet", "add", str(module), "lib", cwd=tree)


def _has_a_repository_of_its_own(people: People, tree: Path) -> None:
    inner = tree / f"sandbox-{people.random.randrange(1000)}"
    git("init", "--quiet", str(inner), cwd=tree)
    (inner / "try.py").write_text("x = 1\n")


_IN_A_TREE: tuple[Callable[[People, Path], None], ...] = (
    _commits, _commits, _lands, _edits, _edits, _stages, _leaves_untracked, _leaves_ignored,
    _stashes, _locks, _grows_old, _adds_submodule, _has_a_repository_of_its_own,
)  # fmt: skip
_LAST_IN_A_TREE: tuple[Callable[[People, Path], None], ...] = (
    _clashes, _bisects, _goes, _locks_its_index, _grows_old,
)  # fmt: skip


def _something_ends_badly(people: People) -> None:
    if people.trees:
        tree = people.random.choice(people.trees)
        deed = people.random.choice(_LAST_IN_A_TREE)
        people.story.append(f"({tree.relative_to(people.root)} {deed.__name__.strip('_')})")
        deed(people, tree)


def _primary_clashes(people: People) -> None:
    _clashes(people, people.repo)


def _primary_is_on_a_branch(people: People) -> None:
    name = people.random.choice(("ws/ws-9/agent-1", "ws/now/me", "mine"))
    git_status("checkout", "--quiet", "-b", name, cwd=people.repo)
    _commits(people, people.repo)


def _primary_is_detached(people: People) -> None:
    git_status("checkout", "--quiet", "--detach", cwd=people.repo)
    _commits(people, people.repo)


def _primary_is_dirty(people: People) -> None:
    _edits(people, people.repo)
    _leaves_untracked(people, people.repo)


def _branches_without_worktrees(people: People) -> None:
    for number in range(3):
        name = people.random.choice(_BRANCHES).format(n=40 + number)
        git_status("branch", name, "HEAD", cwd=people.repo)


def _a_clone_among_the_worktrees(people: People) -> None:
    place = people.repo / ".worktrees" / "agent-1-ws-77"
    if not place.exists():
        git("clone", "--quiet", str(people.repo), str(place), cwd=people.repo)
        git_status("branch", "ws/ws-77/agent-1", "HEAD", cwd=people.repo)


def _a_plain_directory_among_the_worktrees(people: People) -> None:
    place = people.repo / ".worktrees" / "agent-1-ws-78"
    place.mkdir(parents=True, exist_ok=True)
    (place / "thoughts.txt").write_text("not in Git\n")
    git_status("branch", "ws/ws-78/agent-1", "HEAD", cwd=people.repo)


_WHOLE: tuple[Callable[[People], None], ...] = (
    _something_ends_badly, _something_ends_badly, _something_ends_badly, _primary_clashes,
    _primary_is_on_a_branch, _primary_is_detached, _primary_is_dirty,
    _branches_without_worktrees, _a_clone_among_the_worktrees,
    _a_plain_directory_among_the_worktrees,
)  # fmt: skip


def _somebody_at_a_terminal(people: People) -> None:
    """Sit at a shell, run a claude in it, or have a file open in an editor."""
    if not people.trees:
        return
    tree = people.random.choice(people.trees)
    if not tree.is_dir():
        return
    edited = tree / "open.txt"
    words = people.random.choice(
        (
            ["bash", "--norc", "--noprofile", "-i"],
            ["bash", "-c", "exec -a claude sleep 600"],
            ["bash", "-c", f"exec -a vim tail -f '{edited}'"],
        )
    )
    if "vim" in words[-1]:
        edited.write_text("half a sent")
    screen = Terminal(["setsid", "--ctty", "--wait", *words], tree)
    people.screens.append(screen)
    _wait_for_somebody_in(tree)


def _something_without_a_terminal(people: People) -> None:
    """Have an agent run where nobody sees it: somebody may come back to it."""
    if not people.trees:
        return
    tree = people.random.choice(people.trees)
    if tree.is_dir():
        output = people.root / f"said-{len(people.programs)}"
        started = Program("bash", "-c", "exec -a claude sleep 600", cwd=tree, output=output)
        people.programs.append(started)
        _wait_for_somebody_in(tree)


def _wait_for_somebody_in(tree: Path) -> None:
    def is_there() -> bool:
        return any(_works_in(one, tree) for one in Path("/proc").iterdir() if one.name.isdigit())

    wait_until(is_there, "somebody to be there")


def _works_in(process: Path, tree: Path) -> bool:
    try:
        return (process / "cwd").readlink() == tree
    except OSError:
        return False


_PRESENT: tuple[Callable[[People], None], ...] = (
    _somebody_at_a_terminal, _somebody_at_a_terminal, _something_without_a_terminal,
)  # fmt: skip


def _entries(root: Path, without: Path) -> Iterator[tuple[str, str]]:
    for directory, names, files in os.walk(root):
        here = Path(directory)
        names[:] = sorted(one for one in names if here / one != without)
        for name in (*names, *sorted(files)):
            path = here / name
            yield str(path.relative_to(root)), _described(path)


def _described(path: Path) -> str:
    status = path.lstat()
    mode = stat.filemode(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return f"{mode} -> {path.readlink()}"
    if stat.S_ISREG(status.st_mode):
        return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return mode
