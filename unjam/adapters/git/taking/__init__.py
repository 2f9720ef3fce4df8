"""Everything of a worktree, saved into the vault byte for byte."""
