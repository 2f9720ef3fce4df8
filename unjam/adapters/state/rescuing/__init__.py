"""What a damaged database still holds."""
