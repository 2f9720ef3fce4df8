"""The remote's trunk moves forward by compare-and-swap; what is declined is said with its reason."""

import socket
import time
from pathlib import Path

import pytest

from tests.adapters.git.scene import MAIN, Scene, arm, fired
from tests.world.shell import git
from unjam.adapters.git.moving import remote as remote_module
from unjam.adapters.git.moving.remote import (
    fetch_trunk,
    host_of,
    push,
    remote_tip,
    remote_url,
)
from unjam.domain.steps.change import PushRef
from unjam.domain.steps.outcome import StepWord
from unjam.domain.world.identity import CommitId
from unjam.errors import PermanentError, RefusedError, TransientError


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    path = tmp_path / "origin.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(path), cwd=tmp_path)
    return path


@pytest.fixture
def scene(tmp_path: Path, remote: Path) -> Scene:
    """A repository whose remote has its first commit."""
    scene = Scene(tmp_path / "repo")
    scene.git("remote", "add", "origin", str(remote))
    scene.git("push", "--quiet", "--set-upstream", "origin", "main")
    return scene


def there(remote: Path, ref: str = MAIN) -> str:
    return git("rev-parse", "--verify", ref, cwd=remote)


def order(scene: Scene, remote: Path, new: CommitId, old: CommitId | None = None) -> PushRef:
    return PushRef("origin", str(remote), MAIN, old or scene.first, new)


def decline(remote: Path, hook: str = "pre-receive") -> None:
    script = remote / "hooks" / hook
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\necho 'main is protected, ask the owners' >&2\nexit 1\n")
    script.chmod(0o755)


def test_a_push_moves_the_remote_and_no_ref_of_ours(scene: Scene, remote: Path) -> None:
    new = scene.commit({"a.txt": "2\n"})
    change = order(scene, remote, new)

    word = push(scene.common, change)

    assert word is StepWord.DONE
    assert there(remote) == new
    assert scene.at("origin/main") == scene.first
    assert push(scene.common, change) is StepWord.ALREADY_DONE


def test_a_new_branch_is_pushed_only_where_there_is_none(scene: Scene, remote: Path) -> None:
    ref = "refs/heads/release"
    change = PushRef("origin", str(remote), ref, None, scene.first)

    push(scene.common, change)

    assert there(remote, ref) == scene.first
    new = scene.commit({"a.txt": "2\n"})
    with pytest.raises(RefusedError, match="expected nothing"):
        push(scene.common, PushRef("origin", str(remote), ref, None, new))


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_a_server_that_declines_is_quoted_with_the_command_to_run(
    scene: Scene, remote: Path, hook: str
) -> None:
    decline(remote, hook)
    new = scene.commit({"a.txt": "2\n"})

    with pytest.raises(RefusedError) as refused:
        push(scene.common, order(scene, remote, new))

    assert "hook declined" in str(refused.value)
    assert "main is protected, ask the owners" in str(refused.value)
    assert f"git -C {scene.path} push origin {new}:main" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert there(remote) == scene.first


def test_a_remote_that_moved_on_is_left_alone(scene: Scene, remote: Path) -> None:
    theirs = scene.ahead({"b.txt": "theirs\n"})
    git("fetch", "--quiet", str(scene.path), theirs, cwd=remote)
    git("update-ref", MAIN, theirs, cwd=remote)
    new = scene.commit({"a.txt": "2\n"})

    with pytest.raises(RefusedError, match=f"is at {theirs}, expected {scene.first}"):
        push(scene.common, order(scene, remote, new))

    assert there(remote) == theirs


def test_a_remote_that_was_rewound_does_not_get_it_back(scene: Scene, remote: Path) -> None:
    bad = scene.commit({"a.txt": "bad\n"})
    scene.git("push", "--quiet", "origin", "main")
    git("update-ref", MAIN, scene.first, cwd=remote)
    new = scene.commit({"b.txt": "on top\n"})

    with pytest.raises(RefusedError, match=f"expected {bad}"):
        push(scene.common, order(scene, remote, new, old=bad))

    assert there(remote) == scene.first


def test_a_remote_rewound_at_the_last_instant_does_not_get_it_back(
    scene: Scene, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = scene.commit({"a.txt": "bad\n"})
    scene.git("push", "--quiet", "origin", "main")
    new = scene.commit({"b.txt": "on top\n"})
    door = tmp_path / "door"
    door.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        f'case "$last" in *receive-pack*) git -C {remote} update-ref {MAIN} {scene.first};; esac\n'
        'exec sh -c "$last"\n'
    )
    door.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(door))

    with pytest.raises(RefusedError, match="stale info"):
        push(scene.common, PushRef("origin", f"ssh://host{remote}", MAIN, bad, new))

    assert there(remote) == scene.first


def test_a_commit_that_does_not_descend_is_never_pushed(scene: Scene, remote: Path) -> None:
    scene.git("switch", "--quiet", "--orphan", "other")
    orphan = scene.commit({"z.txt": "z\n"})

    with pytest.raises(RefusedError, match="does not descend"):
        push(scene.common, order(scene, remote, orphan))

    assert there(remote) == scene.first


def test_a_push_that_somebody_built_upon_at_once_is_done(scene: Scene, remote: Path) -> None:
    new = scene.commit({"a.txt": "2\n"})
    top = scene.commit({"a.txt": "3\n"})
    git("fetch", "--quiet", str(scene.path), top, cwd=remote)
    hook = remote / "hooks/post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ngit update-ref {MAIN} {top}\n")
    hook.chmod(0o755)

    assert push(scene.common, order(scene, remote, new)) is StepWord.DONE


def test_a_lost_reply_is_no_refusal(scene: Scene, remote: Path) -> None:
    new = scene.commit({"a.txt": "2\n"})
    hook = remote / "hooks/post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")  # the server dies before it answers
    hook.chmod(0o755)

    assert push(scene.common, order(scene, remote, new)) is StepWord.DONE
    assert there(remote) == new


def test_a_remote_that_is_gone_is_named(scene: Scene, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere.git")

    with pytest.raises(PermanentError, match=r"nowhere\.git"):
        remote_tip(scene.common, nowhere, MAIN)


@pytest.mark.parametrize("start", ["git://", "http://person:secret@"])
def test_a_host_that_does_not_answer_is_worth_another_try(scene: Scene, start: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        url = f"{start}127.0.0.1:{taken.getsockname()[1]}/x.git"

        with pytest.raises(TransientError, match=r"127\.0\.0\.1") as unreachable:
            remote_tip(scene.common, url, MAIN)

    assert "secret" not in str(unreachable.value)


def test_a_host_that_says_nothing_is_given_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "sh -c 'sleep 600'")
    monkeypatch.setattr(remote_module, "LOOKING", 0.3)
    started = time.monotonic()

    with pytest.raises(TransientError, match="took over"):
        remote_tip(scene.common, "ssh://example.com/x.git", MAIN)

    assert time.monotonic() - started < 60


def test_the_tip_and_its_objects_come_without_moving_a_ref(scene: Scene, remote: Path) -> None:
    other = Scene(remote.with_name("other"))
    other.git("fetch", "--quiet", str(remote), "main")
    other.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    theirs = other.commit({"b.txt": "theirs\n"})
    other.git("push", "--quiet", str(remote), "main")
    before = scene.look()

    assert remote_tip(scene.common, str(remote), MAIN) == theirs
    assert fetch_trunk(scene.common, str(remote), MAIN) == theirs

    assert scene.look() == before
    assert scene.git("show", f"{theirs}:b.txt") == "theirs"
    assert not (scene.common / "FETCH_HEAD").exists()
    assert remote_tip(scene.common, str(remote), "refs/heads/none") is None


def test_the_url_is_read_as_data(scene: Scene, remote: Path) -> None:
    assert remote_url(scene.common, "origin") == str(remote)
    assert remote_url(scene.common, "none") is None
    scene.git("remote", "set-url", "--push", "origin", "../origin.git")
    assert remote_url(scene.common, "origin") == f"{scene.path}/../origin.git"
    scene.git("config", "remote.origin.pushurl", "git@example.com:team/repo.git")
    assert remote_url(scene.common, "origin") == "git@example.com:team/repo.git"
    scene.git("config", "--add", "remote.origin.pushurl", "https://example.com/repo.git")
    with pytest.raises(RefusedError, match="2 places"):
        remote_url(scene.common, "origin")


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c owned",
        "ext::sh://x",
        "fd::7",
        "evil://host/x",
        "--upload-pack=owned",
        "-oProxyCommand=owned:x",
        "ssh://-oProxyCommand=owned/x",
        "ssh://user@-oProxyCommand=owned/x",
        "user@-oProxyCommand=owned:x",
        "https://example.com/\nx",
    ],
)
def test_a_url_that_is_a_command_is_refused(scene: Scene, url: str) -> None:
    scene.git("config", "remote.origin.url", url)

    with pytest.raises(RefusedError):
        remote_url(scene.common, "origin")
    with pytest.raises(RefusedError):
        remote_tip(scene.common, url, MAIN)
    with pytest.raises(RefusedError):
        push(scene.common, PushRef("origin", url, MAIN, None, scene.first))


def test_no_code_of_the_repository_runs(scene: Scene, remote: Path, tmp_path: Path) -> None:
    new = scene.commit({"a.txt": "2\n"})
    arm(scene.path, tmp_path / "canaries")
    scene.git("config", f"url.ext::sh -c touch% {tmp_path}/canaries/ext.insteadOf", str(remote))
    scene.git("config", "remote.origin.receivepack", f"touch {tmp_path}/canaries/pack;")

    push(scene.common, order(scene, remote, new))
    fetch_trunk(scene.common, str(remote), MAIN)

    assert fired(tmp_path / "canaries") == []
    assert there(remote) == new


def test_the_persons_own_settings_open_the_door(
    scene: Scene, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "my ssh"
    ssh.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    mine = tmp_path / "mine"
    mine.write_text(
        f'[core]\n\tsshCommand = "\'{ssh}\'"\n[url "ssh://host{remote}"]\n\tinsteadOf = work:\n'
    )
    new = scene.commit({"a.txt": "2\n"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(mine))

    push(scene.common, PushRef("origin", "work:", MAIN, scene.first, new))

    assert there(remote) == new


def test_git_variables_of_the_caller_are_ignored(
    scene: Scene, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = scene.commit({"a.txt": "2\n"})
    other = Scene(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.common))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.common / "objects"))

    push(scene.common, order(scene, remote, new))
    monkeypatch.undo()

    assert there(remote) == new


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:pw@example.com:8443/x.git", "example.com"),
        ("git@example.com:team/x.git", "example.com"),
        ("ssh://git@example.com/x.git", "example.com"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_a_url_is_named_without_its_secrets(url: str, host: str) -> None:
    assert host_of(url) == host
