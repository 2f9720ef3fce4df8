"""What a fresh checkout would lack is named, and what every tool makes anew is not."""

from pathlib import Path

from tests.adapters.git.scene import Scene
from unjam.adapters.git.observing.lacking import lacking
from unjam.domain.world.identity import CommitId


def test_it_names_what_git_does_not_have_and_somebody_may_need(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "repo", {"a.txt": "1\n", ".gitignore": ".env\nnode_modules/\n*.so\n"})
    for name in (
        ".env",
        "node_modules/left/pad.js",
        "pkg/fast.so",
        "draft.txt",
        "__pycache__/a.pyc",
        ".pytest_cache/x",
        "logs/agent.log",
        ".state/a.db",
    ):
        (scene.path / name).parent.mkdir(parents=True, exist_ok=True)
        (scene.path / name).write_text("1\n")

    aside = [scene.path / ".state" / "a.db", scene.path / "logs"]

    found = lacking(scene.common, scene.path, scene.first, aside)

    assert sorted(found) == [".env", "draft.txt", "node_modules/", "pkg/"]


def test_a_submodule_that_is_here_is_named(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "repo", {"a.txt": "1\n"})
    other = Scene(tmp_path / "other", {"b.txt": "1\n"})
    scene.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "lib"
    )
    scene.git("commit", "--quiet", "-m", "a submodule")
    tip = CommitId(scene.git("rev-parse", "HEAD").strip())

    assert "lib/" in lacking(scene.common, scene.path, tip)
