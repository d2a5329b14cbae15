"""What stands beside a project in the list that the person came from."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from projects.models import Project


def neighbours(desk: ModelAdmin, request: HttpRequest, project: Project) -> tuple[list[int], int | None, int | None]:
    """Return the keys of the list that the person came from, and what stands before and after a project there.

    A project that is no longer in the filtered list, such as one that has just been
    decided, still has its place in the order.
    """
    listing = _ListRequest(request, request.GET.get("_changelist_filters", ""))
    try:
        cl = desk.get_changelist_instance(listing)
    except IncorrectLookupParameters:
        # The list itself leaves out what it can't read, too.
        listing = _ListRequest(request, "")
        cl = desk.get_changelist_instance(listing)
    order = list(cl.root_queryset.order_by(*cl.get_ordering(listing, cl.root_queryset)).values_list("pk", flat=True))
    place = {pk: number for number, pk in enumerate(order)}
    # The search joins to many rows: each key once, in the list's order.
    keys = sorted(set(cl.queryset.order_by().values_list("pk", flat=True)), key=place.__getitem__)
    here = place.get(project.pk, -1)
    before = next((pk for pk in reversed(keys) if place[pk] < here), None)
    after = next((pk for pk in keys if place[pk] > here), None)
    return keys, before, after


class _ListRequest:
    """The request as if it were for the list with some filters."""

    wants_keys_only = True
    method = "GET"

    def __init__(self, request: HttpRequest, filters: str) -> None:
        self._request = request
        self.GET = type(request.GET)(filters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)
