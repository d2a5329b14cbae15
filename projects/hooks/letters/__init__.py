"""How the letters about projects read. Each looks again at what it tells of."""

from projects.hooks.letters import extensions, handins, points, results, teams, wishes

__all__ = ["extensions", "handins", "points", "results", "teams", "wishes"]
