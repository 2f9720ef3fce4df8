"""Tests fail since something landed."""
