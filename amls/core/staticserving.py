"""Styles and scripts, also those that came while this process ran: of the release that the other node has already."""

import re
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

# A file of `collectstatic` with its hash: what it holds never changes.
_HASHED = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.[0-9a-f]{12}\.\w+")


class StaticMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves what was in STATIC_ROOT at the start, and a file with a hash that was put there since."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the file, or let others answer."""
        path = request.path_info
        if path.startswith(self.static_prefix) and path not in self.files and not self.autorefresh:
            self._take_in(path)
        answer: HttpResponse = super().__call__(request)
        return answer

    def _take_in(self, path: str) -> None:
        name = path.removeprefix(self.static_prefix)
        root: Any = self.static_root
        if root and _HASHED.fullmatch(name) and (place := Path(root) / name).is_file():
            self.add_file_to_dictionary(path, str(place))
