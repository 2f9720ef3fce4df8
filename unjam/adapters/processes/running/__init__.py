"""Processes that we start."""
