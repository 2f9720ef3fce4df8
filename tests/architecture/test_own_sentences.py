"""What unjam itself says holds no secret, and is shown whole: only what others wrote is redacted."""

import ast
from collections.abc import Iterator
from pathlib import Path

from unjam.domain.redaction.redact import redact

ROOT = Path(__file__).parents[2] / "unjam"
FILLED = "`/usr/bin/python -m pytest`"


def sentences(module: Path) -> Iterator[str]:
    """Every text of a module with a space in it, filled in with a command."""
    tree = ast.parse(module.read_text())
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    docs = {
        ast.get_docstring(one, clean=False) for one in ast.walk(tree) if isinstance(one, documented)
    }
    joined = [one for one in ast.walk(tree) if isinstance(one, ast.JoinedStr)]
    parts = {id(part) for one in joined for part in ast.walk(one)}
    for one in joined:
        told = (part.value if isinstance(part, ast.Constant) else FILLED for part in one.values)
        yield "".join(map(str, told))
    for other in ast.walk(tree):
        if isinstance(other, ast.Constant) and id(other) not in parts and other.value not in docs:
            yield str(other.value)


def test_no_sentence_of_our_own_is_blanked() -> None:
    modules = [one for one in ROOT.rglob("*.py") if "redaction" not in one.parts]
    said = {text for one in modules for text in sentences(one) if " " in text.strip()}

    assert len(said) > 1000
    assert {text for text in said if redact(text).text != text} == set()
