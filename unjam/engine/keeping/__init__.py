"""The record and the vault: nothing is changed that they do not know of."""
