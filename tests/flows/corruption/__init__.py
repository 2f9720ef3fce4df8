"""Worktrees, shared files and objects that are damaged."""
