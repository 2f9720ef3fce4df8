"""A room for each way a run breaks: how it is found, and the plan of its way out."""
