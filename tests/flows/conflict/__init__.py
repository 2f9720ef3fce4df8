"""Landings that conflict."""
