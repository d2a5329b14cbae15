"""A recording: its transcript, its chapters, and where a person stopped."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.core.origin import is_same_origin
from amls.core.request import htmx_of
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course, open_course_as_manager
from amls.courses.accounts import user_or_none
from amls.courses.services import holding
from amls.pagecache.store import cacheable
from lectures.counts import note_watched
from lectures.forms import ChaptersForm
from lectures.models import Lecture, Material, Passage
from lectures.services.chapters import ChapterLine, length_of, read_chapters, set_chapters, stamp
from lectures.services.watching import keep_position
from lectures.views.pages import find_lecture

_LONGEST = 24 * 60 * 60


def _open(access: Access, ref: str, kind: str) -> tuple[Lecture, Material]:
    lecture, _lectures = find_lecture(access, ref)
    materials: list[Material] = lecture.shown_materials  # type: ignore[attr-defined]
    for material in materials:
        if material.kind == kind and material.current is not None:
            return lecture, material
    raise Http404


@require_safe
def transcript(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """What is said in the recording, with the times; with HX-Request only the list."""
    access = open_course(request, slug)
    lecture, captions = _open(access, ref, Material.Kind.CAPTIONS)
    passages = Passage.objects.filter(file=captions.current_id).defer("vector").order_by("number")
    blocks = [
        {
            "number": passage.number,
            "seconds": passage.starts_ms // 1000,
            "time": stamp(passage.starts_ms // 1000),
            "cues": [{"at": round(cue[0] / 1000, 1), "text": cue[2]} for cue in passage.cues],
        }
        for passage in passages
    ]
    is_part = bool(htmx_of(request))
    context = {"access": access, "course": access.course, "lecture": lecture, "blocks": blocks}
    response = render(request, "lectures/_transcript.html" if is_part else "lectures/transcript.html", context)
    patch_vary_headers(response, ("HX-Request",))
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


@csrf_exempt
@require_POST
def watched(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Note that half a minute was watched (`first`), and where a person who is signed in is (`seconds`).

    Visitors' pages are kept for everyone and can hold no CSRF token; so the browser's word
    for where the request comes from is checked instead.
    """
    if not is_same_origin(request):
        return HttpResponseBadRequest()
    access = open_course(request, slug)
    _lecture, recording = _open(access, ref, Material.Kind.MP4)
    seconds = request.POST.get("seconds", "")
    if not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 6 or int(seconds) > _LONGEST:
        return HttpResponseBadRequest()
    if "first" in request.POST:
        note_watched(material=recording)
    if (user := user_or_none(request)) is not None:
        keep_position(user=user, material=recording, seconds=int(seconds), now=access.now)
    return HttpResponse(status=204)


@require_http_methods(["GET", "HEAD", "POST"])
def chapters(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Let staff write the chapters, beginning from those that were proposed."""
    access = open_course_as_manager(request, slug)
    lecture, _lectures = find_lecture(access, ref)
    if request.method == "POST":
        with holding(access.course):
            form = _chapters_form(lecture, request.POST)
            is_kept = form.is_valid() and _keep_chapters(request, access, lecture, form)
        if is_kept:
            return redirect(lecture)
    else:
        form = _chapters_form(lecture)
    context = {
        "access": access,
        "course": access.course,
        "lecture": lecture,
        "form": form,
        "is_proposed": lecture.chapters.filter(is_proposed=True).exists(),
    }
    return render(request, "lectures/chapters.html", context, status=422 if form.errors else 200)


def _chapters_form(lecture: Lecture, sent: QueryDict | None = None) -> ChaptersForm:
    rows = lecture.chapters.order_by("seconds")
    lines = [str(ChapterLine(row.seconds, row.title, row.page)) for row in rows]
    return ChaptersForm(sent, lecture=lecture, initial={"chapters": "\n".join(lines)})


def _keep_chapters(request: HttpRequest, access: Access, lecture: Lecture, form: ChaptersForm) -> bool:
    """Keep the chapters that a form holds; return whether they are kept."""
    try:
        chapters = read_chapters(form.cleaned_data["chapters"], length_of(lecture))
    except RuleViolation as violation:
        form.add_error("chapters", str(violation.message))
        return False
    set_chapters(lecture=lecture, chapters=chapters, now=access.now)
    messages.success(request, _("Saved.") if chapters else _("The chapters are proposed from the captions again."))
    return True
