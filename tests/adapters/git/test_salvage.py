"""A salvage holds every byte of a worktree, touches nothing, and is the same for the same content."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.git.salvaging import MEGABYTE, REF, Repository, files, traces
from tests.adapters.git.scene import arm, fired
from tests.world.brutal import leave_nested_repository
from tests.world.inventory import git_bytes
from tests.world.shell import git, git_status
from unjam.adapters.git.intake import Intake
from unjam.adapters.git.objects import Known
from unjam.adapters.git.pack import Content, StaleContentError, _index, _Written, write_pack
from unjam.adapters.git.restore import list_files, restore_in_place, restore_to
from unjam.adapters.git.salvage import (
    IgnoredLimits,
    Salvaged,
    Source,
    read_back,
    salvage,
    salvage_all,
    signature,
)
from unjam.adapters.git.staged import Index, IndexState, read_index
from unjam.adapters.git.take import open_shop, take
from unjam.adapters.git.unchanged import is_unchanged
from unjam.errors import PermanentError, RefusedError


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "plain", brutal=False)


def restored(repo: Repository, saved: Salvaged, name: str = "out") -> dict[str, str]:
    target = repo.path.parent / name
    restore_to(repo.common, saved.commit, target)
    return files(target)


def without_link(tree: Path) -> dict[str, str]:
    """The worktree without the file that links it to its admin directory."""
    return {name: what for name, what in files(tree).items() if name != ".git"}


def test_a_brutal_worktree_comes_back_identical(repo: Repository) -> None:
    saved = repo.save()

    assert restored(repo, saved) == without_link(repo.tree)
    assert saved.complete
    assert git_status("fsck", "--strict", cwd=repo.path) == 0


def test_nothing_of_the_repository_is_touched_even_under_a_lock(repo: Repository) -> None:
    (repo.admin / "index.lock").write_text("somebody died here")
    before = traces(repo.path)

    saved = salvage(repo.common, repo.source)
    read_back(repo.common, saved, repo.source)

    assert traces(repo.path) == before
    assert repo.shown(saved, "admin/index.lock") == b"somebody died here"


def test_the_same_content_gives_the_same_commit_and_writes_nothing_twice(repo: Repository) -> None:
    first = repo.save()
    packs = sorted((repo.common / "objects/pack").iterdir())

    second = repo.save()

    assert second == first
    assert sorted((repo.common / "objects/pack").iterdir()) == packs


def test_any_change_gives_another_commit_and_another_signature(repo: Repository) -> None:
    seen = {}
    changes: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: (repo.tree / "staged.txt").write_text("changed\n"),
        lambda: (repo.tree / "private").chmod(0o640),
        (repo.tree / "empty/new").mkdir,
        lambda: repo.git("add", "crlf.txt", cwd=repo.tree),
        lambda: repo.git("commit", "--quiet", "-m", "More", cwd=repo.tree),
        lambda: repo.git("checkout", "--quiet", "--detach", cwd=repo.tree),
        lambda: (repo.tree / "nested/inner-unsaved.txt").write_text("more\n"),
        (repo.tree / "cache.ignored").unlink,
    )
    for number, change in enumerate(changes):
        change()
        saved = salvage(repo.common, repo.source)
        assert saved.signature == signature(repo.source)
        seen[number] = (saved.commit, saved.signature)

    assert len({commit for commit, _ in seen.values()}) == len(changes)
    assert len({mark for _, mark in seen.values()}) == len(changes)


def test_a_signature_survives_moving_the_worktree_but_no_edit_in_the_same_size(
    plain: Repository,
) -> None:
    (plain.tree / "notes.txt").write_text("aaaa")
    saved = plain.save()
    path = plain.tree / "notes.txt"
    times = path.stat()
    moved = plain.path.parent / "moved"
    plain.tree.rename(moved)
    assert signature(Source(moved, plain.admin)) == saved.signature

    (moved / "notes.txt").write_text("bbbb")
    os.utime(moved / "notes.txt", ns=(times.st_atime_ns, times.st_mtime_ns))

    assert signature(Source(moved, plain.admin)) != saved.signature


def test_it_is_there_after_the_worktree_the_branch_and_the_reflog_are_gone(
    repo: Repository,
) -> None:
    before = without_link(repo.tree)
    saved = repo.save()

    repo.git("worktree", "remove", "--force", "--force", str(repo.tree))
    repo.git("branch", "-D", "ws/one/agent")
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")

    assert restored(repo, saved) == before
    assert repo.shown(saved, "index/index_only.txt") == b"in the index and nowhere else\n"
    assert git_status("fsck", "--strict", cwd=repo.path) == 0


def test_it_travels_in_a_bundle_to_another_repository(repo: Repository, tmp_path: Path) -> None:
    before = without_link(repo.tree)
    saved = repo.save()
    repo.git("bundle", "create", "--quiet", str(tmp_path / "salvage.bundle"), REF)
    shutil.rmtree(repo.path)
    other = Repository(tmp_path / "other", brutal=False)
    other.git(
        "-c",
        "fetch.fsckObjects=true",
        "fetch",
        "--quiet",
        str(tmp_path / "salvage.bundle"),
        f"{REF}:{REF}",
    )

    assert restored(other, saved) == before


def test_commits_only_a_reflog_or_a_state_file_names_are_kept(plain: Repository) -> None:
    tree = plain.tree
    lost = [plain.commit(f"Amended away {number}", cwd=tree) for number in range(3)]
    plain.git("reset", "--quiet", "--hard", "HEAD~2", cwd=tree)
    other = plain.commit("Another way", cwd=tree)
    plain.git("checkout", "--quiet", "-b", "ws/other", cwd=tree)
    (plain.admin / "MERGE_AUTOSTASH").write_text(
        plain.git("commit-tree", "HEAD^{tree}", "-m", "autostash") + "\n"
    )
    autostash = (plain.admin / "MERGE_AUTOSTASH").read_text().strip()

    saved = plain.save()
    plain.git("worktree", "remove", "--force", str(tree))
    plain.git("branch", "-D", "ws/one/agent", "ws/other")
    plain.git("reflog", "expire", "--expire=now", "--all")
    plain.git("gc", "--quiet", "--prune=now")

    history = plain.git("rev-list", saved.commit).splitlines()
    assert {*lost, other, autostash} <= set(history)
    assert len(saved.parents) == 3  # the tip, the commits reset away, the autostash
    assert saved.parents[0] == other


@pytest.mark.parametrize(
    "attribute",
    ["text=auto", "text eol=crlf", "ident", "filter=scrub", "working-tree-encoding=UTF-16"],
)
def test_conversions_never_change_a_saved_byte(plain: Repository, attribute: str) -> None:
    tree = plain.tree
    raw = {"utf": "$Id$ secret hunter2\r\nline\n".encode("utf-16"), "dos": b"$Id: x$\r\nhunter2\n"}
    (tree / ".gitattributes").write_text(f"*.txt {attribute}\n")
    plain.git("config", "filter.scrub.clean", "tr a-z n-za-m")
    plain.git("config", "filter.scrub.smudge", "tr a-z n-za-m")
    for name, content in raw.items():
        (tree / f"{name}.txt").write_bytes(content)
    git_status("add", "--all", cwd=tree)
    git_status("commit", "-m", "Converted", cwd=tree)
    assert git_status("diff", "--quiet", "HEAD", cwd=tree) in {0, 128}

    in_the_future(plain.admin / "index")
    for shop_size in (0, 10_000):
        saved = salvage_with(plain, stamps_from=shop_size)
        for name, content in raw.items():
            assert plain.shown(saved, f"worktree/{name}.txt") == content


def salvage_with(repo: Repository, *, stamps_from: int) -> Salvaged:
    """Save as if the worktree were large enough for stat data to be believed."""
    with open_shop(repo.common) as shop:
        shop.stamps_from = stamps_from
        intake = Intake()
        taken = take(shop, repo.source, IgnoredLimits(), intake)
    contents = list(intake.contents(intake.everything()))
    write_pack(repo.common / "objects/pack", contents, len(contents))
    return taken.salvaged


def in_the_future(index: Path) -> None:
    """Make every entry look older than its index, so that its stat data may be believed."""
    os.utime(index, (2**31, 2**31))


def test_stat_data_is_believed_only_if_all_of_it_fits_and_is_older_than_the_index(
    plain: Repository,
) -> None:
    path = plain.tree / "src/app.py"
    status = path.lstat()
    with open_shop(plain.common) as shop:
        index = read_index(plain.admin / "index", shop.room)
        (entry,) = (one for one in index.entries if one.path == b"src/app.py")
        known = shop.objects.known([entry.oid])
    assert entry.stamp is not None

    def believed(*, written_ns: int = 2**62, stamp: tuple[int, ...] | None = entry.stamp) -> bool:
        changed = Index(IndexState.OK, written_ns)
        return is_unchanged(entry._replace(stamp=stamp), status, changed, known)

    assert believed()
    assert believed(written_ns=status.st_mtime_ns + 1)
    assert not believed(written_ns=status.st_mtime_ns)  # it may have changed in the same tick
    assert not believed(stamp=None)
    for position in (0, 1, 2, 3, 5, 7, 8, 9):
        other = list(entry.stamp)
        other[position] += 1
        assert not believed(stamp=tuple(other)), position
    larger = {entry.oid: Known(b"blob", status.st_size + 1)}  # it was converted on its way
    assert not is_unchanged(entry, status, Index(IndexState.OK, 2**62), larger)
    assert not is_unchanged(entry, status, Index(IndexState.OK, 2**62), {})


def test_stat_data_is_believed_where_it_is_safe_and_gives_the_same_commit(
    plain: Repository,
) -> None:
    in_the_future(plain.admin / "index")

    believed = salvage_with(plain, stamps_from=0)
    read = salvage_with(plain, stamps_from=10_000)

    assert believed.commit == read.commit


@pytest.mark.parametrize("known_by", ["attributes", "staged attributes", "configuration"])
def test_where_a_filter_may_keep_the_size_no_stat_data_is_believed(
    plain: Repository, known_by: str
) -> None:
    turn = "filter.rot.clean=tr a-z n-za-m"
    (plain.tree / "a.rot").write_text("uryyb\n")
    os.utime(plain.tree / "a.rot", (10**9, 10**9))
    (plain.tree / ".gitattributes").write_text("*.rot filter=rot\n")
    plain.git("add", ".gitattributes", cwd=plain.tree)
    plain.git("-c", turn, "add", "a.rot", cwd=plain.tree)
    assert plain.git("show", ":a.rot", cwd=plain.tree) == "hello"
    if known_by != "attributes":
        (plain.tree / ".gitattributes").unlink()
    if known_by == "configuration":
        plain.git("rm", "--quiet", "--cached", ".gitattributes", cwd=plain.tree)
        plain.git("config", *turn.split("=", 1))
    in_the_future(plain.admin / "index")

    saved = salvage_with(plain, stamps_from=0)

    assert plain.shown(saved, "worktree/a.rot") == b"uryyb\n"


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_edits_hidden_by_a_flag_are_saved(plain: Repository, flag: str) -> None:
    plain.git("update-index", flag, "src/app.py", cwd=plain.tree)
    (plain.tree / "src/app.py").write_text("hidden edit\n")

    saved = plain.save()

    assert plain.shown(saved, "worktree/src/app.py") == b"hidden edit\n"


def test_a_sparse_checkout_is_not_taken_for_a_deletion(plain: Repository) -> None:
    for name in ("in/a", "out/b", "out/c"):
        (plain.tree / name).parent.mkdir(exist_ok=True)
        (plain.tree / name).write_text(name)
    plain.commit("Wide", cwd=plain.tree)
    plain.git("sparse-checkout", "set", "--cone", "--sparse-index", "in", cwd=plain.tree)
    (plain.tree / "out").mkdir(exist_ok=True)
    (plain.tree / "out/b").write_text("edited outside\n")
    before = without_link(plain.tree)

    saved = plain.save()

    assert saved.vanished_share == 0
    assert plain.shown(saved, "index/out/c") == b"out/c"
    assert restored(plain, saved) == before


def test_intent_to_add_has_no_content_in_the_index_and_all_of_it_on_disk(plain: Repository) -> None:
    (plain.tree / "later.txt").write_text("soon\n")
    plain.git("add", "--intent-to-add", "later.txt", cwd=plain.tree)

    saved = plain.save()

    assert plain.shown(saved, "worktree/later.txt") == b"soon\n"
    assert b"later" not in git_bytes("ls-tree", "-r", saved.commit + ":index", cwd=plain.path)
    assert saved.problems == ()


@pytest.mark.parametrize("version", ["4", "split"])
def test_other_kinds_of_index_are_read(repo: Repository, version: str) -> None:
    entries_before = git_bytes("ls-files", "--stage", cwd=repo.tree)
    if version == "split":
        repo.git("update-index", "--split-index", cwd=repo.tree)
    else:
        repo.git("update-index", "--index-version", version, cwd=repo.tree)

    saved = repo.save()

    assert git_bytes("ls-files", "--stage", cwd=repo.tree) == entries_before
    assert repo.shown(saved, "index/index_only.txt") == b"in the index and nowhere else\n"
    for line in entries_before.splitlines():
        mode, oid, _ = line.split(b"\t")[0].split()
        assert mode + b" blob " + oid in git_bytes(
            "ls-tree", "-r", saved.commit + ":index", cwd=repo.path
        )


def damage_missing(index: Path) -> None:
    index.unlink()


def damage_garbage(index: Path) -> None:
    index.write_bytes(b"\0" * 100)


def damage_flipped(index: Path) -> None:
    raw = bytearray(index.read_bytes())
    raw[len(raw) // 2] ^= 1
    index.write_bytes(raw)


def damage_cut(index: Path) -> None:
    index.write_bytes(index.read_bytes()[: index.stat().st_size // 2])


@pytest.mark.parametrize("damage", [damage_missing, damage_garbage, damage_flipped, damage_cut])
def test_a_damaged_index_costs_no_file(repo: Repository, damage: object) -> None:
    assert callable(damage)
    damage(repo.admin / "index")
    raw = (repo.admin / "index").read_bytes() if (repo.admin / "index").exists() else b""

    saved = repo.save()

    assert restored(repo, saved) == without_link(repo.tree)
    assert repo.shown(saved, "admin/index") == raw
    facts = json.loads(repo.shown(saved, "meta.json"))
    assert facts["index"] == ("missing" if damage is damage_missing else "damaged")


def remove_admin(repo: Repository) -> Source:
    shutil.rmtree(repo.admin)
    return repo.source


def unknown_admin(repo: Repository) -> Source:
    (repo.tree / ".git").unlink()
    return Source(repo.tree, None)


def garbage_link(repo: Repository) -> Source:
    (repo.tree / ".git").write_bytes(b"\0garbage")
    return repo.source


def garbage_head(repo: Repository) -> Source:
    (repo.admin / "HEAD").write_bytes(bytes(41))
    return repo.source


def no_commondir(repo: Repository) -> Source:
    (repo.admin / "commondir").unlink()
    return repo.source


def own_repository(repo: Repository) -> Source:
    (repo.tree / ".git").unlink()
    repo.git("init", "--quiet", cwd=repo.tree)
    repo.commit("Of the agent's own", cwd=repo.tree)
    return repo.source


@pytest.mark.parametrize(
    "damage",
    [remove_admin, unknown_admin, garbage_link, garbage_head, no_commondir, own_repository],
)
def test_damage_around_a_worktree_costs_no_file(repo: Repository, damage: object) -> None:
    assert callable(damage)
    source = damage(repo)

    saved = repo.save(source)

    assert restored(repo, saved) == {
        name: what
        for name, what in files(repo.tree).items()
        if name != ".git" or what.startswith("d")
    }
    assert signature(source) == saved.signature


def test_of_a_worktree_whose_directory_is_gone_the_index_is_saved(repo: Repository) -> None:
    shutil.rmtree(repo.tree)

    saved = repo.save()

    assert repo.shown(saved, "index/staged.txt") == b"only staged\n"
    assert saved.vanished_share == 1
    assert saved.tip == repo.git("rev-parse", "ws/one/agent")


def test_more_than_a_fifth_of_the_tracked_files_gone_is_told(plain: Repository) -> None:
    for number in range(8):
        (plain.tree / f"{number}.txt").write_text("x")
    plain.commit("Ten files", cwd=plain.tree)
    for number in range(5):
        (plain.tree / f"{number}.txt").unlink()

    assert plain.save().vanished_share == 0.5


def test_conflict_stages_and_the_hand_made_resolution_are_saved(plain: Repository) -> None:
    make_conflict(plain)
    (plain.tree / "src/app.py").write_text("resolved by hand\n")

    saved = plain.save()

    assert plain.shown(saved, "stage1/src/app.py") == b"print('app')\n"
    assert plain.shown(saved, "stage2/src/app.py") == b"ours\n"
    assert plain.shown(saved, "stage3/src/app.py") == b"theirs\n"
    assert plain.shown(saved, "worktree/src/app.py") == b"resolved by hand\n"
    assert plain.git("rev-parse", "theirs") in saved.parents


def make_conflict(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "theirs", cwd=repo.tree)
    (repo.tree / "src/app.py").write_text("theirs\n")
    repo.commit("Theirs", cwd=repo.tree)
    repo.git("checkout", "--quiet", "ws/one/agent", cwd=repo.tree)
    (repo.tree / "src/app.py").write_text("ours\n")
    repo.commit("Ours", cwd=repo.tree)
    assert git_status("merge", "theirs", cwd=repo.tree) == 1


def test_what_a_resolution_overwrote_is_kept(plain: Repository) -> None:
    make_conflict(plain)
    (plain.tree / "src/app.py").write_text("resolved\n")
    plain.git("add", "src/app.py", cwd=plain.tree)

    saved = plain.save()

    pinned = git_bytes("ls-tree", "--name-only", saved.commit + ":pinned", cwd=plain.path).split()
    theirs = plain.git("rev-parse", "theirs:src/app.py").encode()
    assert theirs in pinned


def test_nested_repositories_of_every_kind_come_back(plain: Repository) -> None:
    tree = plain.tree
    leave_nested_repository(tree / "lib")
    leave_nested_repository(tree / "lib/deeper")
    (tree / "unborn").mkdir()
    plain.git("init", "--quiet", cwd=tree / "unborn")
    (tree / "unborn/work.txt").write_text("never committed\n")
    plain.git("worktree", "add", "--quiet", "-b", "inner", str(tree / "inner-worktree"))
    (tree / "inner-worktree/edit.txt").write_text("in a worktree in a worktree\n")
    before = without_link(tree)

    saved = plain.save()

    assert restored(plain, saved) == before
    out = plain.path.parent / "out"
    assert plain.git("log", "--format=%s", cwd=out / "lib/deeper") == "Inner"
    assert git_status("fsck", "--strict", cwd=plain.path) == 0


def test_a_submodule_is_saved_with_its_commits(plain: Repository, tmp_path: Path) -> None:
    library = Repository(tmp_path / "library", brutal=False)
    plain.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "sub",
        cwd=plain.tree,
    )  # fmt: skip
    plain.commit("With a submodule", cwd=plain.tree)
    (plain.tree / "sub/new.txt").write_text("only here\n")
    unpushed = plain.commit("Unpushed", cwd=plain.tree / "sub")
    (plain.tree / "sub/unsaved.txt").write_text("not even committed\n")

    saved = plain.save()

    held = {one.path for one in list_files(plain.common, saved.commit)}
    assert f"modules/sub/objects/{unpushed[:2]}/{unpushed[2:]}" in held
    assert plain.shown(saved, "nested/0/worktree/unsaved.txt") == b"not even committed\n"
    link = git_bytes("ls-tree", saved.commit + ":worktree", "sub", cwd=plain.path)
    assert link.startswith(b"160000 commit ")


def test_the_primary_is_saved_without_its_agents_and_without_what_all_share(
    repo: Repository,
) -> None:
    (repo.path / "mine.txt").write_text("a person's\n")

    saved = repo.save(repo.primary)

    held = {(one.area, one.path) for one in list_files(repo.common, saved.commit)}
    assert ("worktree", "mine.txt") in held
    assert ("admin", "HEAD") in held
    assert ("admin", "logs/HEAD") in held
    assert not any(path.startswith(".worktrees/") for _, path in held)
    assert not any(path.startswith(("objects/", "refs/heads", "config")) for _, path in held)


def test_the_primary_is_known_by_any_of_its_names(repo: Repository, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(tmp_path)
    alias = tmp_path / "alias/repo"

    saved = repo.save(Source(alias, alias / ".git"))

    held = {(one.area, one.path) for one in list_files(repo.common, saved.commit)}
    assert ("worktree", "src/app.py") in held
    assert not any(path.startswith((".worktrees/", "objects/")) for _, path in held)
    assert signature(Source(alias, alias / ".git")) == saved.signature


def test_names_no_tree_may_hold_come_back_too(plain: Repository) -> None:
    tree = plain.tree
    for name in (".GIT", "git~1", ".git ", ".g\u200cit", ".git::$INDEX_ALLOCATION", "a\\.git"):
        (tree / "odd").mkdir(exist_ok=True)
        (tree / "odd" / name).write_text(name)
    (tree / "Sub").mkdir()
    (tree / "Sub/.Git").mkdir()
    (tree / "Sub/.Git/config").write_text("not a repository\n")
    (tree / ".gitmodules").symlink_to("/etc/passwd")
    before = without_link(tree)

    saved = plain.save()

    assert restored(plain, saved) == before
    assert git_status("fsck", "--strict", cwd=plain.path) == 0


def test_links_are_saved_and_never_followed(plain: Repository, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "secret.txt").write_text("not yours\n")
    (plain.tree / "folder").symlink_to(secret)
    (plain.tree / "file").symlink_to(secret / "secret.txt")
    (plain.tree / "loop").symlink_to("loop")

    saved = plain.save()

    listing = {one.path: one for one in list_files(plain.common, saved.commit)}
    assert listing["folder"].mode is None
    assert "folder/secret.txt" not in listing
    assert plain.shown(saved, "worktree/folder") == os.fsencode(secret)


def test_a_worktree_that_is_a_link_is_refused(plain: Repository, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(plain.tree)

    with pytest.raises(RefusedError, match="symbolic link"):
        salvage(plain.common, Source(link, plain.admin))


def test_modes_that_git_does_not_keep_come_back(plain: Repository) -> None:
    modes = {"secret": 0o600, "readonly": 0o444, "setuid": 0o4755, "group": 0o664, "none": 0o000}
    for name, mode in modes.items():
        (plain.tree / name).write_text(name)
        (plain.tree / name).chmod(mode)
    (plain.tree / "closed/inner").mkdir(parents=True)
    (plain.tree / "closed/inner/file").write_text("x")
    (plain.tree / "closed").chmod(0o550)

    saved = plain.save()

    assert restored(plain, saved) == without_link(plain.tree)


def test_special_files_are_named_and_do_not_stop_it(plain: Repository) -> None:
    os.mkfifo(plain.tree / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(plain.tree)
        listener.bind("socket")
        saved = plain.save()

    assert saved.special == ("fifo", "socket")
    assert saved.complete


def test_what_cannot_be_read_is_named(plain: Repository) -> None:
    descriptor = os.open(plain.tree, os.O_RDONLY)
    for _ in range(30):  # deeper than a path can be named
        os.mkdir("d" * 200, dir_fd=descriptor)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)

    saved = plain.save()

    assert len(saved.unreadable) == 1
    assert not saved.complete


def test_large_ignored_files_keep_their_place_and_are_named(plain: Repository) -> None:
    (plain.tree / ".gitignore").write_text("*.bin\ncache/\n")
    (plain.tree / "cache").mkdir()
    (plain.tree / "cache/large").write_bytes(bytes(3 * MEGABYTE))
    for number in range(4):
        (plain.tree / f"{number}.bin").write_bytes(os.urandom(MEGABYTE - number))
    (plain.tree / "untracked.dat").write_bytes(os.urandom(4 * MEGABYTE))

    saved = plain.save(limits=IgnoredLimits(each=2 * MEGABYTE, total=3 * MEGABYTE))

    assert saved.ignored_skipped == ("0.bin", "cache/large")
    assert not saved.complete
    held = {one.path for one in list_files(plain.common, saved.commit)}
    assert {"1.bin", "2.bin", "3.bin", "untracked.dat"} <= held
    assert "cache/large" not in held


def test_paths_kept_safe_in_another_way_are_not_read(plain: Repository) -> None:
    (plain.path / "state.db").write_text("locked by somebody\n")
    source = Source(plain.path, plain.common, without=(plain.path / "state.db",))
    saved = plain.save(source)

    (plain.path / "state.db").write_text("written meanwhile\n")

    assert signature(source) == saved.signature
    assert "state.db" not in {one.path for one in list_files(plain.common, saved.commit)}


def test_nothing_an_agent_planted_is_run(repo: Repository, tmp_path: Path) -> None:
    canaries = tmp_path / "canaries"
    arm(repo.path, canaries)
    repo.git("config", "extensions.worktreeConfig", "true")
    shutil.copy(repo.common / "config", repo.admin / "config.worktree")
    (repo.tree / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    canaries_before = fired(canaries)

    for source in (repo.source, repo.primary):
        saved = salvage(repo.common, source)
        read_back(repo.common, saved, source)
        signature(source)
        restored(repo, saved, f"out-{source.worktree.name}")
        restore_in_place(
            repo.common,
            saved.commit,
            source.worktree,
            source.admin or repo.common,
            tmp_path / "aside",
        )

    assert fired(canaries) == canaries_before
    git_status("add", "--all", cwd=repo.tree)
    assert fired(canaries) != canaries_before  # the traps do work


def test_a_bulk_salvage_gives_the_same_commits_in_one_pack(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo")
    sources = [repo.source]
    for number in range(5):
        tree = tmp_path / f"tree-{number}"
        repo.git("worktree", "add", "--quiet", "-b", f"ws/{number}", str(tree))
        (tree / "work.txt").write_text(f"{number}\n")
        sources.append(Source(tree, repo.common / f"worktrees/tree-{number}"))
    link = tmp_path / "link"
    link.symlink_to(repo.tree)

    together = salvage_all(repo.common, [*sources, Source(link, None)])

    packs = list((repo.common / "objects/pack").glob("*.pack"))
    assert len(packs) == 1
    assert isinstance(together[-1], RefusedError)
    for saved, source in zip(together, sources, strict=False):
        assert saved == salvage(repo.common, source)
        assert isinstance(saved, Salvaged)
        read_back(repo.common, saved, source)


def test_read_back_names_the_file_that_changed(repo: Repository) -> None:
    saved = salvage(repo.common, repo.source)

    (repo.tree / "private").write_text("0601\n")

    with pytest.raises(PermanentError, match=r"worktree/private"):
        read_back(repo.common, saved, repo.source)


def test_read_back_names_the_file_whose_bytes_the_store_has_lost(repo: Repository) -> None:
    saved = salvage(repo.common, repo.source)
    pack = next((repo.common / "objects/pack").glob("*.pack"))
    raw = bytearray(pack.read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    pack.chmod(0o644)
    pack.write_bytes(raw)

    with pytest.raises(PermanentError, match=r"salvage does not hold|damaged|not in the object"):
        read_back(repo.common, saved, repo.source)


def test_objects_that_power_loss_left_empty_are_written_again(plain: Repository) -> None:
    (plain.tree / "staged.txt").write_text("staged\n")
    plain.git("add", "staged.txt", cwd=plain.tree)
    oid = plain.git("hash-object", "staged.txt", cwd=plain.tree)
    loose = plain.common / "objects" / oid[:2] / oid[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"")

    saved = plain.save()

    assert plain.shown(saved, "index/staged.txt") == b"staged\n"


def test_a_staged_blob_that_is_nowhere_is_told_and_the_rest_is_saved(plain: Repository) -> None:
    (plain.tree / "gone.txt").write_text("gone\n")
    plain.git("add", "gone.txt", cwd=plain.tree)
    oid = plain.git("rev-parse", ":gone.txt", cwd=plain.tree)
    (plain.tree / "gone.txt").unlink()
    (plain.common / "objects" / oid[:2] / oid[2:]).unlink()
    (plain.tree / "other.txt").write_text("here\n")

    saved = plain.save()

    assert any("gone.txt" in one for one in saved.problems)
    assert plain.shown(saved, "worktree/other.txt") == b"here\n"


def test_a_file_larger_than_what_is_held_in_memory_is_saved_whole(plain: Repository) -> None:
    content = os.urandom(5 * MEGABYTE + 17)
    (plain.tree / "large.bin").write_bytes(content)

    saved = plain.save()

    assert plain.shown(saved, "worktree/large.bin") == content


def test_a_file_that_was_rewritten_between_two_reads_is_not_written_torn(tmp_path: Path) -> None:
    content = Content(bytes(20), b"blob", 3, iter([b"abc"]))
    with pytest.raises(StaleContentError):
        write_pack(tmp_path / "pack", [content], 1)

    assert list((tmp_path / "pack").iterdir()) == []


def test_a_pack_beyond_two_gigabytes_is_indexed_with_long_offsets() -> None:
    near, far = _Written(b"\1" * 20, 7, 12), _Written(b"\2" * 20, 8, 1 << 33)

    index = _index(bytes(20), [far, near])

    offsets = 8 + 1024 + 2 * 20 + 2 * 4
    assert index[offsets : offsets + 8] == bytes.fromhex("0000000c80000000")
    assert index[offsets + 8 : offsets + 16] == (1 << 33).to_bytes(8, "big")


def test_a_submodule_of_the_primary_is_not_copied_with_its_objects(
    plain: Repository, tmp_path: Path
) -> None:
    library = Repository(tmp_path / "library", brutal=False)
    git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.path), "sub",
        cwd=plain.path,
    )  # fmt: skip

    saved = plain.save(plain.primary)

    held = [one.path for one in list_files(plain.common, saved.commit)]
    assert "modules/sub/HEAD" in held
    assert not any("objects" in one for one in held)
