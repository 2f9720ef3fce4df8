"""The orchestrator has died: every wreck it leaves, recovered, started again and taken back."""
