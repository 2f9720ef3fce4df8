"""The watch: what it tells, starts and closes, and by whose word."""
