"""A picture of a run: a line for every workstream it touched, from what was found to what is left."""

from collections.abc import Iterator
from dataclasses import dataclass

from unjam.domain.graphs.svg import TEXT, cut_to, safe, text
from unjam.domain.reports.check_report import Document

MOST_SHOWN = 40  # lines; a longer picture is no picture any more
SHARED = "shared by all"  # the line of steps that are about no workstream alone
_HEAD, _LINE, _EDGE = 60, 42, 16
_CHIP, _GAP = 8, 18  # the margin in a chip, and what lies between columns
_NAMED, _FOUND = 21, 40  # letters at most in the first two columns
_LETTER, _SMALL = 7.3, 6.1  # widths in the two sizes
_ENDED = ("nothing left", "left over")

_STYLE = (
    TEXT
    + """\
rect{rx:6;fill:#f6f8fa;stroke:#8c959f;stroke-width:1.2}
.done rect,.already-done rect{fill:#dafbe1;stroke:#1a7f37}
.refused rect{fill:#fff8c5;stroke:#9a6700}
.failed rect{fill:#ffebe9;stroke:#cf222e;stroke-width:2}
.nothing-left{fill:#1a7f37}
.left-over{fill:#cf222e}
line{stroke:#d0d7de}
"""
)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the columns begin."""

    found: float
    steps: float
    ended: float
    end: float


def picture_of_run(document: Document) -> str:
    """Draw a run as SVG; empty where it did nothing.

    From left to right: the workstream, what was found about it, a chip for every step with the
    colour of its outcome, and whether something is found about it still.
    """
    lines = _lines(document)
    if not lines:
        return ""
    drawn = dict(list(lines.items())[:MOST_SHOWN])
    found = _found(document)
    at = _columns(drawn, found)
    width, height = int(at.end), _HEAD + len(drawn) * _LINE + _EDGE // 2
    body = [*_head(document, len(lines) - len(drawn)), *_body(document, drawn, found, at)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="what was done"><style>{_STYLE}</style>'
        f'<rect width="{width}" height="{height}" style="fill:#fff;stroke:none"/>'
        f"{''.join(body)}</svg>\n"
    )


def _lines(document: Document) -> dict[str, list[Document]]:
    """Sort what was done by workstream; what is shared comes last."""
    lines: dict[str, list[Document]] = {}
    for one in document["outcomes"]:
        lines.setdefault(one["workstream"] or SHARED, []).append(one)
    return dict(sorted(lines.items(), key=lambda line: (line[0] == SHARED, line[0])))


def _head(document: Document, left_out: int) -> Iterator[str]:
    because = f": {document['because']}" if document["because"] else ""
    yield text(_EDGE, 24, f"{document['word']}{because}")
    more = f" {left_out} more workstreams are not drawn." if left_out else ""
    yield text(_EDGE, 44, f"Green: done. Yellow: refused. Red: failed.{more}", "small")


def _found(document: Document) -> dict[str, str]:
    return {
        name: cut_to(_FOUND, verdict)
        for finding in document["findings_before"]
        for name, verdict in finding["verdicts"].items()
    }


def _columns(drawn: dict[str, list[Document]], found: dict[str, str]) -> _Columns:
    """Make every column as wide as what stands in it."""
    named = max(min(len(name), _NAMED) for name in drawn) * _LETTER
    told = max(len(found.get(name, "")) for name in drawn) * _SMALL
    done = max(sum(_width(one["step"]) for one in steps) for steps in drawn.values())
    begins = _EDGE + named + _GAP
    steps = begins + told + _GAP
    ended = steps + done + _GAP - _CHIP
    return _Columns(begins, steps, ended, max(ended + len(_ENDED[0]) * _LETTER + _EDGE, 480))


def _body(
    document: Document, drawn: dict[str, list[Document]], found: dict[str, str], at: _Columns
) -> Iterator[str]:
    left = {name for finding in document["findings_after"] for name in finding["workstreams"]}
    for number, (name, steps) in enumerate(drawn.items()):
        y = _HEAD + number * _LINE
        yield f'<line x1="{_EDGE}" x2="{at.end - _EDGE:.0f}" y1="{y}" y2="{y}"/>'
        yield f"<g><title>{safe(name)}</title>{text(_EDGE, y + 26, cut_to(_NAMED, name))}</g>"
        yield text(at.found, y + 26, found.get(name, ""), "small")
        yield from _chips(steps, at.steps, y)
        if name != SHARED:
            ended = _ENDED[name in left]
            yield text(at.ended, y + 26, ended, ended.replace(" ", "-"))


def _chips(steps: list[Document], x: float, y: float) -> Iterator[str]:
    for one in steps:
        wide = _width(one["step"])
        yield (
            f'<g class="{one["outcome"].replace(" ", "-")}"><title>{safe(one["sentence"])}</title>'
            f'<rect x="{x:.0f}" y="{y + 9}" width="{wide - _CHIP:.0f}" height="25"/>'
            f"{text(x + _CHIP, y + 26, one['step'], 'small')}</g>"
        )
        x += wide


def _width(step: str) -> float:
    """Return how much a chip takes with the gap behind it."""
    return len(step) * _SMALL + 3 * _CHIP
