"""What is told of a run: its report, its progress, its readiness, the bundle for a person."""
