"""The demonstration: sandboxes in every kind of trouble, recovered before your eyes."""
