"""What unjam raises on purpose, told apart by what the caller can do about it."""


class UnjamError(Exception):
    """Base of everything raised on purpose; its text is one line: what, where, what to do."""


class TransientError(UnjamError):
    """The world was briefly in the way (a lock, a busy file); trying again can help."""


class PermanentError(UnjamError):
    """Trying again cannot help; a person or another procedure has to."""


class UsageError(PermanentError):
    """The person's command, configuration or repository is not usable (exit status 2)."""


class RefusedError(PermanentError):
    """Going on would not be safe: somebody else is at work, or the facts changed (exit status 3).

    ``sides`` show what is there, and on a line below what was expected; the text has them too.
    """

    def __init__(self, text: str, sides: tuple[str, ...] = ()) -> None:
        told = "; ".join(one.replace("\n", ", ") for one in sides)
        super().__init__(f"{text}: {told}" if sides else text)
        self.headline = text
        self.sides = sides
