"""Run the tests one by one and write what came of each, as JUnit does."""

import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET


def each(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Yield every single test."""
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from each(one)
        else:
            yield one


def main() -> int:
    """Return 0 if all tests pass."""
    report, bad = ET.Element("testsuite"), 0
    for test in each(unittest.defaultTestLoader.discover("tests", top_level_dir=".")):
        result = unittest.TestResult()
        test.run(result)
        place, _, name = test.id().rpartition(".")
        case = ET.SubElement(report, "testcase", classname=place, name=name)
        for _, why in (*result.failures, *result.errors):
            ET.SubElement(case, "failure").text = why
            bad += 1
    ET.ElementTree(report).write(Path("report.xml"))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
