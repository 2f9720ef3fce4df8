"""Find out what can land: merge and verify batches in a throw-away checkout.

Nothing of the real repository changes here but its object store: the trial's checkout is a
repository of its own, and the person's checkout is never touched.
"""
