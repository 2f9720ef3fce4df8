"""Read JUnit XML: what agents' code wrote, so of bounded size and without entities.

A test is named as its runner would be asked for it: by file and name where the report has the
file (pytest's ``xunit1``), else by class and name.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

from unjam.errors import PermanentError

_LARGEST = 64 << 20  # bytes
_LONGEST = 4000  # characters of an output that are kept
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Result(StrEnum):
    """How one test ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNCOLLECTED = "could not be loaded"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Tested:
    """One test in a report."""

    test: str
    result: Result
    signature: str = (
        ""  # kind of failure and its message without numbers: the same bug says the same
    )
    output: str = ""


def read_junit(path: Path, checkout: Path) -> dict[str, Tested] | None:
    """Return every test of a report by its id; None where there is no whole report.

    Many runners write where a test's file lay: below ``checkout``, in which it ran, that is no part of
    what it is. Raises PermanentError for one that is too large or declares entities.
    """
    try:
        content = _content(path)
        root = ET.fromstring(content)  # noqa: S314 -- bounded, and without a document type
    except (FileNotFoundError, ET.ParseError):
        return None
    except OSError as error:
        raise PermanentError(f"cannot read {path}: {error.strerror}") from error
    _make_relative(root, checkout)
    found: dict[str, Tested] = {}
    for case in root.iter("testcase"):
        one = _tested(case)
        # A test that passed and then failed in its teardown is in there twice.
        if one.test not in found or found[one.test].result is Result.PASSED:
            found[one.test] = one
    return found


def _content(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise PermanentError(f"{path} is larger than {_LARGEST >> 20} MB")
    if _DOCTYPE.search(content):
        raise PermanentError(f"{path} declares a document type, which no JUnit report needs")
    return content


def _make_relative(root: ET.Element, checkout: Path) -> None:
    """Take the place of a trial out of names and messages: the same test has another in each trial."""
    places = "|".join(re.escape(str(one)) for one in {checkout, checkout.resolve()})
    place = re.compile(rf"(?:file://)?(?:{places})(?:/|(?![\w.-]))")
    for element in root.iter():
        for key, text in element.items():
            element.set(key, place.sub("", text))
        element.text = place.sub("", element.text or "")


def _tested(case: ET.Element) -> Tested:
    for tag in ("error", "failure"):
        trouble = case.find(tag)
        if trouble is not None:
            message = trouble.get("message", "")
            is_load = tag == "error" and message.startswith("collection failure")
            result = Result.UNCOLLECTED if is_load else Result.FAILED
            output = (trouble.text or message)[-_LONGEST:]
            return Tested(_name(case, is_load=is_load), result, _signature(trouble), output)
    skipped = case.find("skipped") is not None
    return Tested(_name(case, is_load=False), Result.SKIPPED if skipped else Result.PASSED)


def _name(case: ET.Element, *, is_load: bool) -> str:
    file, name, owner = case.get("file"), case.get("name", ""), case.get("classname", "")
    if is_load:
        return file or f"{(owner or name).replace('.', '/')}.py"
    if not file:
        return "::".join(part for part in (owner, name) if part)
    module = ".".join(PurePosixPath(file).with_suffix("").parts)
    classes = owner.removeprefix(module).strip(".") if owner.startswith(module) else ""
    return "::".join(part for part in (file, *classes.split("."), name) if part)


def _signature(trouble: ET.Element) -> str:
    """Say what failed in words that another place or moment does not change."""
    message = trouble.get("message", "") or (trouble.text or "")
    if message.startswith("collection failure"):
        lines = [one for one in (trouble.text or "").splitlines() if one.startswith("E ")]
        message = lines[-1] if lines else message
    first = message.strip().splitlines()[0] if message.strip() else ""
    return _NUMBERS.sub("0", f"{trouble.get('type', '')} {first}".strip())[:300]
