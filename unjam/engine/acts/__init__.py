"""How each kind of step is carried out. Everything that changes anything goes through the door."""
