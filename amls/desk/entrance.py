"""The staff's desk as a whole: who is let in, and what all of its pages have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, reverse
from django.utils.translation import gettext_lazy
from unfold.sites import UnfoldAdminSite

from amls.core.origin import place_here
from amls.courses.access import lead_to_factor
from amls.courses.accounts import user_or_none
from amls.courses.permissions import lacks_second_factor
from amls.desk.chosen_course import choosing, offered_courses
from amls.desk.odd_requests import careful


class DeskSite(UnfoldAdminSite):  # type: ignore[misc]
    """The admin for those who teach; they sign in like everyone, and need a second factor in production."""

    index_title = gettext_lazy("Today")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Leave out Django's `r/`, which leads to the address of any row, of anybody's course, and Unfold's search.

        The button 'View on site' leads there directly: `OwnAddress`. Unfold's search knows names of models alone.
        """
        return [url for url in super().get_urls() if getattr(url, "name", None) not in ("view_on_site", "search")]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Let every page of the desk be careful with what it is asked."""
        wrapped: Callable[..., Any] = super().admin_view(choosing(careful(view)), cacheable)
        return wrapped

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Say on every page of which course it is, and offer the others."""
        context: dict[str, Any] = super().each_context(request)
        if self.has_permission(request):
            context["desk_choice"] = offered_courses(request)
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Name the lists of one app, on its page; all of them are named by nothing: the sidebar leads to what is done.

        Django's names them for each page, and asks of each who may do what.
        """
        return super().get_app_list(request, app_label) if app_label else []

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whoever teaches in a course."""
        user = user_or_none(request)
        return user is not None and user.is_active and user.is_staff and not lacks_second_factor(user)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people to the site's own sign-in, and staff who have not proven a second factor to do so."""
        user, place = user_or_none(request), place_here(request, request.GET.get("next")) or reverse("admin:index")
        if user is None:
            return redirect_to_login(place, reverse("account_login"))
        if not user.is_staff:
            raise Http404
        return lead_to_factor(request) if lacks_second_factor(user) else HttpResponseRedirect(place)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the site's own page, which limits how often an old password is tried."""
        return redirect("account_change_password")
