"""One module for each verb: an engine call as a Prefect task, with the one retry policy."""
