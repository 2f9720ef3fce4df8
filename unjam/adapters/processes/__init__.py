"""Who works here: looked up without being asked, stopped by proof and never by name."""
