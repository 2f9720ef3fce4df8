"""Names are read and made both ways, and hostile ones are nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.world import HOSTILE_IDS
from unjam.domain.world.identity import AgentId, WorkstreamId
from unjam.domain.world.naming import Owner, Template, is_usable_id
from unjam.errors import UsageError

BRANCH = Template("ws/{workstream}/{agent}")
DIRECTORY = Template("{agent}-{workstream}")
NAMES = st.from_regex(r"\w[\w.-]{0,12}", fullmatch=True).filter(is_usable_id)


@given(NAMES, NAMES)
def test_what_a_template_names_it_also_reads(workstream: str, agent: str) -> None:
    owner = Owner(WorkstreamId(workstream), AgentId(agent))

    assert BRANCH.owner("refs/heads/" + BRANCH.name(*_parts(owner))) == owner
    assert DIRECTORY.owner_among(DIRECTORY.name(*_parts(owner)), [owner.workstream]) == owner


def _parts(owner: Owner) -> tuple[WorkstreamId, AgentId]:
    assert owner.agent is not None
    return owner.workstream, owner.agent


@pytest.mark.parametrize("name", ["ws-15", "ws-ü", "a.b", "15", "_x", "a" * 300])
def test_harmless_names_are_usable(name: str) -> None:
    assert is_usable_id(name)


@pytest.mark.parametrize(
    "name",
    [
        *(one for one in HOSTILE_IDS if one not in {"ws-ü", "a" * 300}),
        "..",
        "a..b",
        "a.lock",
        "a.",
        ".git",
        "a\0",
        "a\udcff",
        "a/b",
        "a\n",
    ],
)
def test_hostile_names_are_not_and_own_nothing(name: str) -> None:
    assert not is_usable_id(name)
    assert BRANCH.owner(f"refs/heads/ws/{name}/agent-1") is None
    assert BRANCH.owner(f"refs/heads/ws/ws-1/{name}") is None
    with pytest.raises(UsageError):
        BRANCH.name(WorkstreamId(name), AgentId("agent-1"))
    with pytest.raises(UsageError):
        BRANCH.name(WorkstreamId("ws-1"), AgentId(name))


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/ws/one", "refs/heads/ws/a/b/c"])
def test_other_branches_are_nobodys(ref: str) -> None:
    assert BRANCH.owner(ref) is None


def test_a_directory_is_read_by_the_ids_that_exist() -> None:
    known = [WorkstreamId(one) for one in ("ws-1", "1", "ws-15")]

    assert DIRECTORY.owner_among("agent-1-ws-15", known) == Owner(
        WorkstreamId("ws-15"), AgentId("agent-1")
    )
    assert DIRECTORY.owner_among("agent-1-ws-1", known) == Owner(
        WorkstreamId("ws-1"), AgentId("agent-1")
    )
    assert DIRECTORY.owner_among("agent-1-ws-2", known) is None


def test_a_known_agent_decides_where_a_directory_could_be_read_in_two_ways() -> None:
    known = [WorkstreamId("1"), WorkstreamId("ws-1")]

    owner = DIRECTORY.owner_among("agent-ws-1", known, [AgentId("agent-ws")])

    assert owner == Owner(WorkstreamId("1"), AgentId("agent-ws"))


def test_a_template_may_do_without_agents() -> None:
    owner = Template("work/{workstream}").owner("work/ws-1")

    assert owner == Owner(WorkstreamId("ws-1"), None)


@pytest.mark.parametrize(
    "text", ["", "ws", "{agent}", "{workstream}{workstream}", "{}", "{workstream}-{other}"]
)
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="name template"):
        Template(text)
