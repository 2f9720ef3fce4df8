"""Change one row of the state, provided it still is as it was seen."""

from collections.abc import Iterator
from contextlib import contextmanager

from unjam.adapters.state.location import without_password
from unjam.adapters.state.rows.read import images_of, row_of
from unjam.domain.steps.change import UpdateRow
from unjam.errors import UnjamError

__all__ = ["images_of", "rehearse", "row_of", "update_row"]


def update_row(location: str, change: UpdateRow) -> None:
    """Take a row from ``before`` to ``after``; an empty side means that there is no row.

    One transaction: afterwards the row is as before or as wanted, whatever happens meanwhile. A
    row that is as wanted already is left alone. Raises RefusedError when it is neither,
    TransientError when somebody holds the database, else PermanentError.
    """
    from unjam.adapters.state.rows.update import compare_and_write

    with _told(location, change):
        compare_and_write(location, change)


def rehearse(location: str, change: UpdateRow) -> UpdateRow:
    """Return a change as the database makes it, by a transaction of which nothing stays.

    Raises as ``update_row`` does, and PermanentError for a row that could not be put back.
    """
    from unjam.adapters.state.rows.update import rehearse as rehearsed

    with _told(location, change):
        return rehearsed(location, change)


@contextmanager
def _told(location: str, change: UpdateRow) -> Iterator[None]:
    try:
        yield
    except UnjamError as error:
        raise type(error)(
            f"state {without_password(location)}, row {change.workstream}: {error}"
        ) from error
