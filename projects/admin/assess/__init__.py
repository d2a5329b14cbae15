"""The page on which one project is assessed: what it shows, what its buttons do, and what is kept of what is typed."""
