"""The trunk on a remote: looked at, fetched, and moved forward; never by force.

Everything runs from a clean room, so nothing an agent wrote into the repository's configuration
or hooks takes part. The person's own configuration and credentials do: without them no remote
would open its door.
"""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from unjam.adapters.git.clean_room import clean_room
from unjam.adapters.git.command import Git, GitAnswer
from unjam.adapters.git.user_config import personal_files
from unjam.domain.steps.change import PushRef
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError, RefusedError, TransientError

LOOKING = 60.0  # seconds
TRANSFERRING = 900.0  # seconds
_TRANSPORTS = ("file", "ssh", "https", "http", "git")
_UNREACHABLE = (
    "Could not resolve host",
    "unable to connect",
    "Failed to connect",
    "Couldn't connect",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Connection closed",
    "Operation timed out",
    "No route to host",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "early EOF",
    "unexpected disconnect",
    "The requested URL returned error: 5",
)


def remote_url(common: Path, name: str) -> str | None:
    """Return where pushes to a remote go; None where it has no URL.

    Raises RefusedError where the URL is a command in disguise or names a transport we do not use.
    """
    for key in ("pushurl", "url"):
        found = Git(common).run(
            "config",
            "--no-includes",
            "--file",
            str(common / "config"),
            "-z",
            "--get-all",
            f"remote.{name}.{key}",
            accept=(0, 1),
        )
        urls = found.fields()
        if len(urls) > 1 and key == "pushurl":
            raise RefusedError(f"{name} pushes to {len(urls)} places; push to each by hand")
        if urls:
            return _checked(common, name, urls[0])
    return None


def remote_tip(common: Path, url: str, ref: str) -> CommitId | None:
    """Ask the remote where a ref is; None where it has no such ref."""
    with _room(common, url) as room:
        return _tip(room, url, ref)


def fetch_trunk(common: Path, url: str, ref: str) -> CommitId:
    """Bring the remote's ref into the object store; no ref of the repository moves."""
    with _room(common, url) as room:
        _anchor(room, common, ref)
        _reach(
            room,
            url,
            ("fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
            (url, f"+{ref}:refs/heads/fetched"),
        )
        return CommitId(room.run("rev-parse", "--verify", "refs/heads/fetched").text)


@contextmanager
def fetched_apart(common: Path, url: str) -> Iterator[Git]:
    """Fetch everything a remote has into a store of its own, which is gone afterwards.

    What is damaged here takes no part: nothing is taken to be here already.
    """
    with _room(common, url) as room:
        environment = {
            name: value for name, value in room.environment.items() if name != "GIT_SHALLOW_FILE"
        }
        apart = replace(room, objects=room.git_dir / "objects", environment=environment)
        _reach(
            apart,
            url,
            ("fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
            (url, "+refs/*:refs/fetched/*"),
        )
        yield apart


def push(common: Path, change: PushRef) -> StepWord:
    """Move the remote's ref forward by compare-and-swap, and look whether it is there.

    Raises RefusedError where that is not the remote's old value, where new does not descend from
    it, or where the server declines; TransientError where the remote cannot be reached.
    """
    with _room(common, change.url) as room:
        tip = _tip(room, change.url, change.ref)
        if tip == change.new:
            return StepWord.ALREADY_DONE
        _refuse_unless_forward(room, change, tip)
        answer = _push(room, change)
        tip = _tip(room, change.url, change.ref)  # a lost reply is no refusal
    if tip == change.new:
        return StepWord.DONE
    if answer.status == 0 and tip is not None:
        _refuse_unless_on_top(common, change, tip)
        return StepWord.DONE
    raise _declined(common, change, answer)


def host_of(url: str) -> str:
    """Name the place a URL leads to, without the user and password it may carry."""
    found = re.match(r"(?:[a-z+]+://)?(?:[^/@]*@)?([^/:]+)", url)
    return found[1] if found and not url.startswith(("/", "file:")) else url


@contextmanager
def _room(common: Path, url: str) -> Iterator[Git]:
    """Open a room from which the network can be reached, with the person's credentials."""
    if _command_in_disguise(url):
        raise RefusedError(f"{url!r} is not a URL that can be used")
    with clean_room(common, exact=False) as room:
        _include_personal(room.git_dir / "config")
        yield _with_credentials(common, room)


def _include_personal(config: Path) -> None:
    with config.open("ab") as stream:
        for file in personal_files():
            quoted = os.fsencode(file).replace(b"\\", rb"\\").replace(b'"', rb"\"")
            stream.write(b'[include]\n\tpath = "' + quoted + b'"\n')


def _with_credentials(common: Path, room: Git) -> Git:
    """Give back what the hardened runner takes away, as far as it is the person's own."""
    machine = {"GIT_CONFIG_NOSYSTEM": os.environ.get("GIT_CONFIG_NOSYSTEM", "0")}
    reading = replace(room, environment={**room.environment, **machine})
    helpers, ssh = [], ""
    for name, value in _scoped_settings(reading):
        if name.startswith("credential."):
            helpers.append(f"{name}={value}")
        elif name == "core.sshcommand":
            ssh = value
    shell = (
        os.environ.get("GIT_SSH_COMMAND") or ssh or shlex.quote(os.environ.get("GIT_SSH", "ssh"))
    )
    own = {
        **machine,
        "GIT_ALLOW_PROTOCOL": ":".join(_TRANSPORTS),
        "GIT_SSH_COMMAND": shell,
    }
    if "GIT_ASKPASS" in os.environ:
        own["GIT_ASKPASS"] = os.environ["GIT_ASKPASS"]
    if (common / "shallow").exists():
        own["GIT_SHALLOW_FILE"] = str(common / "shallow")
    return replace(
        room,
        settings=(*room.settings, *helpers),
        environment={**room.environment, **own},
    )


def _scoped_settings(room: Git) -> Iterator[tuple[str, str]]:
    """List settings of the machine and the person; what our own command line says is not theirs."""
    fields = room.run("config", "--list", "--show-scope", "--includes", "-z").out.split(b"\0")
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        name, _, value = os.fsdecode(setting).partition("\n")
        if scope != b"command":
            yield name, value


def _tip(room: Git, url: str, ref: str) -> CommitId | None:
    listing = _reach(room, url, ("ls-remote", "--refs"), (url, ref), deadline=LOOKING)
    for line in listing.text.splitlines():
        commit, _, name = line.partition("\t")
        if name == ref:
            return CommitId(commit)
    return None


def _reach(
    room: Git,
    url: str,
    command: Sequence[str],
    operands: Sequence[str],
    *,
    deadline: float = TRANSFERRING,
) -> GitAnswer:
    answer = room.run(*command, "--", *operands, accept=None, deadline=deadline)
    if answer.status != 0:
        raise _unanswered(url, answer)
    return answer


def _unanswered(url: str, answer: GitAnswer) -> PermanentError | TransientError:
    reason = _first_reason(answer.err) or f"exit status {answer.status}"
    text = f"{host_of(url)} does not answer for this repository: {reason}"
    if any(sign in answer.err for sign in _UNREACHABLE):
        return TransientError(f"{host_of(url)} cannot be reached: {reason}")
    return PermanentError(text)


def _first_reason(err: str) -> str:
    lines = [re.sub(r"[^/@\s]+@(?=\S)", "", line.strip()) for line in err.splitlines()]
    said = [line for line in lines if line and not line.startswith(("To ", "hint:"))]
    return said[0] if said else ""


def _anchor(room: Git, common: Path, ref: str) -> None:
    """Tell the room which commits are here, so that only what is missing is sent."""
    branch = ref.removeprefix("refs/heads/")
    known = Git(common).run(
        "for-each-ref", "--format=%(objectname)", "--", ref, f"refs/remotes/*/{branch}"
    )
    for number, commit in enumerate(dict.fromkeys(known.text.split())):
        if room.run("cat-file", "-e", f"{commit}^{{commit}}", accept=None).status == 0:
            room.run("update-ref", f"refs/known/{number}", commit)


def _refuse_unless_forward(room: Git, change: PushRef, tip: CommitId | None) -> None:
    if tip != change.old:
        at, expected = tip or "nothing", change.old or "nothing"
        raise RefusedError(f"{change.ref} on {change.remote} is at {at}, expected {expected}")
    if change.old is not None and not _descends(room, change.new, change.old):
        raise RefusedError(
            f"{change.new} does not descend from {change.old}, where {change.remote} is"
        )


def _descends(room: Git, new: CommitId, old: CommitId) -> bool:
    return room.run("merge-base", "--is-ancestor", old, new, accept=None).status == 0


def _push(room: Git, change: PushRef) -> GitAnswer:
    return room.run(
        "push",
        "--porcelain",
        "--atomic",
        "--no-verify",
        "--no-signed",
        "--no-follow-tags",
        "--recurse-submodules=no",
        f"--force-with-lease={change.ref}:{change.old or ''}",
        "--",
        change.url,
        f"{change.new}:{change.ref}",
        accept=None,
        deadline=TRANSFERRING,
    )


def _refuse_unless_on_top(common: Path, change: PushRef, tip: CommitId) -> None:
    """Accept that somebody pushed on top of us in between; anything else is a lie."""
    fetched = fetch_trunk(common, change.url, change.ref)
    if not _descends(Git(common), fetched, change.new):
        raise PermanentError(f"{change.remote} took the push and is at {tip} now, without it")


def _declined(
    common: Path, change: PushRef, answer: GitAnswer
) -> RefusedError | PermanentError | TransientError:
    line = next((one for one in answer.text.splitlines() if one.startswith("!")), "")
    if not line:
        return _unanswered(change.url, answer)
    said = [one.removeprefix("remote:").strip() for one in answer.err.splitlines()]
    remarks = [
        remark
        for remark, one in zip(said, answer.err.splitlines(), strict=True)
        if one.startswith("remote:") and remark
    ]
    reason = "; ".join([line.rpartition("\t")[2], *remarks[:3]])
    place = common.parent if common.name == ".git" else common
    branch = change.ref.removeprefix("refs/heads/")
    command = f"git -C {shlex.quote(str(place))} push {change.remote} {change.new}:{branch}"
    return RefusedError(f"{change.remote} refused the push: {reason}; to push by hand: {command}")


def _checked(common: Path, name: str, url: str) -> str:
    if _command_in_disguise(url):
        raise RefusedError(f"the URL of {name} is not one that can be used: {url!r}")
    if "://" in url or _is_scp_like(url):
        return url
    top = common.parent if common.name == ".git" else common
    return str(top / url)  # Git takes a relative path from the top of the work tree


def _command_in_disguise(url: str) -> bool:
    """Tell what would make Git, or ssh, run a program of the writer's choice."""
    if not url or url.startswith("-") or re.search(r"[\x00-\x1f\x7f]", url):
        return True
    scheme, separator, rest = url.partition("://")
    if separator and "::" not in scheme:
        authority = rest.partition("/")[0]
        host = authority.rpartition("@")[2]
        return scheme.lower() not in _TRANSPORTS or "-" in (authority[:1], host[:1])
    if re.match(r"[A-Za-z0-9+.-]*::", url):
        return True
    return _is_scp_like(url) and url.partition(":")[0].rpartition("@")[2].startswith("-")


def _is_scp_like(url: str) -> bool:
    head = url.partition(":")[0]
    return ":" in url and "/" not in head
