"""``unjam init``: write unjam.toml from what is found in the repository."""

import argparse

from unjam.adapters import files
from unjam.cli.say import Page
from unjam.engine.observing.observe import detected
from unjam.engine.orchestration import open_orchestration
from unjam.errors import UsageError
from unjam.settings.render import render
from unjam.settings.toml_file import digest_of
from unjam.settings.trust import Own, trust


def run(arguments: argparse.Namespace) -> int:
    """Write the file beside the repository's ``.git``; one that is there is only replaced by force."""
    orchestration = open_orchestration(arguments.repo, arguments.config)
    target = orchestration.primary / "unjam.toml"
    if files.exists(target) and not arguments.force:
        raise UsageError(f"{target} is there already; --force replaces it")
    text = render(detected(orchestration)).encode()
    files.write_atomically(target, text)
    # Just what was written, not what may stand there by now.
    trust(Own(orchestration.primary, target, digest_of(text), ()))
    Page().line(f"wrote {target}; it is trusted as it is")
    return 0
