"""What changes a repository: merges tried elsewhere, checkouts, operations, the remote."""
