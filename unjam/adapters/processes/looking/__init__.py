"""Who works here and what they do, looked up without being asked."""
