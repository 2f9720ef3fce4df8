"""Find out what is broken in Git's own files, and say which changes make it whole."""
