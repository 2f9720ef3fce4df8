"""Make settings of what a file and the environment hold; kept apart for import time.

pydantic does it, and is imported only where one of them holds anything, with models made from the plain dataclasses that everybody else sees.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from unjam.settings import kinds
from unjam.settings.model import SECTIONS, Settings


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Chosen = dict[str, dict[str, Any]]  # section, key, value: only what somebody chose


def validated(content: dict[str, Any]) -> Settings:
    """Return the settings of one source; raises pydantic's ValidationError."""
    return settings_of(chosen(content))


def chosen(content: dict[str, Any], base: type[BaseModel] = _Strict) -> Chosen:
    """Return what one source says; raises pydantic's ValidationError. ``base`` may know of more sources."""
    models = {name: _model(section) for name, section in SECTIONS.items()}
    sections: dict[str, Any] = {name: (model, model()) for name, model in models.items()}
    read: Any = create_model(Settings.__name__, __base__=base, **sections)(**content)
    return {name: _values(getattr(read, name)) for name in SECTIONS}


def settings_of(said: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Keep the very defaults of what nobody chose: so a default is told from the same, chosen."""
    return Settings(**{name: SECTIONS[name](**values) for name, values in said.items()})


@cache
def _model(section: type) -> type[BaseModel]:
    types = get_type_hints(section, localns=vars(kinds), include_extras=True)
    keys: dict[str, Any] = {one.name: (types[one.name], one.default) for one in fields(section)}
    return create_model(section.__name__, __base__=_Strict, **keys)


def _values(read: BaseModel) -> dict[str, Any]:
    return {key: getattr(read, key) for key in read.model_fields_set}
