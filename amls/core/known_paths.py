"""Which view answers at an address, looked for once: some sixty others are tried before that of a course's page."""

from collections.abc import Sequence
from functools import lru_cache

from django.urls import ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

_KEPT = 4096
# Longer ones are nobody's daily way, and would take memory.
_LONGEST = 200


class KnownPaths(URLResolver):
    """The addresses of the site. What is found at one depends on nothing else."""

    def __init__(self, patterns: Sequence[URLPattern | URLResolver]) -> None:
        super().__init__(RoutePattern(""), list(patterns))
        self._known = lru_cache(maxsize=_KEPT)(self._look)

    def resolve(self, path: str) -> ResolverMatch:
        """Return what answers.

        Raises:
            Resolver404: nothing does.
        """
        return self._known(path) if len(path) <= _LONGEST else super().resolve(path)

    def _look(self, path: str) -> ResolverMatch:
        match = super().resolve(path)
        # All that was tried before it is of use where nothing is found, and would be copied for each request.
        match.tried = None
        return match
