"""Reports of test runners are read by test id, whoever wrote them, and hostile ones do no harm."""

import subprocess
import sys
from pathlib import Path

import pytest

from unjam.adapters.junit import Result, read_junit
from unjam.adapters.runner import order, present, wall_off
from unjam.errors import PermanentError, UsageError

TESTS = """\
import pytest
class TestInner:
    def test_method(self): assert 1 == 2
@pytest.mark.parametrize("one", ["a::b", "ü [x]"])
def test_named(one): assert one == "a::b"
def test_passes(): pass
@pytest.mark.skip
def test_skipped(): pass
"""
PYTEST = (sys.executable, "-m", "pytest", "-q")


def run(checkout: Path, *tests: str) -> dict[str, Result]:
    told = order(PYTEST, None, checkout, checkout.parent, tests)
    wall_off(checkout.parent)
    assert told.report is not None
    subprocess.run(told.command, cwd=checkout, check=False, capture_output=True)
    return {test: one.result for test, one in (read_junit(told.report, checkout) or {}).items()}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    tree = tmp_path / "slot" / "tree"
    (tree / "tests").mkdir(parents=True)
    (tree / "tests" / "test_it.py").write_text(TESTS)
    return tree


def test_every_id_that_pytest_reports_can_be_asked_for_again(checkout: Path) -> None:
    everything = run(checkout)

    failing = [test for test, result in everything.items() if result is Result.FAILED]

    assert len(failing) == 2
    assert run(checkout, *failing) == dict.fromkeys(failing, Result.FAILED)


def test_what_lies_around_a_checkout_neither_configures_nor_names_its_tests(
    checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('loaded')\n")

    everything = run(checkout)

    assert everything["tests/test_it.py::test_passes"] is Result.PASSED


def test_a_part_with_a_configuration_of_its_own_names_its_tests_from_the_root(
    checkout: Path,
) -> None:
    (checkout / "tests" / "pytest.ini").write_text("[pytest]\naddopts = -x\n")

    everything = run(checkout, "tests")

    assert len([one for one in everything.values() if one is Result.FAILED]) == 2
    assert "tests/test_it.py::test_passes" in everything


def test_what_cannot_be_loaded_is_named_by_its_file_and_hides_nothing(checkout: Path) -> None:
    (checkout / "tests" / "test_broken.py").write_text("import nowhere_to_be_found\n")

    everything = run(checkout)

    assert everything["tests/test_broken.py"] is Result.UNCOLLECTED
    assert everything["tests/test_it.py::test_passes"] is Result.PASSED


def test_the_same_failure_has_the_same_signature_wherever_it_happens(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    said = []
    for number in (3, 77):
        report.write_text(
            f'<testsuite><testcase classname="a" name="b"><failure type="E" message="{number} of '
            f'{number} at 0x{number:x}f">at line {number}</failure></testcase></testsuite>'
        )
        said.append((read_junit(report, tmp_path) or {})["a::b"].signature)

    assert said[0] == said[1] == "E 0 of 0 at 0"


@pytest.mark.parametrize("text", ["", "<testsuite><testcase name='a'>", "no xml at all"])
def test_a_report_that_was_not_finished_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.xml").write_text(text)

    assert read_junit(tmp_path / "report.xml", tmp_path) is None


def test_a_report_that_declares_entities_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(
        '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><testsuite>&c;</testsuite>'
    )

    with pytest.raises(PermanentError, match="document type"):
        read_junit(tmp_path / "report.xml", tmp_path)


def test_a_report_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.xml").write_text("<testsuite/>")
    (tmp_path / "report.xml").symlink_to(tmp_path / "secret.xml")

    assert read_junit(tmp_path / "report.xml", tmp_path) is None


def test_asked_for_single_tests_pytest_is_not_sent_to_its_usual_places_as_well(
    checkout: Path,
) -> None:
    told = order(
        (*PYTEST, "tests", "-c", "tests/x.ini", "-x"),
        None,
        checkout,
        checkout.parent,
        ["tests/t.py::a"],
    )

    assert "tests" not in told.command
    assert "tests/x.ini" in told.command
    assert told.command[-1] == "tests/t.py::a"
    assert told.narrowed


def test_tests_whose_files_are_not_there_are_not_asked_for(checkout: Path) -> None:
    assert present(["tests/test_it.py::test_a", "tests/gone.py::test_b"], checkout) == (
        "tests/test_it.py::test_a",
    )


def test_the_checkouts_own_code_comes_first(checkout: Path) -> None:
    (checkout / "src").mkdir()

    told = order(PYTEST, None, checkout, checkout.parent, ())

    assert dict(told.environment)["PYTHONPATH"].startswith(f"{checkout / 'src'}:{checkout}")


def test_another_runner_writes_its_report_where_it_is_configured(checkout: Path) -> None:
    told = order(("make", "test"), "out/report.xml", checkout, checkout.parent, ["a::b"])

    assert told.command == ("make", "test")
    assert told.report == checkout / "out" / "report.xml"
    assert not told.narrowed


@pytest.mark.parametrize("junit", ["/tmp/report.xml", "../report.xml"])
def test_a_report_elsewhere_is_refused(checkout: Path, junit: str) -> None:
    with pytest.raises(UsageError, match="below the checkout"):
        order(("make", "test"), junit, checkout, checkout.parent, ())


def test_no_report_is_looked_for_through_a_link_out_of_the_checkout(checkout: Path) -> None:
    (checkout / "out").symlink_to(checkout.parent)

    assert order(("make",), "out/report.xml", checkout, checkout.parent, ()).report is None


@pytest.mark.parametrize(
    "case",
    [
        'file="{place}/tests/m3Test.php" classname="Tests.m3" name="testm3"',
        'file="file://{place}/tests/m3.test.mjs" classname="test" name="m3 holds"',
        'classname="{place}/tests/m3.py" name="reads {place}/data"',
    ],
    ids=["a path", "an address", "in its name"],
)
def test_a_test_is_the_same_in_every_checkout_that_it_is_tried_in(
    tmp_path: Path, case: str
) -> None:
    link, said = tmp_path / "link", []
    link.symlink_to(tmp_path)
    for place in (
        tmp_path / "culprit/0/tree",
        tmp_path / "culprit/1/tree",
        link / "culprit/2/tree",
    ):
        place.mkdir(parents=True)
        report = place / "report.xml"
        told = case.format(place=place.resolve())
        failure = f"<failure>{place.resolve()} is wrong</failure>"
        report.write_text(f"<testsuite><testcase {told}>{failure}</testcase></testsuite>")
        found = read_junit(report, place) or {}
        said.append([(one.test, one.signature) for one in found.values()])

    assert said[0] == said[1] == said[2]
    assert str(tmp_path) not in str(said)
