"""What is there: everything observed at one instant, and what is true of it."""
