"""Let the environment win over the file; kept apart for import time.

Importing pydantic-settings takes longer than reading all of a small repository, so this module is
imported only where one of our variables is set.
"""

import os
from typing import Any

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from unjam.errors import UsageError
from unjam.settings.model import DELIMITER, ENVIRONMENT, SECTIONS


class Overridden(BaseSettings):
    """All of it, as the environment and then the file have it; raises UsageError for no JSON."""

    model_config = SettingsConfigDict(
        extra="forbid",
        env_prefix=ENVIRONMENT,
        env_nested_delimiter=DELIMITER,
    )

    def __init__(self, **content: Any) -> None:
        """Take what the file says."""
        try:
            super().__init__(**content)
        except SettingsError as error:
            raise UsageError(_unparsed(error)) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the environment before the file, which comes as arguments; ask nothing else."""
        return env_settings, init_settings


def _unparsed(error: SettingsError) -> str:
    section = next((name for name in SECTIONS if f'"{name}"' in str(error)), "")
    prefix = f"{ENVIRONMENT}{section}".upper()
    names = ", ".join(name for name in sorted(os.environ) if name.upper().startswith(prefix))
    return f'environment variable {names}: not JSON; write lists as ["make", "test"]'
