"""Run what a page of the documentation tells to type, and nothing else."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.command import ROOT, environment

_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def typed(page: str, variables: Mapping[str, str], cwd: Path) -> list[str]:
    """Type all of a page's commands into one bash, which must like each; what they printed."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    lines = "".join(_BLOCK.findall((ROOT / "docs" / page).read_text()))
    ended = subprocess.run(
        ("bash", "-euo", "pipefail", "-c", lines),
        cwd=cwd,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.splitlines()
