"""What everything in a test is told instead of this machine's Git configuration."""

import json
from pathlib import Path

GIT_CONFIG = """\
[user]
	name = Person
	email = person@example.com
[init]
	defaultBranch = main
[commit]
	gpgSign = false
[maintenance]
	auto = false
"""


def trust_below(config_home: Path, *places: Path) -> None:
    """Write the configuration of a person who trusts every repository that a test makes there."""
    file = config_home / "unjam" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"trust = {json.dumps([f'{place}/**' for place in places])}\n")
    file.chmod(0o600)
