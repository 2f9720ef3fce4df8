"""What several ways out share."""
