"""On which side of a change the world is."""

from enum import StrEnum


class Side(StrEnum):
    """On which side of a change the world is."""

    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"
    ELSEWHERE = "elsewhere"
