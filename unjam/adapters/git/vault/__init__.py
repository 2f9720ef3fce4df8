"""The vault's refs and their pins, taking over what earlier versions kept elsewhere, and erasing."""
