"""What every look asks Git first, apart from what reads the answers: that is imported meanwhile."""

from unjam.adapters.git.command import Asked, Git

# Of a commit: its name and those of its parents, its message, and an end that no message holds.
HISTORY = ("--no-commit-header", "--format=%H %P%n%B%x00")


def ask_tips(git: Git) -> Asked:
    """Ask for all refs; one whose object is missing makes the whole answer an error."""
    return git.ask("for-each-ref", "--format=%(objectname) %(objecttype) %(refname)")


def ask_config(git: Git) -> Asked:
    """Ask for all that is configured here."""
    return git.ask("config", "--list", "-z")


def ask_graph(git: Git) -> Asked:
    """Ask for the history of every branch; one damaged commit makes the whole answer an error."""
    return git.ask("rev-list", "--branches", *HISTORY)
