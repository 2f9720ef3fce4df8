"""Files that all checkouts share, damaged: Git sees nothing, or not all, until they are whole again."""

import os
from pathlib import Path

import pytest

from tests.command import unjam, unjam_json
from tests.flows.corruption.test_worktree_corruption import ONLY, works
from tests.recovering import recover, sentences, undo
from tests.world import Workstream, World, at_work, git, git_status, spoil
from tests.world.shared_damage import SHARED
from unjam.domain.catalogue.diagnosis import diagnose
from unjam.domain.catalogue.scenarios import SCENARIOS
from unjam.domain.reports.check_report import Document
from unjam.domain.world.finding import Finding
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration

_ROUNDS = 3  # as `unjam recover` does


def pushed(world: World) -> Workstream:
    """A workstream with unsaved work, all of whose commits the remote has."""
    one = at_work(world)
    git("push", "--quiet", "origin", one.branch, cwd=world.repo)
    return one


def recovered(world: World) -> list[Document]:
    """Recover until nothing is left to do, as one call of ``unjam recover`` does."""
    documents = [recover(world.repo, ONLY)]
    while documents[-1]["word"] != "recovered":
        assert len(documents) < _ROUNDS, documents[-1]["outcomes"]
        documents.append(recover(world.repo, ONLY))
    return documents


def found(world: World) -> tuple[Finding, ...]:
    return diagnose(observe(open_orchestration(world.repo), objects=True), ONLY)


@pytest.mark.parametrize("breakage", SHARED)
def test_after_the_repair_git_works_again_and_nothing_is_lost(calm: World, breakage: str) -> None:
    one = pushed(calm)
    recover(calm.repo, ONLY)  # an earlier run, of better days
    treasure, before = calm.treasure(), one.tip
    SHARED[breakage](calm.repo)

    recovered(calm)

    assert calm.lost(treasure) == []
    assert one.tip == before
    assert git("symbolic-ref", "HEAD", cwd=calm.repo) == "refs/heads/main"
    assert git("remote", "get-url", "origin", cwd=calm.repo) == str(
        calm.origin and calm.origin.path
    )
    assert found(calm) == ()
    works(calm, one)


@pytest.mark.parametrize("breakage", [one for one in SHARED if "HEAD" in one or "config" in one])
def test_undo_brings_the_damage_back_to_the_last_byte(lonely: World, breakage: str) -> None:
    at_work(lonely)
    SHARED[breakage](lonely.repo)
    paths = [lonely.common / name for name in ("HEAD", "config")]
    before = [one.read_bytes() if one.exists() else None for one in paths]
    (document,) = recovered(lonely)

    undo(lonely.repo, document["run"])

    assert [one.read_bytes() if one.exists() else None for one in paths] == before


def test_an_index_of_a_pack_that_was_damaged_comes_back_with_undo_and_hides_nothing(
    lonely: World,
) -> None:
    at_work(lonely)
    treasure = lonely.treasure()
    SHARED["index of a pack nulled"](lonely.repo)
    (index,) = (lonely.common / "objects/pack").glob("*.idx")
    before = index.read_bytes()
    (document,) = recovered(lonely)
    assert index.read_bytes() != before

    undo(lonely.repo, document["run"])

    assert index.read_bytes() == before
    recovered(lonely)
    assert lonely.lost(treasure) == []


def test_everything_at_once_is_repaired_one_after_the_other(calm: World) -> None:
    one = pushed(calm)
    treasure = calm.treasure()
    for breakage in ("index of a pack nulled", "packed refs cut", "config empty", "HEAD nulled"):
        SHARED[breakage](calm.repo)

    recovered(calm)

    assert calm.lost(treasure) == []
    works(calm, one)


def test_a_primary_on_an_agents_branch_gets_that_back(lonely: World) -> None:
    lonely.primary.on_branch("ws/ws-1/agent-1")
    (lonely.common / "HEAD").write_bytes(b"")

    recovered(lonely)

    assert git("rev-parse", "--abbrev-ref", "HEAD", cwd=lonely.repo) == "ws/ws-1/agent-1"


def test_a_detached_primary_gets_its_commit_back(lonely: World) -> None:
    git("checkout", "--quiet", "--detach", lonely.trunk, cwd=lonely.repo)
    (lonely.common / "HEAD").write_bytes(bytes(41))

    recovered(lonely)

    assert git("rev-parse", "--abbrev-ref", "HEAD", cwd=lonely.repo) == "HEAD"
    assert git("rev-parse", "HEAD", cwd=lonely.repo) == lonely.trunk


def test_a_head_of_which_nothing_tells_is_left_with_the_command_to_write_it(lonely: World) -> None:
    (lonely.common / "HEAD").write_bytes(b"")
    (lonely.common / "logs/HEAD").unlink()

    document = recover(lonely.repo, ONLY)

    assert document["word"] != "recovered"
    (said,) = sentences(document, "mend shared").values()
    assert "echo 'ref: refs/heads/main' >" in said
    assert (lonely.common / "HEAD").read_bytes() == b""


def test_while_git_sees_nothing_only_that_is_found_and_no_command_breaks(calm: World) -> None:
    calm.workstream("ws-15").worktree().row("running")
    SHARED["packed refs nulled"](calm.repo)

    document = unjam_json("check", cwd=calm.repo)

    (finding,) = document["findings"]
    assert finding["scenario"] == "worktree_corruption"
    assert "packed refs" in finding["summary"]
    assert unjam("check", cwd=calm.repo).returncode == 1
    assert unjam("status", cwd=calm.repo).returncode == 0
    assert recover(calm.repo, tuple(SCENARIOS))["plan"][0]["step"] == "mend shared"
    assert calm.state.status("ws-15") == "running"


def test_what_a_damaged_pack_still_holds_is_taken_out_of_it(lonely: World) -> None:
    one = at_work(lonely)
    for number in range(20):
        one.commits({f"{number}.txt": f"{number}\n" * 50})
        one.leaves({f"{number}.txt": "something else\n"})
    SHARED["pack flipped"](lonely.repo)
    (pack,) = (lonely.common / "objects/pack").glob("*.pack")
    damaged = pack.read_bytes()

    for _ in range(_ROUNDS):
        recover(lonely.repo, ONLY)

    assert git_status("cat-file", "-e", one.tip, cwd=lonely.repo) == 0
    lost = observe(open_orchestration(lonely.repo), objects=True).lost
    assert len(lost) <= 1  # that in which the bit is
    (kept,) = lonely.common.glob(f"unjam/vault/*/shared/objects/pack/{pack.name}")
    assert kept.read_bytes() == damaged


@pytest.mark.parametrize("fetched", [True, False])
def test_a_configuration_of_which_no_copy_was_kept_is_made_anew(calm: World, fetched: bool) -> None:
    assert calm.origin
    if fetched:
        git("fetch", "--quiet", "origin", "main", cwd=calm.repo)
    SHARED["config nulled"](calm.repo)

    (document,) = recovered(calm)

    url = str(calm.origin.path.with_suffix(""))  # as Git writes it down
    remotes = git("remote", "-v", cwd=calm.repo)
    assert (url in remotes) is fetched
    (said,) = sentences(document, "mend shared").values()
    assert "look whether your remotes" in said


def test_a_healthy_repository_with_packs_and_all_that_is_computed_from_them_is_healthy(
    lonely: World,
) -> None:
    at_work(lonely)
    git("pack-refs", "--all", cwd=lonely.repo)
    git("repack", "-a", "-d", "--quiet", cwd=lonely.repo)
    git("commit-graph", "write", "--reachable", cwd=lonely.repo)
    git("commit-graph", "write", "--reachable", "--split", cwd=lonely.repo)
    git("multi-pack-index", "write", cwd=lonely.repo)

    assert found(lonely) == ()


def test_a_pack_whose_index_git_has_yet_to_publish_is_no_damage(lonely: World) -> None:
    at_work(lonely)
    pack = write_pack_alone(lonely.repo)

    assert found(lonely) == ()
    os.utime(pack, (1_000_000, 1_000_000))
    assert [one.cause for one in found(lonely)] == ["shared: pack_index"]


def write_pack_alone(repo: Path) -> Path:
    """A pack of what is there already, without an index."""
    git("repack", "-a", "--quiet", cwd=repo)
    (index,) = (repo / ".git/objects/pack").glob("*.idx")
    index.unlink()
    return index.with_suffix(".pack")


def test_a_branch_whose_last_commit_is_nowhere_is_named_with_the_way_back(lonely: World) -> None:
    one = at_work(lonely)
    last = one.tip
    one.commits({"more.py": "1\n"}, "two\n\nparagraphs")
    spoil(lonely.repo, one.tip)

    document = recover(lonely.repo, ONLY)

    (said,) = sentences(document, "restore objects").values()
    assert f"update-ref refs/heads/{one.branch} {last}" in said
