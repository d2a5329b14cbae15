"""How the letters about projects read. Each looks again at what it tells of."""

from projects.letters import extensions, handins, results, teams

__all__ = ["extensions", "handins", "results", "teams"]
