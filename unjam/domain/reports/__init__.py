"""What is told to people and programs."""
