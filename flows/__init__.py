"""One module for each thing a person can ask for: which tasks, in which order. Nothing else."""
