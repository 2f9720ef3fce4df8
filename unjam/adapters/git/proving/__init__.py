"""Whether the work of a branch is in the trunk, by one of four proofs."""
