"""How often a failure was tried in vain: counted from what runs wrote down, once told and no more."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RunTold:
    """What one run wrote down about findings, by their fingerprints."""

    run: str
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    counts: bool = True  # False: it was not allowed to act, or the machinery failed
    escalated: frozenset[str] = frozenset()
    bundle: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One failure over all runs since it was last gone."""

    runs: tuple[str, ...] = ()  # that did not clear it
    bundle: str = ""  # it was handed over to a person with this

    @property
    def escalated(self) -> bool:
        """Whether a person was told."""
        return bool(self.bundle)


def tried(runs: Iterable[RunTold]) -> dict[str, Tried]:
    """Count, per fingerprint; runs come oldest first. One that was cleared begins anew."""
    known: dict[str, Tried] = {}
    for one in runs:
        for cleared in one.before - one.after:
            known.pop(cleared, None)
        for left in one.before & one.after if one.counts else ():
            before = known.get(left, Tried())
            known[left] = replace(before, runs=(*before.runs, one.run))
        for told in one.escalated:
            known[told] = replace(known.get(told, Tried()), bundle=one.bundle)
    return known
