"""What a record says of a workstream, translated into a closed set of words; see the glossary."""

from enum import StrEnum


class Status(StrEnum):
    """One word of a record, in ours. What another tool wrote, and we do not know, is unknown."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"  # for a person's move
    PAUSED = "paused"  # nobody is there, and that is fine
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    REVERTED = "reverted"
    DISCARDED = "discarded"
    UNKNOWN = "unknown"


# What a database without such words is told in front of the message, of a row that says failed.
SAID_BESIDE = (Status.CONFLICT, Status.BLOCKED, Status.REVERTED, Status.DISCARDED)
OVER = frozenset({Status.COMPLETED, Status.DISCARDED})  # nobody will take it up again
_LONGEST = 40  # letters of a word that is shown


def not_known(word: str | None) -> str:
    """Say that a word of a record is none of those that are known."""
    return f"status {shown_word(word)} is not one I know"


def shown_word(word: str | None) -> str:
    """Quote a word of a record, cut where it is long; None is SQL's NULL."""
    if word is None:
        return "NULL"
    return repr(word if len(word) <= _LONGEST else f"{word[:_LONGEST]}…")
