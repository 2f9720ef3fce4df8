"""How often a failure was tried in vain: counted from what runs wrote down, once told and no more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class RunTold:
    """What one run wrote down about findings, by their fingerprints."""

    run: str
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    scenarios: Mapping[str, str] = field(default_factory=dict)  # of every fingerprint it names
    looked: frozenset[str] = (
        frozenset()
    )  # scenarios it looked for everywhere: what it saw none of is gone
    counts: bool = True  # False: it was not allowed to act, or the machinery failed
    escalated: frozenset[str] = frozenset()
    bundle: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One failure over all runs since it was last gone."""

    scenario: str = ""
    runs: tuple[str, ...] = ()  # that did not clear it
    bundle: str = ""  # it was handed over to a person with this

    @property
    def escalated(self) -> bool:
        """Whether a person was told."""
        return bool(self.bundle)


def tried(runs: Iterable[RunTold]) -> dict[str, Tried]:
    """Count, per fingerprint; runs come oldest first. One that was gone begins anew."""
    known: dict[str, Tried] = {}
    for one in runs:
        for gone in _gone(one, known):
            known.pop(gone, None)
        for left in one.before & one.after if one.counts else ():
            before = known.get(left, Tried(one.scenarios.get(left, "")))
            known[left] = replace(before, runs=(*before.runs, one.run))
        for told in one.escalated:
            before = known.get(told, Tried(one.scenarios.get(told, "")))
            known[told] = replace(before, bundle=one.bundle)
    return known


def _gone(run: RunTold, known: Mapping[str, Tried]) -> frozenset[str]:
    """Name what a run cleared, and what was gone already when it looked."""
    unseen = {name for name, one in known.items() if one.scenario in run.looked} - run.before
    return (run.before | unseen) - run.after
