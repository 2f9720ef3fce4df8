"""Run one Git command so that it obeys us and nobody else.

Agents can write the configuration, the attributes and the hooks of a repository: plain Git runs
their code in 22 of 36 commands. So every command names its repository, runs with hooks, monitors,
pagers, external tools and transports off, and never sees an inherited ``GIT_*`` variable.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from unjam.errors import PermanentError, TransientError, UnjamError, UsageError

if TYPE_CHECKING:
    import git

DEADLINE = 600.0  # seconds; a Git command that takes longer hangs
_PIECE = 1 << 20  # bytes

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "core.pager=cat",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.quotePath=false",
    "credential.helper=",
    "protocol.allow=never",
    "diff.external=",
    "gpg.program=false",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "merge.default=",
    "init.templateDir=",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_EDITOR": "false",
    "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "unjam",
    "GIT_AUTHOR_EMAIL": "unjam@localhost",
    "GIT_COMMITTER_NAME": "unjam",
    "GIT_COMMITTER_EMAIL": "unjam@localhost",
}
# As we use them these change nothing. They are started without GitPython, whose import alone takes
# longer than all of them in a small repository.
_READING = frozenset(("cat-file", "config", "diff-tree", "for-each-ref", "rev-list", "version"))
_IN_THE_WAY = (
    ".lock': File exists",
    "Unable to create",
    "cannot lock ref",
    "Resource temporarily unavailable",
)


class GitAnswer(NamedTuple):
    """What a Git command said."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text, any bytes kept, without the last line end."""
        return os.fsdecode(self.out).removesuffix("\n")

    def fields(self) -> list[str]:
        """Split the standard output of a ``-z`` command."""
        return [one for one in os.fsdecode(self.out).split("\0") if one]


@dataclass(frozen=True, slots=True)
class Git:
    """One repository as a command sees it: nothing is discovered, everything is named."""

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None
    objects: Path | None = None
    settings: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def on(self, work_tree: Path | None = None, *, index: Path | None = None) -> "Git":
        """Return the same repository with another work tree or index."""
        return replace(self, work_tree=work_tree or self.work_tree, index=index or self.index)

    def without_drivers(self, configured: Iterable[str] | None = None) -> "Git":
        """Switch off every filter, diff and merge driver its configuration names.

        Needed before any command that reads or writes file contents in the real repository; in a
        clean room there are none. ``configured`` are the names in it, where they were just read.
        """
        if configured is None:
            listing = self.run("config", "--list", "--name-only", "-z", accept=None)
            configured = listing.fields()
        return replace(self, settings=(*self.settings, *_drivers_off(configured)))

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        accept: Sequence[int] | None = (0,),
        deadline: float = DEADLINE,
    ) -> GitAnswer:
        """Run it; a status outside ``accept`` raises (None accepts all).

        Raises TransientError where a lock was in the way or the deadline passed, else
        PermanentError.
        """
        if arguments[0] in _READING:
            return self.ask(*arguments, stdin=stdin).answer(accept=accept, deadline=deadline)
        child = self.start(*arguments)
        out, err = _ended(child, arguments, deadline, stdin)
        return _accepted(arguments, GitAnswer(child.returncode, out, err), accept)

    def ask(self, *arguments: str, stdin: bytes = b"") -> "Asked":
        """Start a command that only reads, and let it work while we do something else."""
        out = _memory()
        with _memory(stdin) as question:
            child = self._started(arguments, stdin=question, stdout=out)
        return Asked(arguments, child, out)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it with pipes on all three streams; the caller talks to it and waits for its end."""
        if arguments[0] in _READING:
            return self._started(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process = _gitpython(str(self._place)).execute(
            self._command(arguments),
            as_process=True,
            istream=subprocess.PIPE,
            env=self._environment(),
            start_new_session=True,
        )
        child: subprocess.Popen[bytes] | None = process.proc
        if child is None:  # pragma: no cover -- as_process always gives one
            raise PermanentError("git did not start")
        process.proc = None  # its guard would end the child as soon as it is collected
        return child

    @property
    def _place(self) -> Path:
        return self.work_tree or self.git_dir

    def _started(
        self, arguments: Sequence[str], *, stdin: IO[bytes] | int, stdout: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
        try:
            return subprocess.Popen(
                ("git", *self._options(), *arguments),
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                cwd=self._place,
                env=inherited | self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            if error.filename == "git":
                raise UsageError("git: not found; install Git 2.38 or newer") from error
            raise PermanentError(f"git {arguments[0]}: {error.strerror}") from error

    def _options(self) -> list[str]:
        return [part for one in (*_SETTINGS, *self.settings) for part in ("-c", one)]

    def _command(self, arguments: Sequence[str]) -> list[str]:
        # GitPython can add to the environment but not take away; env(1) can.
        inherited = [name for name in os.environ if name.startswith("GIT_")]
        prefix = ["env", *(part for name in inherited for part in ("-u", name))]
        wanted = [f"{name}={value}" for name, value in self._environment().items()]
        return [*(prefix + wanted if inherited else ()), "git", *self._options(), *arguments]

    def _environment(self) -> dict[str, str]:
        named = {
            "GIT_DIR": self.git_dir,
            "GIT_WORK_TREE": self.work_tree,
            "GIT_INDEX_FILE": self.index,
            "GIT_OBJECT_DIRECTORY": self.objects,
        }
        ours = {name: str(path) for name, path in named.items() if path is not None}
        return {**_ENVIRONMENT, **ours, **self.environment}


class Asked:
    """A command at work. It writes into memory, so that it never waits for us to read."""

    def __init__(
        self, arguments: Sequence[str], child: subprocess.Popen[bytes], out: IO[bytes]
    ) -> None:
        """Take a child whose errors come through a pipe and whose output goes to ``out``."""
        self._arguments = arguments
        self._child = child
        self._out = out

    def answer(
        self, *, accept: Sequence[int] | None = (0,), deadline: float = DEADLINE
    ) -> GitAnswer:
        """Wait for its end; raises as ``Git.run`` does. It answers once."""
        with self._out as out:
            err = self._wait(deadline)
            answer = GitAnswer(self._child.returncode, out.read(), err)
        return _accepted(self._arguments, answer, accept)

    def pieces(self) -> Iterator[bytes]:
        """Wait for its end and give its output in pieces; raises as ``Git.run`` does."""
        with self._out as out:
            err = self._wait(DEADLINE)
            _accepted(self._arguments, GitAnswer(self._child.returncode, b"", err), (0,))
            while piece := out.read(_PIECE):
                yield piece

    def _wait(self, deadline: float) -> str:
        _, err = _ended(self._child, self._arguments, deadline)
        self._out.seek(0)
        return err

    def abandon(self) -> None:
        """End it if nobody waited for its answer."""
        if self._child.returncode is None:
            _kill(self._child)
            self._out.close()


def _memory(content: bytes = b"") -> IO[bytes]:
    """Make a file without a name: in memory where the system has that."""
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("unjam"), "w+b", buffering=0)
    else:
        import tempfile

        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 -- the caller closes it
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    file.seek(0)
    return file


def _ended(
    child: subprocess.Popen[bytes], arguments: Sequence[str], deadline: float, stdin: bytes = b""
) -> tuple[bytes, str]:
    """Wait for the end of a child; returns its output and its errors."""
    try:
        out, err = child.communicate(stdin or None, timeout=deadline)
    except subprocess.TimeoutExpired as error:
        _kill(child)
        raise TransientError(f"git {arguments[0]} took over {deadline:.0f} s") from error
    return out, os.fsdecode(err).strip()


def _kill(child: subprocess.Popen[bytes]) -> None:
    # Its helpers (ssh, say) hold the pipes open, and would have us wait for them.
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def _accepted(
    arguments: Sequence[str], answer: GitAnswer, accept: Sequence[int] | None
) -> GitAnswer:
    if accept is not None and answer.status not in accept:
        raise _classified(arguments, answer)
    return answer


def _gitpython(place: str) -> "git.Git":
    try:
        import git
    except ImportError as error:  # GitPython asks Git for its version when it is imported
        raise UsageError(f"git: cannot be used ({error}); install Git 2.38 or newer") from error
    return git.Git(place)


_DRIVER_KEYS = {
    ("filter", "clean"),
    ("filter", "smudge"),
    ("filter", "process"),
    ("filter", "required"),
    ("diff", "command"),
    ("diff", "textconv"),
    ("merge", "driver"),
}


def _drivers_off(configured: Iterable[str]) -> list[str]:
    names = {name for name in configured if name.count(".") >= 2}  # noqa: PLR2004 -- section.name.key
    off = []
    for name in names:
        section, _, key = name.partition(".")[0], *name.rpartition(".")[1:]
        if (section, key) in _DRIVER_KEYS:
            off.append(f"{name}={'false' if key == 'required' else ''}")
    return off


def _classified(arguments: Sequence[str], answer: GitAnswer) -> UnjamError:
    first = answer.err.splitlines()[0] if answer.err else f"exit status {answer.status}"
    text = f"git {arguments[0]}: {first}"
    transient = any(sign in answer.err for sign in _IN_THE_WAY)
    return TransientError(text) if transient else PermanentError(text)
