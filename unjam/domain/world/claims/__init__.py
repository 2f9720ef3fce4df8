"""Whose a worktree, a commit and an entry of the stash are."""
