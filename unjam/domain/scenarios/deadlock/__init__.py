"""Workstreams wait for each other."""
