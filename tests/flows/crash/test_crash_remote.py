"""The remote of a wreck: absent, refusing, ahead, grown apart, out of reach."""

import re
import shlex

from tests.command import unjam, unjam_json
from tests.flows.building import PUSHED, begun, on_trunk, recovered
from tests.recovering import recover, sentences, undo
from tests.world import World, git


def test_a_remote_that_refuses_is_said_and_is_pushed_to_once_it_accepts(calm: World) -> None:
    begun(calm)
    assert calm.origin is not None
    before = calm.origin.tip
    calm.origin.refuses_pushes()

    document = recover(calm.repo)

    assert document["word"] == "partly recovered"
    said = sentences(document, "push")["origin main"]
    assert "protected branch" in said
    assert "Traceback" not in said
    assert on_trunk(calm, "src/part_15.py") == "part = 15"
    assert calm.state.status("ws-15") == "completed"
    assert calm.origin.tip == before
    assert unjam("check", cwd=calm.repo).returncode == 1
    (calm.origin.path / "hooks" / "pre-receive").unlink()
    recovered(calm)
    assert calm.origin.tip == calm.trunk
    assert unjam("check", cwd=calm.repo).returncode == 0
    assert recover(calm.repo)["word"] == "nothing to do"


def test_a_push_made_by_hand_is_owed_no_more(calm: World) -> None:
    begun(calm)
    assert calm.origin is not None
    calm.origin.refuses_pushes()
    said = sentences(recover(calm.repo), "push")["origin main"]
    (calm.origin.path / "hooks" / "pre-receive").unlink()

    (command,) = re.findall(r"to push by hand: (git .*)$", said)
    git(*shlex.split(command)[1:], cwd=calm.root)

    assert calm.origin.tip == calm.trunk
    git("fetch", "--quiet", cwd=calm.repo)
    assert recover(calm.repo)["word"] == "nothing to do"


def test_a_remote_that_moved_ahead_is_built_upon(calm: World) -> None:
    begun(calm)
    assert calm.origin is not None
    theirs = calm.origin.moves("theirs.txt", "somebody else's\n")
    before = calm.inventory()

    document = recovered(calm)

    assert git("merge-base", "main", theirs, cwd=calm.repo) == theirs
    assert calm.origin.tip == calm.trunk
    assert on_trunk(calm, "src/part_15.py") == "part = 15"
    assert (calm.repo / "theirs.txt").read_text() == "somebody else's\n"
    pushed = calm.origin.tip
    planned = unjam_json("undo", document["run"], "--dry-run", cwd=calm.repo)
    undone = undo(calm.repo, document["run"])
    after = calm.inventory()
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == PUSHED
    assert undone["word"] == "partly undone"
    assert undone["differences"] == [
        f"origin keeps main at {pushed[:12]}: unjam never forces a remote back"
    ]
    assert planned["stays"] == undone["differences"]
    assert git("rev-parse", "origin/main", cwd=calm.repo) == pushed


def test_work_that_somebody_merged_on_the_remote_arrives_and_is_recorded(calm: World) -> None:
    stream = begun(calm)
    stream.lands_as_merge()
    calm.push()
    git("reset", "--quiet", "--keep", "HEAD~1", cwd=calm.repo)

    recovered(calm)

    assert calm.origin is not None
    assert calm.origin.tip == calm.trunk
    assert calm.state.status("ws-15") == "completed"


def test_a_remote_that_has_it_and_more_needs_no_push(calm: World) -> None:
    begun(calm).lands_as_merge()
    calm.push()
    assert calm.origin is not None
    theirs = calm.origin.moves("theirs.txt", "somebody else's\n")

    document = recovered(calm)

    assert "already done: origin has" in sentences(document, "push")["origin main"]
    assert calm.origin.tip == theirs
    assert git("rev-parse", "origin/main", cwd=calm.repo) == theirs


def test_a_remote_that_has_grown_apart_is_left_with_the_command_that_joins_them(
    calm: World,
) -> None:
    begun(calm)
    calm.primary.commit("mine.txt", "not pushed\n")
    assert calm.origin is not None
    theirs = calm.origin.moves("theirs.txt", "somebody else's\n")

    document = recover(calm.repo)

    said = sentences(document, "push")["origin main"]
    (command,) = re.findall(r"to join them: (git [^,]*)", said)
    assert document["word"] == "partly recovered"
    assert calm.origin.tip == theirs
    assert calm.state.status("ws-15") == "completed"
    git(*shlex.split(command)[1:], cwd=calm.root)
    recovered(calm)
    assert calm.origin.tip == calm.trunk
    assert git("merge-base", "main", theirs, cwd=calm.repo) == theirs


def test_a_remote_out_of_reach_does_not_stop_the_landing(calm: World) -> None:
    begun(calm)
    assert calm.origin is not None
    calm.origin.disappears()

    document = recover(calm.repo)

    assert document["word"] == "partly recovered"
    assert str(calm.origin.path) in sentences(document, "push")["origin main"]
    assert on_trunk(calm, "src/part_15.py") == "part = 15"
    assert calm.state.status("ws-15") == "completed"


def test_where_nothing_landed_a_persons_own_commits_are_not_pushed(calm: World) -> None:
    begun(calm)
    assert calm.origin is not None
    before = calm.origin.tip
    calm.primary.commit("src/broken.py", "BROKEN = 1\n")

    document = recover(calm.repo)

    assert "nothing landed" in sentences(document, "push")["origin main"]
    assert calm.origin.tip == before
