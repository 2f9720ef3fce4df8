"""What is asked before, during and after a run, and when a person is called."""
