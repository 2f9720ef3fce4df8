"""A landing conflicts with the trunk."""
