"""Run one Git command so that it obeys us and nobody else.

Agents can write the configuration, the attributes and the hooks of a repository: plain Git runs
their code in 22 of 36 commands. So every command names its repository, runs with hooks, monitors,
pagers, external tools and transports off, and never sees an inherited ``GIT_*`` variable.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unjam.errors import PermanentError, TransientError, UnjamError, UsageError

try:
    import git
except ImportError as error:  # GitPython asks Git for its version when it is imported
    raise UsageError(f"git: cannot be used ({error}); install Git 2.38 or newer") from error

DEADLINE = 600.0  # seconds; a Git command that takes longer hangs

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
_IN_THE_WAY = (
    ".lock': File exists",
    "Unable to create",
    "cannot lock ref",
    "Resource temporarily unavailable",
)


@dataclass(frozen=True, slots=True)
class Answer:
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

    def without_drivers(self) -> "Git":
        """Switch off every filter, diff and merge driver its configuration names.

        Needed before any command that reads or writes file contents in the real repository; in a
        clean room there are none.
        """
        return replace(self, settings=(*self.settings, *self._drivers_off()))

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        accept: Sequence[int] | None = (0,),
        deadline: float = DEADLINE,
    ) -> Answer:
        """Run it; a status outside ``accept`` raises (None accepts all).

        Raises TransientError where a lock was in the way or the deadline passed, else
        PermanentError.
        """
        child = self.start(*arguments)
        try:
            out, err = child.communicate(stdin, timeout=deadline)
        except subprocess.TimeoutExpired as error:
            # Its helpers (ssh, say) hold the pipes open, and would have us wait for them.
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise TransientError(f"git {arguments[0]} took over {deadline:.0f} s") from error
        answer = Answer(child.returncode, out, os.fsdecode(err).strip())
        if accept is not None and answer.status not in accept:
            raise _classified(arguments, answer)
        return answer

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it with pipes on all three streams; the caller talks to it and waits for its end."""
        process = git.Git(str(self.work_tree or self.git_dir)).execute(
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

    def _command(self, arguments: Sequence[str]) -> list[str]:
        # GitPython can add to the environment but not take away; env(1) can.
        inherited = [name for name in os.environ if name.startswith("GIT_")]
        prefix = ["env", *(part for name in inherited for part in ("-u", name))]
        wanted = [f"{name}={value}" for name, value in self._environment().items()]
        command = ["git", *(part for one in (*_SETTINGS, *self.settings) for part in ("-c", one))]
        return [*(prefix + wanted if inherited else ()), *command, *arguments]

    def _environment(self) -> dict[str, str]:
        named = {
            "GIT_DIR": self.git_dir,
            "GIT_WORK_TREE": self.work_tree,
            "GIT_INDEX_FILE": self.index,
            "GIT_OBJECT_DIRECTORY": self.objects,
        }
        ours = {name: str(path) for name, path in named.items() if path is not None}
        return {**_ENVIRONMENT, **ours, **self.environment}

    def _drivers_off(self) -> list[str]:
        listing = self.run("config", "--list", "--name-only", "-z", accept=None)
        names = {name for name in listing.fields() if name.count(".") >= 2}  # noqa: PLR2004 -- section.name.key
        off = []
        for name in names:
            section, _, key = name.partition(".")[0], *name.rpartition(".")[1:]
            if (section, key) in _DRIVER_KEYS:
                off.append(f"{name}={'false' if key == 'required' else ''}")
        return off


_DRIVER_KEYS = {
    ("filter", "clean"),
    ("filter", "smudge"),
    ("filter", "process"),
    ("filter", "required"),
    ("diff", "command"),
    ("diff", "textconv"),
    ("merge", "driver"),
}


def _classified(arguments: Sequence[str], answer: Answer) -> UnjamError:
    first = answer.err.splitlines()[0] if answer.err else f"exit status {answer.status}"
    text = f"git {arguments[0]}: {first}"
    transient = any(sign in answer.err for sign in _IN_THE_WAY)
    return TransientError(text) if transient else PermanentError(text)
