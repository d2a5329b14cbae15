"""How the letters about projects read. Each looks again at what it tells of."""

from projects.hooks.letters import allocated, extensions, handins, points, results, teams

__all__ = ["allocated", "extensions", "handins", "points", "results", "teams"]
