"""What a look at a repository begins with, and what of it runs beside what.

Git's own walks and a child that looks at all worktrees need nothing but the repository: no
configuration of ours and no state. They begin together and are waited for where they are needed.

    here                    Git                      a child of ours
    ----------------------  -----------------------  ----------------------------
    begin                   for-each-ref, config,
                            rev-list
    tips <- for-each-ref         |
    fork                         |                   worktrees, their files,
    configuration, state,        |                   locks and reflogs
    specs, ...                   |                        |
    history <- rev-list                                   |
    proofs of landing       diff-tree, ...                |
    worktrees, shared       cat-file                 worktrees, shared
    worktrees <- child
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from unjam.adapters.git.command import Asked, Git
from unjam.adapters.git.first_questions import ask_config, ask_graph, ask_tips
from unjam.adapters.git.repository import Repository

if TYPE_CHECKING:
    from unjam.adapters.git.all_refs import Tips
    from unjam.adapters.git.observing.child import ChildAnswer
    from unjam.adapters.git.observing.each_worktree import EachWorktree
    from unjam.domain.steps.scope import Scope

_WORTH_A_PROCESS = 32  # worktrees that are looked into; below, forking costs more than it saves


class StartedReading(NamedTuple):
    """A look at a repository: what is known of it, and what is on its way."""

    git: Git
    tips: "Tips"
    config: Mapping[str, str]
    graph: Asked | None  # None: nothing is compared
    around: "ChildAnswer[EachWorktree]"


@contextmanager
def start_reading(
    repository: Repository,
    only: frozenset[str] | None = None,
    scope: "Scope | None" = None,
) -> Iterator[StartedReading]:
    """Begin to look at a repository, with ``only`` at these worktrees and at no history.

    With ``scope``, what nobody asked for is only glimpsed at.
    Raises PermanentError if Git cannot read it. What nobody waited for ends with the look.
    """
    git = Git(repository.common)
    refs, listing = ask_tips(git), ask_config(git)
    graph = ask_graph(git) if only is None else None
    try:
        # Imported only now that Git is at work.
        from unjam.adapters.git.all_refs import read_tips
        from unjam.adapters.git.observing.child import in_child
        from unjam.adapters.git.observing.config import comparing_rules, read_config
        from unjam.adapters.git.observing.each_worktree import (
            PARTS,
            Wanted,
            WorktreeReader,
            count_worktrees,
        )

        config = read_config(listing)
        tips = read_tips(git, refs)
        rules = comparing_rules(config, repository.common)
        look = WorktreeReader(git, repository, tips.named, rules, Wanted(only, scope))
        inside = count_worktrees(repository) if only is None else len(only)
        with in_child(look, PARTS, worthwhile=inside > _WORTH_A_PROCESS) as around:
            yield StartedReading(git, tips, config, graph, around)
    finally:
        for asked in (refs, listing, graph):
            if asked is not None:
                asked.abandon()
