"""An agent hangs."""
