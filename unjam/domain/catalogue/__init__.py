"""All scenarios and all kinds of step, joined."""
