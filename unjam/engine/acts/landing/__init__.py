"""Work gets onto the trunk, and the trunk onto the remote."""
