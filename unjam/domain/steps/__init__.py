"""What can be done: steps, the facts they rest on, the changes they make, what came of them."""
