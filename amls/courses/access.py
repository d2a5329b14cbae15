"""How views reach a course: loaded by what the person may see, in the course's zone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from amls.core.providers import SignInProvider
from amls.core.request import now_of
from amls.core.statements import ModelStatement, Parameter
from amls.courses.accounts import user_or_none
from amls.courses.models import Course, Enrolment, User
from amls.courses.permissions import enrolment_at, lacks_second_factor, may_create_courses, may_manage, teaches
from amls.courses.vouched import vouched_of


@dataclass(frozen=True, slots=True)
class Access:
    """A course as one person sees it."""

    course: Course
    enrolment: Enrolment | None
    is_manager: bool
    now: datetime

    @property
    def is_enrolled(self) -> bool:
        """Whether the person takes part, as a student or as staff."""
        return self.enrolment is not None

    @property
    def sees_enrolled(self) -> bool:
        """Whether the person sees what is meant for enrolled people, such as call-in links."""
        return self.enrolment is not None or self.is_manager

    @property
    def has_desk(self) -> bool:
        """Whether the person works at the course's desk."""
        return self.is_manager or (self.enrolment is not None and self.enrolment.is_staff)


def open_course(request: HttpRequest, slug: str, *, along: Sequence[str] = (), own: Sequence[str] = ()) -> Access:
    """Return the course at `slug` as the request's person sees it, and activate its time zone.

    Args:
        request: of whom it is.
        slug: the course's address.
        along: relations of the course that the page needs and that are read in the same query, such as 'exam_rules'.
        own: such relations of the person's enrolment, such as 'feed_token'.

    Raises:
        CourseMoved: it has another address now.
        Http404: there is none, or the person may not see it.
    """
    enrolment = enrolment_at(request.user, slug, along=[*(f"course__{name}" for name in along), *own])
    if enrolment is not None and enrolment.course.state != Course.State.DRAFT:
        course = enrolment.course
    elif not request.user.is_authenticated:
        public = _public_with(tuple(along)).first({"slug": slug})
        if public is None:
            raise _missing(request, slug)
        course = public
    else:
        courses = Course.objects.visible_to(request.user).with_slots()
        visible = courses.select_related(*along).filter(slug=slug).first()
        if visible is None:
            raise _missing(request, slug)
        course = visible
    timezone.activate(course.zone)
    now = now_of(request)
    return Access(course, enrolment, may_manage(request.user, course, enrolment), now)


def _missing(request: HttpRequest, slug: str) -> Http404:
    """Return what to raise where the request's person sees no course at `slug`: 1 query."""
    now_at = Course.objects.visible_to(request.user).filter(addresses__slug=slug).values_list("slug", flat=True).first()
    return Http404(slug) if now_at is None else CourseMoved(now_at)


@cache
def _public_with(along: tuple[str, ...]) -> ModelStatement[Course]:
    rows = Course.objects.public().with_slots().filter(slug=Parameter("slug"))
    return ModelStatement.of(rows.order_by(), along=along, annotated=["slot_values"])


def access_to(request: HttpRequest, course: Course) -> Access:
    """Return a course, which the caller loaded and whose page the request's person may see, as that person sees it."""
    enrolment, now = enrolment_at(request.user, course.slug), now_of(request)
    return Access(course, enrolment, may_manage(request.user, course, enrolment), now)


def open_course_as_manager(request: HttpRequest, slug: str) -> Access:
    """Return the course at `slug` for those who may change it.

    Raises:
        Http404: for everyone else, whether or not the course exists.
        SecondFactorNeeded: the person teaches it, but lacks the factor that staff need.
    """
    access = open_course(request, slug)
    need_manager(request, access)
    return access


def need_manager(request: HttpRequest, access: Access) -> None:
    """Let only those go on who may change the course; raises as `open_course_as_manager`."""
    if access.is_manager:
        return
    if teaches(request.user, access.course, access.enrolment):
        raise SecondFactorNeeded
    raise Http404


def need_course_maker(request: HttpRequest) -> User:
    """Return the request's person if they may make new courses.

    Raises:
        Http404: they may not.
        SecondFactorNeeded: they may, but lack the factor that staff need.
    """
    user = user_or_none(request)
    if user is None or not may_create_courses(user):
        raise Http404
    if lacks_second_factor(user):
        raise SecondFactorNeeded
    return user


class SecondFactorNeeded(Http404):
    """Somebody who teaches asked for what staff see, and has proven no second factor in this session yet."""


class CourseMoved(Http404):
    """Somebody asked for a course by an address that it had before.

    Attributes:
        slug: its address now.
    """

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class LeadingOnMiddleware:
    """Lead staff who lack a second factor to where they prove one, or set one up, and everybody to where a course is now."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer `SecondFactorNeeded` and `CourseMoved`; Django answers all else."""
        if isinstance(exception, SecondFactorNeeded):
            return lead_to_factor(request)
        if isinstance(exception, CourseMoved):
            return _lead_to_course(request, exception.slug)
        return None


def _lead_to_course(request: HttpRequest, slug: str) -> HttpResponse:
    """Lead to the same page at the course's address of today, with all that a form has sent: nothing of it was taken yet.

    For good, which calendar programs follow and note; but browsers ask each time: the course may have its former address
    again one day.
    """
    match = request.resolver_match
    assert match is not None  # noqa: S101 - a view has raised it
    query = request.META.get("QUERY_STRING", "")
    address = reverse(match.view_name, kwargs={**match.kwargs, "slug": slug})
    # Not every calendar program knows the answer by which a form is sent once more.
    is_sent_again = request.method not in ("GET", "HEAD")
    response = HttpResponsePermanentRedirect(f"{address}?{query}" if query else address, preserve_request=is_sent_again)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def lead_to_factor(request: HttpRequest) -> HttpResponse:
    """Say that staff need a second factor, and lead to where it is proven, or set up by those who have none."""
    place = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("admin:index")
    if not is_mfa_enabled(request.user):
        if (provider := _provider_with_factor(request.user)) is not None:
            said = _(
                "Staff need a second factor. Confirm it with %(provider)s. If it asks for none there, set up a passkey or "
                "an authenticator app here instead, under 'Passkeys and second factor'."
            )
            messages.warning(request, said % {"provider": provider.name})
            begin = reverse(f"{provider.kind}_login", args=[provider.id])
            return redirect(f"{begin}?{urlencode({'factor': '1', 'next': place})}")
        messages.warning(request, _("Staff need a second factor. Set up a passkey or an authenticator app first."))
        return redirect("mfa_index")
    messages.warning(request, _("You signed in without your second factor. Confirm it to go on."))
    ways = get_adapter().get_reauthentication_methods(request.user)
    way = next(way["url"] for way in ways if way["id"].startswith("mfa_"))
    return redirect(f"{way}?{urlencode({'next': place})}")


def _provider_with_factor(user: Any) -> SignInProvider | None:
    """Return by which of the person's providers they can prove a second factor."""
    known = vouched_of(user)
    return next(
        (provider for provider in settings.SIGN_IN_PROVIDERS if provider.second_factor and provider.id in known), None
    )
