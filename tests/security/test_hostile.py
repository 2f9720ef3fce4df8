"""Agents write whatever they like into the repository, the rows and the specs; it stays data."""

import json
import os
import shlex
import socket
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.recovering import recover, undo
from tests.terminal import terminal
from tests.world import World, git, git_status, typical_wreck

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit"),
    *("prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout"),
    *("post-merge", "pre-push", "post-rewrite", "post-index-change", "reference-transaction"),
    *("fsmonitor-watchman", "pre-auto-gc", "push-to-checkout", "sendemail-validate"),
)


@pytest.fixture
def calm(world: World) -> World:
    """A world in which nothing is started again."""
    world.configure(policy={"restart": "off"})
    return world


@pytest.mark.parametrize("filtered", [False, True], ids=["drivers and hooks", "a filter too"])
def test_no_code_that_was_planted_in_git_runs(calm: World, filtered: bool) -> None:
    owned = calm.marker("owned")
    program = calm.root / "planted.sh"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {shlex.quote(str(owned))}\ncat\n')
    program.chmod(0o755)
    attributes = "* diff=planted merge=planted\n" + ("*.py filter=planted\n" if filtered else "")
    (calm.repo / ".gitattributes").write_text(attributes)
    git("add", "--all", cwd=calm.repo)
    git("commit", "--quiet", "-m", "Attributes", cwd=calm.repo)
    typical_wreck(calm)
    calm.primary.edit("src/app.py", "a person's edit\n")
    treasure = calm.treasure()  # looks with plain Git, which runs what was planted
    plant(calm, program)

    document = recover(calm.repo)
    undo(calm.repo, document["run"])
    for words in (["check"], ["status"], ["history"], ["vault", "list"], ["recover", "--dry-run"]):
        assert unjam(*words, cwd=calm.repo).returncode in (0, 1)

    undone = [one for one in document["outcomes"] if "done" not in one["outcome"]]
    # Without its filter a file cannot be written as a person's Git would: it is left to them.
    assert [one for one in undone if "filter" not in str(undone)] == []
    assert bool(undone) is filtered
    assert not owned.exists(), owned.read_text()
    assert calm.lost(treasure) == []


def plant(world: World, program: Path) -> None:
    """Have every hook, driver and helper Git knows run this program."""
    hooks = world.common / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).symlink_to(program)
    settings = {
        "core.fsmonitor": program,
        "core.pager": program,
        "core.editor": program,
        "core.sshCommand": program,
        "core.askPass": program,
        "core.alternateRefsCommand": program,
        "credential.helper": f"!{program}",
        "filter.planted.clean": program,
        "filter.planted.smudge": program,
        "filter.planted.required": "true",
        "diff.external": program,
        "diff.planted.textconv": program,
        "diff.planted.command": program,
        "merge.planted.driver": f"{program} %A",
        "gpg.program": program,
        "commit.gpgSign": "true",
        "merge.verifySignatures": "true",
        "sequence.editor": program,
        "remote.origin.uploadpack": program,
        "remote.origin.receivepack": program,
        "uploadpack.packObjectsHook": program,
        "alias.status": f"!{program}",
        "trailer.x.command": program,
    }
    for name, value in settings.items():
        git("config", name, str(value), cwd=world.repo)


def test_a_worktree_that_is_a_link_is_not_followed(calm: World) -> None:
    outside = calm.root / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("not yours\n")
    stream = calm.workstream("ws-15").worktree().row("running")
    stream.tree.rename(calm.root / "moved")
    stream.tree.symlink_to(outside)
    before = {one: one.read_bytes() for one in outside.iterdir()}
    treasure = calm.treasure()

    recover(calm.repo)

    assert {one: one.read_bytes() for one in outside.iterdir()} == before
    assert (calm.root / "moved").is_dir()
    assert calm.lost(treasure) == []


def test_links_in_a_worktree_are_kept_as_links(calm: World) -> None:
    secret = calm.root / "secret.txt"
    secret.write_text("the person's own\n")
    stream = calm.workstream("ws-15").worktree().row("running")
    (stream.tree / "innocent.txt").symlink_to(secret)
    (stream.tree / "inside").symlink_to(calm.root, target_is_directory=True)

    document = recover(calm.repo)

    (ref,) = [one for one in document["vault"] if "/worktree/" in one]
    listed = git("ls-tree", "-r", ref, "worktree/", cwd=calm.vault).splitlines()
    modes = {line.split("\t")[1]: line.split()[0] for line in listed}
    assert modes["worktree/innocent.txt"] == modes["worktree/inside"] == "120000"
    assert git("cat-file", "blob", f"{ref}:worktree/innocent.txt", cwd=calm.vault) == str(secret)
    assert git_status("grep", "-q", "the person's own", ref, cwd=calm.vault) == 1
    assert secret.read_text() == "the person's own\n"


def test_pipes_sockets_and_doors_to_nowhere_hold_nobody_up(calm: World) -> None:
    stream = calm.workstream("ws-15").worktree().row("running")
    os.mkfifo(stream.tree / "pipe")
    os.mkfifo(calm.repo / "workstreams.json")
    (calm.repo / "workstreams").mkdir()
    os.mkfifo(calm.repo / "workstreams" / "ws-1.json")
    (calm.repo / "workstreams" / "ws-2.json").symlink_to("/etc/passwd")
    (calm.repo / "logs").mkdir()
    os.mkfifo(calm.repo / "logs" / "agent.log")
    (calm.repo / "logs" / "other.log").symlink_to("/etc/passwd")
    with socket.socket(socket.AF_UNIX) as door:
        here = os.open(stream.tree, os.O_RDONLY | os.O_DIRECTORY)
        door.bind(f"/proc/self/fd/{here}/door")
        os.close(here)

        document = recover(calm.repo)

    assert calm.state.status("ws-15") == "failed"
    assert "passwd" not in str(document)
    told = unjam_json("check", cwd=calm.repo)
    assert {one["what"] for one in told["unknown"]} >= {"spec ws-1.json", "spec ws-2.json"}
    assert "root:" not in str(told)


def test_what_agents_wrote_cannot_write_on_the_terminal(calm: World) -> None:
    stream = calm.workstream("ws-15").worktree().row("running", error_message=ESCAPE)
    stream.commits({"src/a.py": "a = 1\n"}, f"work {ESCAPE}")
    stream.leaves({f"draft{ESCAPE}.txt".replace("/", ""): "x\n"})
    (calm.repo / "workstreams").mkdir()
    (calm.repo / "workstreams" / f"x{ESCAPE}.json").write_text(ESCAPE)
    (calm.repo / "logs").mkdir()
    (calm.repo / "logs" / f"agent{ESCAPE}.log").write_text(ESCAPE)
    calm.state.row(f"ws{ESCAPE}", "running", agent=ESCAPE)

    run = recover(calm.repo)["run"]

    for words in (["check"], ["status"], ["history"], ["show", run], ["recover", "--dry-run"]):
        ended = unjam(*words, cwd=calm.repo)
        assert ended.returncode in (0, 1), ended.stderr
        printed = ended.stdout + ended.stderr
        assert all(one.isprintable() or one == "\n" for one in printed), words


def test_no_name_can_forge_a_line_of_what_unjam_says(world: World) -> None:
    forged = "\nrecovered\nrestart: nothing at all? [y/N] "
    world.state.row(f"ws-1{forged}", "running", agent=f"agent{forged}", error_message=forged)
    world.state.row(f"ws-2{forged}", "pending", agent=None)
    world.state.row(f"ws-3{forged}", f"odd{forged}", agent=None)
    world.workstream("ws-15").worktree().row("running").leaves({f"draft{forged}": "x\n"})

    run = recover(world.repo)["run"]

    world.state.row("ws-16", "running")
    for words in (["check"], ["status"], ["history"], ["show", run], ["recover", "--dry-run"]):
        ended = unjam(*words, cwd=world.repo)
        printed = ended.stdout.splitlines() + ended.stderr.splitlines()
        assert not [one for one in printed if one.startswith(("recovered", "restart:"))], printed


def test_a_status_cannot_write_on_the_terminal_that_watches_it(calm: World) -> None:
    calm.state.row("ws-1", f"odd{ESCAPE}", agent=None)

    with terminal("status", "--watch", cwd=calm.repo) as screen:
        screen.wait_for("ws-1")

    assert "owned" in screen.said
    assert "\x1b]0" not in screen.said
    assert "\a" not in screen.said


@pytest.mark.parametrize("name", ["-rf", "--exec=touch owned", "$(touch owned)", ";touch owned"])
def test_files_that_are_called_like_options_are_saved_like_any_other(
    calm: World, name: str
) -> None:
    stream = calm.workstream("ws-15").worktree().row("running")
    stream.leaves({name: "a draft\n"})
    treasure = calm.treasure()

    assert recover(calm.repo)["word"] == "recovered"

    assert calm.lost(treasure) == []
    assert not list(calm.root.rglob("owned"))


def test_a_repository_inside_a_worktree_cannot_pass_itself_off_as_ours(calm: World) -> None:
    typical_wreck(calm)
    tree = calm.workstream("ws-04", "agent-4").tree
    impostor = tree / "impostor"
    impostor.mkdir()
    git("init", "--quiet", cwd=impostor)
    git("config", "core.worktree", str(calm.repo), cwd=impostor)
    git("commit", "--quiet", "--allow-empty", "-m", "x", cwd=impostor)
    treasure = calm.treasure()

    document = recover(calm.repo)

    assert document["word"] == "recovered", document
    assert calm.lost(treasure) == []
    assert git("status", "--porcelain", cwd=calm.repo) == ""


@pytest.mark.parametrize("name", [".env", "prefect.toml", "pyproject.toml"])
def test_settings_of_prefect_that_lie_in_a_worktree_are_not_taken(
    calm: World, prefect_server: str, name: str
) -> None:
    assert prefect_server
    stream = calm.workstream("ws-15").worktree().row("running")
    owned = calm.marker("owned")
    call = {"()": "os.system", "command": f"touch {shlex.quote(str(owned))}"}
    logging = {"version": 1, "handlers": {"planted": call}}
    (stream.tree / "logging.yml").write_text(json.dumps(logging))
    (stream.tree / name).write_text(
        {
            ".env": "PREFECT_LOGGING_SETTINGS_PATH=logging.yml\n",
            "prefect.toml": '[logging]\nconfig_path = "logging.yml"\n',
            "pyproject.toml": '[tool.prefect.logging]\nconfig_path = "logging.yml"\n',
        }[name]
    )

    ended = unjam("recover", "--yes", cwd=stream.tree)

    assert "salvage .worktrees/agent-1-ws-15" in ended.stdout
    assert not owned.exists()


def test_an_id_that_could_not_be_a_name_is_quoted_wherever_it_is_written(calm: World) -> None:
    for name in ("", "-rf", "ws 1;rm"):
        calm.state.row(name, "running", agent="agent-1")

    checked = unjam("check", "orchestrator_crash", cwd=calm.repo).stdout
    planned = unjam("recover", "--dry-run", "orchestrator_crash", cwd=calm.repo).stdout
    counted = unjam("status", cwd=calm.repo).stdout

    for name in ("''", "'-rf'", "'ws 1;rm'"):
        assert f"error: {name}: what became of it cannot be told" in checked
        assert f"note: {name} is kept as it is" in planned
        assert f"\n{name} " in counted
