"""Rows, clones and machines that are not ours: shown and counted, never judged or written."""
