"""The emergency reset, and the way back."""
