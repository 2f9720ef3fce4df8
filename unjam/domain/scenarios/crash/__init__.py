"""The orchestrator was killed."""
