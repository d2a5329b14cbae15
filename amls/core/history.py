"""Who changed what and at which address, for the history: noted where something may be written."""

from django.http import HttpRequest, HttpResponse
from pghistory.middleware import HistoryMiddleware

# Reads write nothing, but for the way back from a provider of sign-ins.
_READS = ("GET", "HEAD", "OPTIONS")
_ACCOUNTS = "/accounts/"


class WriteHistoryMiddleware(HistoryMiddleware):
    """What django-pghistory notes of every request, only where rows may change: it looks at each statement."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with what the history is told where there is any."""
        if request.method in _READS and not request.path_info.startswith(_ACCOUNTS):
            return self.get_response(request)  # type: ignore[no-any-return]
        return super().__call__(request)  # type: ignore[no-any-return, no-untyped-call]
