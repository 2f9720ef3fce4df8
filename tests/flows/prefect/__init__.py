"""Prefect itself: the API, asking in the UI, load, notifications, teams with workers."""
