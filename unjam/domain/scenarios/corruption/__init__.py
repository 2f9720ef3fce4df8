"""Worktrees, or what Git keeps about them, are damaged."""
