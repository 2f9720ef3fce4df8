"""Hand a failure over to a person: with everything he needs, without a secret, and once."""
