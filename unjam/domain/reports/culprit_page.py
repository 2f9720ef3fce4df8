"""A culprit search as people look at it: a table of units and verdicts, and a picture of it."""

from collections.abc import Iterator, Sequence
from html import escape

from unjam.domain.world.trials import Case, Probe, Said, TrunkTests, Unit, tests_in_words
from unjam.domain.world.words import printable

_COLOURS = {Said.PASS: "#2e7d32", Said.FAIL: "#c62828", Said.UNTESTABLE: "#9e9e9e"}
_CELL, _LEFT, _TOP, _ROW = 14, 260, 26, 20  # pixels
_WIDEST = 96  # units in a picture; of more, those that were tried and their neighbours


def search_picture(tests: TrunkTests) -> str:
    """Draw which units were tried, what each test said there, and who is guilty, as SVG."""
    groups = _groups(tests.cases)
    shown = _shown(tests, groups)
    width = _LEFT + _CELL * len(shown) + 10
    height = _TOP + _ROW * len(groups) + 30
    body = "".join(_drawn(groups, shown, len(tests.units)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11">{body}</svg>'
    )


def search_table(tests: TrunkTests) -> list[dict[str, str]]:
    """List the trials of every test: where, and what it said."""
    return [
        {
            "test": printable(test),
            "tree": str(one.probe),
            "unit": _unit(tests, one.probe),
            "said": str(one.said),
        }
        for test, case in (
            (tests_in_words(names), cases[0]) for names, cases in _groups(tests.cases)
        )
        for one in case.heard
    ]


def _groups(cases: Sequence[Case]) -> list[tuple[list[str], list[Case]]]:
    """Put tests together that said the same everywhere."""
    alike: dict[object, list[Case]] = {}
    for one in cases:
        if one.heard:
            alike.setdefault(one.heard, []).append(one)
    return [([one.test for one in several], several) for several in alike.values()]


def _shown(tests: TrunkTests, groups: Sequence[tuple[list[str], list[Case]]]) -> list[int]:
    everything = range(len(tests.units) + 1)
    if len(everything) <= _WIDEST:
        return list(everything)
    tried = {one.probe.upto for _, cases in groups for one in cases[0].heard}
    guilty = {unit for _, cases in groups for unit in cases[0].guilty}
    near = {one + step for one in tried | guilty for step in (-1, 0, 1)}
    return sorted(near & set(everything))[:_WIDEST]


def _drawn(
    groups: Sequence[tuple[list[str], list[Case]]], shown: Sequence[int], units: int
) -> Iterator[str]:
    column = {number: _LEFT + at * _CELL for at, number in enumerate(shown)}
    yield f'<text x="4" y="16">test / after unit, of {units}</text>'
    for at, number in enumerate(shown):
        if at % 8 == 0:
            yield f'<text x="{column[number]}" y="16">{number}</text>'
    for row, (names, cases) in enumerate(groups):
        y = _TOP + row * _ROW
        yield f'<text x="4" y="{y + 12}">{escape(printable(tests_in_words(names))[:40])}</text>'
        yield from _row(cases[0], column, y)
    y = _TOP + len(groups) * _ROW + 14
    for at, said in enumerate(_COLOURS):
        x = 4 + at * 110
        yield f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{_COLOURS[said]}"/>'
        yield f'<text x="{x + 14}" y="{y}">{escape(str(said))}</text>'


def _row(case: Case, column: dict[int, int], y: int) -> Iterator[str]:
    plain: dict[int, Said] = {}
    for one in case.heard:
        if not one.probe.without and one.probe.plus is None:
            plain[one.probe.upto] = one.said
    for number, x in column.items():
        fill = _COLOURS[plain[number]] if number in plain else "#eeeeee"
        guilty = ' stroke="#000" stroke-width="2"' if number in case.guilty else ""
        yield f'<rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_ROW - 6}" fill="{fill}"{guilty}/>'


def _unit(tests: TrunkTests, probe: Probe) -> str:
    if not probe.upto:
        return "the last good point"
    unit: Unit = tests.units[probe.upto - 1]
    return printable(unit.name)
