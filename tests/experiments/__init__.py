"""Run by hand: what the tests are worth, and what a scenario is."""
