"""One lecture for a calendar."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from amls.agenda.ical import FeedEvent, render_feed
from amls.agenda.models import AgendaItem
from amls.agenda.views.feeds import calendar_response
from amls.courses.access import open_course
from amls.pagecache.store import cacheable
from lectures.models import Lecture


@csrf_exempt
@require_safe
def lecture_feed(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """The one event, with the same UID as in every feed: imported again it is updated, not doubled."""
    access = open_course(request, slug)
    course = access.course
    lecture = get_object_or_404(Lecture.objects.filter(course=course).at(ref))
    row = AgendaItem.objects.base().present().filter(course=course, key=f"lectures.lecture:{lecture.pk}").first()
    if row is None:
        raise Http404
    entries = [FeedEvent(row)]
    address = request.build_absolute_uri(reverse("lectures:lecture_feed", args=[slug, ref]))
    body = render_feed(course, entries, name=row.title, source=address, shows_call_in=False, with_refresh=False)
    response = calendar_response(body, filename=f"{slug}-{ref}")
    response.headers["Cache-Control"] = "no-cache"
    return cacheable(response, course=course, now=access.now, is_for_everyone=True)
