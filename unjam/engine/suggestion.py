"""Write down how the orchestrator could wait for its database instead of failing."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from unjam.adapters import files
from unjam.adapters.verdicts import write_page
from unjam.domain.scenarios.database.busy_timeout import timeout_patch
from unjam.domain.world.snapshot import Snapshot
from unjam.engine.recovery import Recovery
from unjam.engine.vault import folder_of
from unjam.errors import UnjamError

_LARGE = 1 << 20  # bytes; a program is no longer


def keep_suggestion(run: Recovery, fresh: Snapshot) -> Path | None:
    """Keep a patch for `git apply` in the vault; None where there is nothing to suggest."""
    primary = run.orchestration.primary
    patches = []
    for path in dict.fromkeys(_programs(run, fresh)):
        with suppress(UnjamError, UnicodeDecodeError):
            text = (files.content(path) or b"").decode()
            if len(text) < _LARGE:
                patches.append(timeout_patch(path.relative_to(primary).as_posix(), text))
    if not any(patches):
        return None
    page = folder_of(run.orchestration, run.run) / "busy_timeout.patch"
    write_page(page, "".join(patches))
    return page


def _programs(run: Recovery, fresh: Snapshot) -> Iterator[Path]:
    """Yield the orchestrator's own program, as it runs, or as it is called below the primary."""
    primary = run.orchestration.primary
    for one in fresh.orchestrators():
        for word in one.command:
            path = primary / word
            if word.endswith(".py") and path.is_relative_to(primary):
                yield path
    names = run.orchestration.settings.orchestration.orchestrator
    for folder in (primary, *files.children(primary)):
        if folder.name.startswith(".") and folder != primary:
            continue
        for path in files.children(folder):
            if path.suffix == ".py" and any(name in path.name for name in names):
                yield path
