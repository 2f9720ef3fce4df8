"""A state that is locked, damaged, hidden, or in a bad place."""
