"""Rows: what the orchestrator believes, and one of them changed."""
