"""Who has a file open or locked."""
