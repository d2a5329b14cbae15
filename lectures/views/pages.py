"""One lecture: abstract, slides in the page, recording, downloads, earlier and later."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from amls.agenda.hooks.boundaries import JOIN_LEAD
from amls.agenda.views.subscribe import subscribe_context
from amls.courses.access import Access, open_course
from amls.courses.models import User
from amls.pagecache.store import cacheable
from lectures.advice import advice_for
from lectures.models import Lecture, Material
from lectures.queries import lectures_for
from lectures.targets import first_of, shown_of
from lectures.viewing import add_versions, chapters_of, deck_of, position_of, texts_of


def find_lecture(access: Access, ref: str) -> tuple[Lecture, list[Lecture]]:
    """Return the lecture that `ref` stands for in its address, and all lectures of the course.

    Raises:
        Http404: there is none.
    """
    lectures = lectures_for(access)
    for lecture in lectures:
        if lecture.ref == ref:
            return lecture, lectures
    raise Http404


@require_safe
def lecture(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Show one lecture."""
    access = open_course(request, slug)
    lecture, lectures = find_lecture(access, ref)
    place = lectures.index(lecture)
    materials: list[Material] = lecture.shown_materials  # type: ignore[attr-defined]
    user = request.user if isinstance(request.user, User) else None
    texts = texts_of(materials)
    shown = shown_of(lecture, materials, {pk: len(passages) for pk, passages in texts.items()})
    deck = deck_of(access, shown.deck, shown.notes, texts)
    add_versions(materials, user)
    going_on, to_mend = advice_for(lecture) if access.is_manager else ([], [])
    context = {
        "access": access,
        "course": access.course,
        "lecture": lecture,
        "said_back": "lecture",
        "earlier": lectures[place - 1] if place else None,
        "later": lectures[place + 1] if place + 1 < len(lectures) else None,
        "slides": first_of(materials, Material.Kind.PDF),
        "deck": deck,
        "presentation": deck_of(access, shown.apart, None, texts),
        "is_presentation_open": "presentation" in request.GET,
        "recording": shown.recording,
        "captions": shown.captions,
        "chapters": chapters_of(lecture, materials, deck) if shown.recording is not None else [],
        "position": position_of(user, shown.recording),
        "starts_at_second": _asked_second(request),
        "going_on": going_on,
        "to_mend": to_mend,
        "is_on": lecture.is_on_at(access.now),
        "joins_now": lecture.is_on_at(access.now, JOIN_LEAD),
        "is_over": lecture.is_over_at(access.now),
        **subscribe_context(access),
    }
    response = render(request, "lectures/lecture.html", context)
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


def _asked_second(request: HttpRequest) -> int | None:
    """Return where the address says that the recording is to start, if it does."""
    asked = request.GET.get("t", "")
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= 6 else None
