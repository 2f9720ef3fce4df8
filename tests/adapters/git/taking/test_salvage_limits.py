"""What is large, hostile, rewritten or lost is told, and never saved by halves."""

import os
import shutil
from pathlib import Path

import pytest

from tests.adapters.git.scene import arm, fired
from tests.adapters.git.taking.salvaging import MEGABYTE, Repository, restored
from tests.world.shell import git, git_status
from unjam.adapters.git.restoring.restore import list_files, restore_in_place
from unjam.adapters.git.taking.pack import Content, StaleContentError, _index, _Written, write_pack
from unjam.adapters.git.taking.salvage import (
    IgnoredLimits,
    Salvaged,
    Source,
    read_back,
    salvage,
    salvage_all,
    signature,
)
from unjam.errors import PermanentError, RefusedError


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

    packs = list((repo.vault / "objects/pack").glob("*.pack"))
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
    pack = next((repo.vault / "objects/pack").glob("*.pack"))
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
