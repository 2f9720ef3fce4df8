"""What a worktree holds that is in no commit."""
