"""Dependencies that wait for each other."""
