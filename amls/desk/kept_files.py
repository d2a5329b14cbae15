"""Files that were sent to the desk wait while it asks: a browser forgets them with every answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.datastructures import MultiValueDict

from amls.core.request import now_of
from amls.files.shelf import MOST_BYTES, MOST_FILES, Shelf, opened

# What the page that asks sends for each file: the field and the token of what is kept.
WAITING = "_waiting"


@dataclass(slots=True)
class WaitingFiles:
    """The files of a request, sent with it or kept since the desk asked.

    Attributes:
        request: whose files they are; `request.FILES` holds all of them.
        shelf: where they wait.
        tokens: what the page that asks sends, one for each that is kept.
        kept: the names of those.
        left: the names of those that can't be kept and have to be chosen again.
    """

    request: HttpRequest
    shelf: Shelf
    tokens: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def keep(self) -> None:
        """Keep what was sent until the person has decided."""
        sent = [(name, file) for name, files in self.request.FILES.lists() for file in files]
        fits = len(sent) <= MOST_FILES and sum(file.size or 0 for _name, file in sent) <= MOST_BYTES
        before = self.shelf.all()
        for name, file in sent:
            row = self.shelf.keep(file) if fits else None
            if row is None:
                self.left.append(file.name or "")
            else:
                self.tokens.append(f"{name}:{row.token}")
                self.kept.append(row.filename)
        self.shelf.drop(but=[row for row in self.shelf.all() if row not in before])

    def drop(self, response: Any) -> None:
        """Forget what was kept, once a response says that it is saved."""
        if isinstance(response, HttpResponseRedirect) and WAITING in self.request.POST:
            self.shelf.drop()


@contextmanager
def waiting_files(request: HttpRequest) -> Iterator[WaitingFiles]:
    """Bring back the files that wait for this request, as if they had just been sent."""
    now = now_of(request)
    owner = request.user.pk or 0  # nobody who isn't signed in comes to the desk
    shelf = Shelf(owner, f"desk:{request.path}"[:100], now)
    fields = {token: name for name, _colon, token in (sent.partition(":") for sent in request.POST.getlist(WAITING))}
    files = MultiValueDict(dict(request.FILES.lists()))
    with ExitStack() as stack:
        rows = shelf.find(fields)
        for row, file in zip(rows, stack.enter_context(opened(rows)), strict=True):
            name = fields.get(str(row.token), "")
            if name not in request.FILES:
                files.appendlist(name, file)
        stack.enter_context(files_of(request, files))
        yield WaitingFiles(request, shelf)


@contextmanager
def files_of(request: HttpRequest, files: MultiValueDict[str, Any]) -> Iterator[None]:
    """Let a request have these files for a while."""
    sent = request.FILES
    request._files = files  # type: ignore[attr-defined]  # noqa: SLF001 - Django offers no setter
    try:
        yield
    finally:
        request._files = sent  # type: ignore[attr-defined]  # noqa: SLF001 - see above
