"""Agents that hang, and those that only look so."""
