"""Which orders collide: those that may change the same file while neither waits for the other."""

import pytest

from unjam.domain.world.file_scopes import colliding, overlap
from unjam.domain.world.identity import WorkstreamId

A, B, C = (WorkstreamId(one) for one in "abc")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/app.py", "src/app.py"),
        ("src", "src/app.py"),
        ("src/", "./src/app.py"),
        ("src/**", "src/deep/app.py"),
        ("src/*.py", "src/app.py"),
        ("src/**/app.py", "src/deep/app.py"),
        ("src/*.py", "src/a*.py"),
        ("**/*.py", "src/app.py"),
    ],
)
def test_they_can_name_the_same_file(one: str, other: str) -> None:
    assert overlap(one, other)
    assert overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("src/app.py", "src/app.pyc"),
        ("src", "srcs/app.py"),
        ("src/*.py", "docs/app.py"),
        ("a", "b"),
    ],
)
def test_they_cannot(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert not overlap(other, one)


def test_whoever_waits_for_the_other_does_not_collide() -> None:
    scopes = {A: ["src/app.py"], B: ["src"], C: ["docs"]}

    assert dict(colliding(scopes, {})) == {(A, B): "src/app.py"}
    assert dict(colliding(scopes, {A: [C], C: [B]})) == {}


def test_a_cycle_is_no_endless_walk() -> None:
    assert dict(colliding({A: ["x"], B: ["x"]}, {A: [C], C: [A]})) == {(A, B): "x"}


def test_thousands_of_scopes_are_compared_at_once() -> None:
    scopes = {WorkstreamId(f"ws-{n}"): [f"part_{n}/app.py"] for n in range(5000)}
    scopes[A] = ["part_7"]

    assert dict(colliding(scopes, {})) == {(A, WorkstreamId("ws-7")): "part_7/app.py"}
