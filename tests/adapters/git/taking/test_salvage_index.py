"""What Git believes of an index is checked; bytes on disk win over every flag and stamp."""

import json
import os
from pathlib import Path

import pytest

from tests.adapters.git.taking.salvaging import Repository, restored, without_link
from tests.world.inventory import git_bytes
from tests.world.shell import git_status
from unjam.adapters.git.index import IndexEntry
from unjam.adapters.git.objects import ObjectHeader
from unjam.adapters.git.taking import store
from unjam.adapters.git.taking.intake import Intake
from unjam.adapters.git.taking.pack import write_pack
from unjam.adapters.git.taking.salvage import IgnoredLimits, Salvaged
from unjam.adapters.git.taking.staged_index import IndexState, StagedIndex, read_staged_index
from unjam.adapters.git.taking.take import is_unchanged, open_shop, take


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
    folder = store.make(repo.common) / "objects/pack"
    with open_shop(repo.common) as shop:
        shop.stamps_from = stamps_from
        intake = Intake()
        taken = take(shop, repo.source, IgnoredLimits(), intake)
    contents = list(intake.contents(intake.everything()))
    write_pack(folder, contents, len(contents))
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
        index = read_staged_index(plain.admin / "index", shop.room)
        (entry,) = (one for one in index.entries if one.path == b"src/app.py")
        known = shop.objects.known([entry.oid])
    assert entry.mtime

    def believed(*, written_ns: int = 2**62, seen: IndexEntry = entry) -> bool:
        changed = StagedIndex(IndexState.OK, written_ns)
        return is_unchanged(seen, status, changed, known)

    assert believed()
    assert believed(written_ns=status.st_mtime_ns + 1)
    assert not believed(written_ns=status.st_mtime_ns)  # it may have changed in the same tick
    for name in ("ctime", "ctime_ns", "mtime", "mtime_ns", "inode", "owners", "size"):
        other = entry._replace(**{name: getattr(entry, name) + 1})
        assert not believed(seen=other), name
    larger = {entry.oid: ObjectHeader(b"blob", status.st_size + 1)}  # it was converted on its way
    assert not is_unchanged(entry, status, StagedIndex(IndexState.OK, 2**62), larger)
    assert not is_unchanged(entry, status, StagedIndex(IndexState.OK, 2**62), {})


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
    assert b"later" not in git_bytes("ls-tree", "-r", saved.commit + ":index", cwd=plain.vault)
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
            "ls-tree", "-r", saved.commit + ":index", cwd=repo.vault
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
