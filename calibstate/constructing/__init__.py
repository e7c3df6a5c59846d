"""How a ticket's collections are made: steps, their standing, a script."""
