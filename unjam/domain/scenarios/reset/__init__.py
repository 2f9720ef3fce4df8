"""The emergency: everything goes into the vault."""
