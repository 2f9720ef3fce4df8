"""What must hold before and after a run, and how far one is."""
