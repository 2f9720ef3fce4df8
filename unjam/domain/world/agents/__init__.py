"""Agents that are silent: which are looked at closely, and what goes on in them."""
