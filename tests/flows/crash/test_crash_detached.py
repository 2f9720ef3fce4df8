"""A primary checkout that was left on no branch: what is committed there, no branch holds."""

import re
import shlex

from tests.command import unjam
from tests.flows.building import begun, on_trunk, recovered
from tests.recovering import recover, sentences, undo
from tests.world import World, git, git_status
from unjam.engine.observing.observe import observe
from unjam.engine.orchestration import open_orchestration


def test_a_clean_primary_on_no_branch_is_returned_to_the_trunk_and_back(lonely: World) -> None:
    begun(lonely)
    lonely.primary.detached()
    lonely.primary.edit("mine.txt", "untracked, a person's\n")
    treasure, before = lonely.treasure(), lonely.inventory()
    head = git("rev-parse", "HEAD", cwd=lonely.repo)

    found = unjam("check", cwd=lonely.repo).stdout
    document = recovered(lonely)

    assert f"the primary checkout was left on commit {head[:12]}, on no branch" in found
    assert git("symbolic-ref", "HEAD", cwd=lonely.repo) == "refs/heads/main"
    assert git("status", "--porcelain", cwd=lonely.repo) == "?? mine.txt"
    assert (lonely.repo / "src/part_15.py").exists()
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before
    assert git_status("symbolic-ref", "-q", "HEAD", cwd=lonely.repo) == 1


def test_commits_made_on_no_branch_are_kept_and_named_when_the_primary_leaves_them(
    lonely: World,
) -> None:
    begun(lonely)
    lonely.primary.detached()
    commit = lonely.primary.commit("mine.txt", "committed on no branch\n")
    treasure, before = lonely.treasure(), lonely.inventory()

    document = recovered(lonely)

    said = sentences(document, "return primary")["to main"]
    (ref,) = re.findall(r"kept as (refs/unjam/\S+)$", said)
    assert f"switched from commit {commit[:12]} to main" in said
    git("reflog", "expire", "--expire=now", "--all", cwd=lonely.repo)
    assert git_status("merge-base", "--is-ancestor", commit, ref, cwd=lonely.vault) == 0
    assert lonely.lost(treasure) == []
    undo(lonely.repo, document["run"])
    assert lonely.inventory() == before
    assert git("rev-parse", "HEAD", cwd=lonely.repo) == commit


def test_commits_on_no_branch_that_may_not_be_saved_keep_the_primary_where_it_is(
    lonely: World,
) -> None:
    lonely.configure(policy={"salvage": "off", "restart": "off"})
    begun(lonely)
    lonely.primary.detached()
    commit = lonely.primary.commit("mine.txt", "committed on no branch\n")

    document = recover(lonely.repo)

    said = sentences(document, "return primary")["to main"]
    assert said.startswith(f"refused: no branch holds commit {commit[:12]}")
    assert git("rev-parse", "HEAD", cwd=lonely.repo) == commit
    (commands,) = re.findall(r"then: (git .*)$", said)
    for command in commands.split(" && "):
        git(*shlex.split(command)[1:], cwd=lonely.root)
    assert git("symbolic-ref", "HEAD", cwd=lonely.repo) == "refs/heads/main"
    assert git("branch", "--contains", commit, cwd=lonely.repo).strip()


def test_a_primary_on_no_branch_with_edits_stays_there_and_says_how_to_leave(
    lonely: World,
) -> None:
    begun(lonely)
    lonely.primary.detached()
    lonely.primary.edit("src/app.py", "a person's edit\n")
    head = git("rev-parse", "HEAD", cwd=lonely.repo)

    document = recover(lonely.repo)

    said = sentences(document, "return primary")["to main"]
    assert said.startswith("refused: it holds uncommitted edits (src/app.py)")
    assert document["word"] == "partly recovered"
    assert git("rev-parse", "HEAD", cwd=lonely.repo) == head
    assert git_status("symbolic-ref", "-q", "HEAD", cwd=lonely.repo) == 1
    assert (lonely.repo / "src/app.py").read_text() == "a person's edit\n"
    assert on_trunk(lonely, "src/part_15.py") == "part = 15"


def test_while_the_primary_is_on_an_old_commit_the_trunks_specs_count(lonely: World) -> None:
    for name in ("ws-06", "ws-15", "ws-20"):
        lonely.spec(name)
    lonely.commit_specs()
    old = git("rev-parse", "HEAD", cwd=lonely.repo)
    begun(lonely)
    lonely.spec("ws-07")
    lonely.spec("ws-15", depends_on=["ws-99"])
    lonely.spec("ws-20", depends_on=["ws-98"])
    (lonely.repo / "workstreams/ws-06.json").unlink()
    lonely.commit_specs()
    git("checkout", "--quiet", "--detach", old, cwd=lonely.repo)
    lonely.spec("ws-20", depends_on=["ws-06"])

    seen = observe(open_orchestration(lonely.repo))

    told = {spec.workstream: spec.depends_on for spec in seen.specs}
    assert told == {"ws-07": (), "ws-15": ("ws-99",), "ws-20": ("ws-06",)}


def test_a_clone_on_no_branch_in_which_nothing_was_begun_is_healthy(lonely: World) -> None:
    lonely.spec("ws-15")
    lonely.primary.detached()

    assert unjam("check", "orchestrator_crash", cwd=lonely.repo).returncode == 0
