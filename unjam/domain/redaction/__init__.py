"""Secrets are taken out of whatever leaves the machine."""
