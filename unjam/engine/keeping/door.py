"""The one door through which the world is changed: journal the intent, act, journal that it is made."""

from unjam.adapters.journal import Journal
from unjam.domain.catalogue.codec import to_record
from unjam.domain.steps.change import Change
from unjam.engine.keeping.changes import apply, prepared
from unjam.engine.orchestration import Orchestration


class Door:
    """Makes the changes of one run, each written down before it is made."""

    def __init__(self, orchestration: Orchestration, journal: Journal) -> None:
        self.orchestration = orchestration
        self.journal = journal

    def make(self, change: Change, *, resuming: bool = False) -> str:
        """Make a change; what it raises leaves an intent without an outcome in the journal.

        Returns what it has to say beyond having been made. ``resuming`` completes a change that a
        killed run has begun.
        """
        change = prepared(self.orchestration, change, resuming=resuming)
        self.journal.append({"event": "intent", "change": to_record(change)})
        said = apply(self.orchestration, change, resuming=resuming)
        self.journal.append({"event": "made", "change": to_record(change)})
        return said
