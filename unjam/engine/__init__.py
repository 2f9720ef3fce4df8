"""Join the adapters: observe the whole, carry out steps, keep the record, take a run back."""
