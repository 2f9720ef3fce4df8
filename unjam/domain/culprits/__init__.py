"""Which landed work broke a test, and how sure that is."""
