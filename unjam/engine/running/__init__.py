"""A run from its lease to its end, and what is remembered from one run to the next."""
