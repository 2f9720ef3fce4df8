"""Tests that fail on the trunk, and what broke them."""
