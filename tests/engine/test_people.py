"""Where no orchestrator ever was, nothing is taken from anybody, however much it looks like a wreck."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.engine.people import Fingerprint, People
from tests.recovering import recover
from unjam.domain.reports.check_report import Document
from unjam.engine.acts.recovery import Permission
from unjam.engine.orchestration import open_orchestration
from unjam.engine.running.scheduled_look import look_as_scheduled
from unjam.errors import UsageError

_SAMPLE, _MANY = 10, 500
_SAVING_AND_MENDING = {"salvage", "unlock"}


@pytest.fixture
def people(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[People]:
    made = People(tmp_path / "people", request.param)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNJAM_HANG__INTERVAL", "1s")


def seeds(first: int, count: int, *marks: pytest.MarkDecorator) -> list[object]:
    return [pytest.param(one, marks=marks, id=str(one)) for one in range(first, first + count)]


@pytest.mark.parametrize(
    "people",
    [*seeds(0, _SAMPLE), *seeds(_SAMPLE, _MANY - _SAMPLE, pytest.mark.thorough)],
    indirect=True,
)
def test_a_watch_left_running_and_a_recovery_leave_everything_as_it_is(people: People) -> None:
    before = people.fingerprint()

    try:
        open_orchestration(people.repo)
    except UsageError:
        assert people.is_bare, people.story
        return
    looks = [look_as_scheduled(open_orchestration(people.repo), timedelta(minutes=1))]
    documents = [recover(people.repo, allowed=Permission())] if looks[0].scenarios else []
    looks.append(look_as_scheduled(open_orchestration(people.repo), timedelta(minutes=1)))
    documents.append(recover(people.repo))

    found = [one.summary for one in looks[0].findings]
    assert len(found) == len(people.broken), (found, people.story)
    assert looks[1].findings == (), people.story
    assert steps_of(documents) <= _SAVING_AND_MENDING, (documents, people.story)
    assert changed(before, people.fingerprint(), people) == {}, people.story
    assert people.everybody_lives(), people.story


def steps_of(documents: list[Document]) -> set[str]:
    return {one["step"] for document in documents for one in document["plan"]}


def changed(before: Fingerprint, after: Fingerprint, people: People) -> dict[str, tuple[str, str]]:
    """What differs, but for what was broken; objects may come, and none may go."""
    broken = {str(one.relative_to(people.root)) for one in people.broken}
    names = {
        name
        for name in (before.keys() | after.keys()) - broken
        if before.get(name) != after.get(name)
    }
    new_objects = {name for name in names if name not in before and "/objects/" in name}
    return {name: (before.get(name, ""), after.get(name, "")) for name in names - new_objects}
