"""Processes that are held still or ended, by proof and never by name."""
