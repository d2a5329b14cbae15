"""Feeds over HTTP: one query and 304 for a client that has everything already."""

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import slugify
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from amls.agenda.feeds import alarm_of, entries_for, find_enrolment, own_entries, personal_feed_url, public_feed_url
from amls.agenda.fetches import note_fetch, note_public_fetch
from amls.agenda.ical import CONTENT_TYPE, render_feed
from amls.core.request import now_of
from amls.courses.access import open_course
from amls.courses.models import Course
from amls.pagecache.store import cacheable


def calendar_response(body: bytes, *, filename: str) -> HttpResponse:
    """Return a calendar file with the headers that calendar programs look at.

    It has an ETag, and no Last-Modified: a feed also changes when a date is over, when its course has another name, or
    when its reader joins another course, and no date says so. Whoever asks by that alone gets all of it.
    """
    response = HttpResponse(body, content_type=CONTENT_TYPE)
    response.headers["Content-Disposition"] = f'inline; filename="{slugify(filename)}.ics"'
    return response


@csrf_exempt
@require_safe
def public_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """The course's dates for everyone, without call-in links."""
    access = open_course(request, slug)
    course = access.course
    entries = entries_for(course, None, now=access.now)
    body = render_feed(course, entries, name=str(course), source=public_feed_url(course), shows_call_in=False)
    response = calendar_response(body, filename=course.slug)
    response.headers["Cache-Control"] = "no-cache"
    pk = course.pk
    return cacheable(
        response,
        course=course,
        now=access.now,
        is_for_everyone=True,
        on_answer=lambda answered: note_public_fetch(pk, answered),
    )


@csrf_exempt
@require_safe
def personal_feed(request: HttpRequest, token: str) -> HttpResponse:
    """A person's dates, with call-in links; whoever has the address may read it. With `?alarm=60` it speaks up an hour before."""
    enrolment = find_enrolment(token)
    if enrolment is None:
        raise Http404
    course = enrolment.course
    if course.state == Course.State.DRAFT and not enrolment.is_staff:
        raise Http404
    now = now_of(request)
    entries = own_entries(enrolment, now=now)
    alarm = alarm_of(request.GET.get("alarm", ""))
    body = render_feed(
        course,
        entries,
        name=str(course),
        source=personal_feed_url(enrolment, alarm),
        shows_call_in=True,
        names_course=enrolment.course_count > 1,
        alarm=timedelta(minutes=alarm) if alarm is not None else None,
    )
    response = calendar_response(body, filename=course.slug)
    response.headers["Cache-Control"] = "private, no-cache"
    pk = enrolment.pk
    return cacheable(
        response,
        course=course,
        enrolment=enrolment,
        now=now,
        is_for_everyone=True,
        on_answer=lambda answered: note_fetch(pk, answered),
    )
