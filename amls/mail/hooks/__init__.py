"""What the mail app contributes to the hooks of the others, and to its own."""
