"""The verdict on an agent, signal by signal: one sign of life acquits, and what is unknown convicts nobody."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.world.agents.looks import (
    LONG,
    LOOP,
    NOW,
    READER,
    STARTED,
    pulse,
    silent,
    watched,
)
from unjam.domain.world.agents.score import HUNG, HangVerdict, score
from unjam.domain.world.agents.signs import Wait, Watched


def verdict(one: Watched) -> HangVerdict:
    return score(one, NOW).verdict


def test_a_peer_on_this_machine_that_hardly_gets_its_turn_is_no_silent_one() -> None:
    before, now = (replace(silent(), answering=seconds) for seconds in (1.0, 1.03))
    case = watched(pulse(Wait.NETWORK), connections=(now,))
    case = replace(case, before=replace(case.before, connections=(before,)))

    assert verdict(case) is HangVerdict.UNKNOWN


def test_a_program_that_computes_on_several_processors_is_stuck_in_no_loop() -> None:
    many = replace(LOOP, cpu=LONG * 3)
    case = watched(many, before=(replace(many, cpu=many.cpu - 9.0),))

    assert verdict(case) is HangVerdict.UNKNOWN


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        (watched(READER), HangVerdict.INPUT),
        (watched(pulse(Wait.PIPE)), HangVerdict.INPUT),
        (watched(pulse(), pulse(Wait.TERMINAL, 8, is_agent=False)), HangVerdict.INPUT),
        (watched(pulse(Wait.LOCKS)), HangVerdict.DEADLOCK),
        (watched(pulse(Wait.STOPPED)), HangVerdict.STOPPED),
        (watched(pulse(), pulse(Wait.STOPPED, 8)), HangVerdict.STOPPED),
        (watched(pulse(Wait.ENDED)), HangVerdict.ZOMBIE),
        (watched(), HangVerdict.DEAD),
        (watched(pulse(Wait.NETWORK), connections=(silent(),)), HangVerdict.NETWORK),
        (watched(pulse(Wait.EVENTS), connections=(silent(),)), HangVerdict.NETWORK),
        (watched(LOOP, before=(STARTED,)), HangVerdict.BUSY),
    ],
)
def test_each_hang_is_told(case: Watched, wanted: HangVerdict) -> None:
    assert verdict(case) is wanted


@pytest.mark.parametrize(
    "case",
    [
        watched(replace(READER, moved=1001), before=(READER,)),
        watched(replace(READER, reaped=1), before=(READER,)),
        watched(READER, pulse(pid=8), before=(READER,)),
        watched(READER, before=(READER, pulse(pid=8))),
        watched(replace(READER, age=3599.0)),
        watched(READER, written_at=NOW - timedelta(minutes=59)),
        replace(watched(READER), last_sign=NOW - timedelta(minutes=59)),
        watched(READER, connections=(silent(3599.0),)),
        watched(pulse(Wait.NETWORK), connections=(silent(), silent(0.1))),
        watched(replace(LOOP, faults=1000), before=(STARTED,)),
        watched(replace(LOOP, is_agent=False), before=(replace(STARTED, is_agent=False),)),
        watched(replace(LOOP, switches=100), before=(STARTED,)),
        watched(replace(LOOP, cpu=13.0), before=(replace(LOOP, cpu=10.0),)),
        watched(LOOP, pulse(Wait.EVENTS, 8), before=(STARTED, pulse(Wait.EVENTS, 8))),
    ],
)
def test_one_sign_of_life_acquits(case: Watched) -> None:
    assert verdict(case) is HangVerdict.WORKING


@pytest.mark.parametrize(
    "case",
    [
        watched(pulse(Wait.TIME)),
        watched(pulse(Wait.DISK)),
        watched(pulse(Wait.OTHER)),
        watched(pulse(Wait.TRACED)),
        watched(pulse(Wait.EVENTS)),
        watched(pulse(Wait.NETWORK)),
        watched(pulse(Wait.MEMBER)),
        watched(pulse(Wait.LOCKS), pulse(Wait.TIME, 8)),
        watched(READER, because="what it has open cannot be read"),
        watched(pulse(Wait.NETWORK), connections=(silent(unread=9),)),
        watched(pulse(Wait.EVENTS), connections=(silent(),), channels=("it listens",)),
        watched(READER, pulse(Wait.EVENTS, 8), channels=("it listens",)),
        watched(replace(LOOP, moved=None), before=(replace(STARTED, moved=None),)),
        watched(replace(READER, switches=30), before=(READER,)),
        replace(watched(READER), before=replace(watched(READER).before, boot="earlier")),
        replace(watched(READER), before=replace(watched(READER).before, roots=((9, 9),))),
        replace(watched(READER), before=watched(READER).now),
    ],
)
def test_what_cannot_be_told_convicts_nobody(case: Watched) -> None:
    assert verdict(case) is HangVerdict.UNKNOWN


@given(
    wait=st.sampled_from(Wait),
    other=st.sampled_from(Wait),
    sign=st.integers(min_value=0, max_value=3),
)
def test_no_combination_of_waits_convicts_an_agent_that_shows_a_sign_of_life(
    wait: Wait, other: Wait, sign: int
) -> None:
    one, two = pulse(wait), pulse(other, 8)
    cases = (
        watched(replace(one, moved=1001), two, before=(one, two)),
        watched(one, replace(two, age=10.0)),
        watched(one, two, connections=(silent(1.0),)),
        watched(one, two, written_at=NOW),
    )

    assert verdict(cases[sign]) not in HUNG


def test_the_evidence_says_what_every_signal_showed() -> None:
    case = replace(watched(pulse(Wait.NETWORK), connections=(silent(),)), sign="its log a.log")
    case = replace(case, last_sign=NOW - timedelta(hours=3))

    said = " | ".join(score(case, NOW).evidence)

    assert "pid 7 waits for api:443: no byte either way for 2 h" in said
    assert "3.0 s apart: 0% of a processor" in said
    assert "last sign of life 3 h ago: its log a.log" in said
