"""What Git knows of an orchestration, read in a number of processes that does not grow."""
