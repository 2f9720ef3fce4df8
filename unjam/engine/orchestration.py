"""One orchestration, found and configured: what every command starts from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unjam.adapters.git.repository import Repository, find_repository
from unjam.domain.world.naming import Template
from unjam.errors import RefusedError

if TYPE_CHECKING:
    from unjam.settings import Settings
    from unjam.settings.trust import Own
from unjam.adapters.state.location import file_of


@dataclass(frozen=True, slots=True)
class Orchestration:
    """A repository and how its orchestrator is laid out."""

    repository: Repository
    settings: "Settings"
    own: "Own | None" = None  # the configuration among its settings that an agent can have written

    @property
    def primary(self) -> Path:
        """The person's checkout, from which the orchestrator works."""
        return self.repository.primary

    @property
    def common(self) -> Path:
        """The Git common directory."""
        return self.repository.common

    @property
    def home(self) -> Path:
        """Where unjam keeps its own files: out of reach of every clean-up of the work tree."""
        return self.common / "unjam"

    @property
    def branch_template(self) -> Template:
        """How workstreams' branches are named."""
        return Template(self.settings.orchestration.branch)

    @property
    def state(self) -> str:
        """The state as a path or a URL."""
        location = self.settings.orchestration.state
        return location if "://" in location else str(self.primary / location)

    @property
    def held(self) -> "Own | None":
        """The configuration of which something is not in force, since nobody has trusted it."""
        return self.own if self.own is not None and self.own.is_held else None

    def require_trust(self) -> None:
        """Raise RefusedError where a setting is held: half a configuration is nobody's intention."""
        if self.held is not None:
            raise RefusedError(self.held.sentence)

    def below(self, configured: str) -> Path:
        """Resolve a configured path against the primary."""
        return self.primary / configured


def open_orchestration(
    start: Path, config: Path | None = None, *, standing: bool = False
) -> Orchestration:
    """Find the repository from here upwards and read its configuration; raises UsageError.

    ``standing``: ``config`` was named once for many times to come, see ``load_all``.
    """
    return configured(find_repository(start), config, standing=standing)


def configured(
    repository: Repository, config: Path | None = None, *, standing: bool = False
) -> Orchestration:
    """Read the configuration of a repository that was found; raises UsageError."""
    # A third of all imports of a check: so it need not come before Git is at work.
    from unjam.settings.load import load_all

    loaded = load_all(repository.primary, config, standing=standing)
    return Orchestration(repository, loaded.settings, own=loaded.own)


def state_file(orchestration: Orchestration) -> Path | None:
    """Return the state's SQLite file; None when the state is on a server."""
    return file_of(orchestration.state)
