"""A copy of this checkout, to try in it what may break it."""

import shutil
import subprocess
from pathlib import Path

from tests.command import ROOT


def copy_checkout(where: Path) -> None:
    """Copy what Git tracks or would; the same tools are found there."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).exists():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, where / name)
    if not (where / ".venv").exists():
        (where / ".venv").symlink_to(ROOT / ".venv")
