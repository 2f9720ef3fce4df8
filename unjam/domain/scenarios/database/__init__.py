"""The state is locked, or will not open."""
