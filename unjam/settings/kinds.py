"""What a value must be, in pydantic's terms: imported only where a file or a variable is read."""

from datetime import timedelta
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from unjam.domain.world.naming import Template
from unjam.errors import UsageError
from unjam.settings.units import duration, size


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    return text


def _names_workstreams(text: str) -> str:
    try:
        Template(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return text


def _below(path: str) -> str:
    named = PurePath(path)
    if named.is_absolute() or ".." in named.parts or named == PurePath() or ".git" in named.parts:
        raise ValueError("name a path below the repository")
    return str(named)


def _words(command: object) -> object:
    if isinstance(command, str):
        raise ValueError('write it as a list of words, such as ["make", "test"]; there is no shell')  # noqa: TRY004 -- pydantic reports ValueError
    return command


Text = Annotated[str, Field(min_length=1), AfterValidator(_without_nul)]
Name = Annotated[str, Field(pattern=r"^[^-\s\x00][^\s\x00]*$")]  # never an option of a command
NameTemplate = Annotated[Text, AfterValidator(_names_workstreams)]
Words = Annotated[tuple[Text, ...], BeforeValidator(_words)]
Paths = Annotated[tuple[Annotated[Text, AfterValidator(_below)], ...], BeforeValidator(_words)]
Command = Annotated[Words, Field(min_length=1)]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Size = Annotated[int, BeforeValidator(size)]
Workers = Annotated[int, Field(ge=0, le=64)]
Confidence = Annotated[float, Field(ge=0.9, lt=1)]
Attempts = Annotated[int, Field(ge=1)]
