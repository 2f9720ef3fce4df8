"""Change one row of the state, provided it still is as it was seen."""

from unjam.adapters.state.location import shown
from unjam.adapters.state.read import row_of
from unjam.domain.change import UpdateRow
from unjam.errors import UnjamError

__all__ = ["row_of", "update_row"]


def update_row(location: str, change: UpdateRow) -> None:
    """Take a row from ``before`` to ``after``; an empty side means that there is no row.

    One transaction: afterwards the row is as before or as wanted, whatever happens meanwhile. A
    row that is as wanted already is left alone. Raises RefusedError when it is neither,
    TransientError when somebody holds the database, else PermanentError.
    """
    from unjam.adapters.state.swap import swap

    try:
        swap(location, change)
    except UnjamError as error:
        raise type(error)(f"state {shown(location)}, row {change.workstream}: {error}") from error
