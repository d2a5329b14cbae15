"""What staff should mend in the files of a lecture, or look at in its date, in words."""

from datetime import date

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.times import say_day
from lectures.models import Extraction, FreeDay, Lecture, Material, Passage, Problem


def progress(extraction: Extraction) -> str:
    """Return how far the reading of a file is."""
    name = {"file": extraction.file.filename}
    if extraction.state == Extraction.State.WAITING:
        return _("'%(file)s' waits to be read.") % name
    if extraction.state == Extraction.State.WORKING:
        if not extraction.pages_total:
            return _("'%(file)s' is being read.") % name
        return _("'%(file)s' is being read: %(done)d of %(total)d pages.") % {
            **name,
            "done": extraction.pages_done,
            "total": extraction.pages_total,
        }
    return ""


def problem(extraction: Extraction) -> str:
    """Return what is wrong with a file and what to do, or nothing."""
    values = {
        "file": extraction.file.filename,
        "done": extraction.pages_done,
        "total": extraction.pages_total,
        "count": extraction.cues_dropped,
    }
    texts = {
        Problem.NO_TEXT: _(
            "'%(file)s' has no text, only pictures: nobody can search it or have it read aloud. Export it from the program that made it."
        ),
        Problem.ENCRYPTED: _("'%(file)s' is protected by a password. Save it without one and upload that file."),
        Problem.BROKEN: _(
            "'%(file)s' is damaged and can't be read. Open it on your computer, save it again and upload that file."
        ),
        Problem.MISSING: _(
            "'%(file)s' is not on this server at the moment, so it can't be searched. It is looked for again every ten minutes; those who run this site are being told."
        ),
        Problem.UNABLE: _(
            "What reads files such as '%(file)s' is out of order on this server, so it can't be searched. It is tried again every ten minutes; tell whoever runs this site if it stays so."
        ),
        Problem.TOO_MANY_PAGES: _(
            "'%(file)s' has %(total)d pages; only the first %(done)d can be searched. Upload it in parts."
        ),
        Problem.TOO_SLOW: _(
            "Reading '%(file)s' took too long; %(done)d pages can be searched. Save it with smaller drawings and pictures."
        ),
        Problem.TOO_BIG: _(
            "Reading '%(file)s' needs too much memory; %(done)d pages can be searched. Save it with smaller pictures."
        ),
        Problem.BROKEN_TIMES: ngettext(
            "%(count)d caption of '%(file)s' has a time that no player understands and was left out. Times look like 00:12:30.000 --> 00:12:34.000.",
            "%(count)d captions of '%(file)s' have times that no player understands and were left out. Times look like 00:12:30.000 --> 00:12:34.000.",
            extraction.cues_dropped,
        ),
    }
    return texts[Problem(extraction.problem)] % values if extraction.problem else ""


def untagged(extraction: Extraction) -> str:
    """Return the advice for a PDF without tags, or nothing."""
    if extraction.is_tagged is not False:
        return ""
    return _(
        "'%(file)s' is not tagged: screen readers can't tell headings from text. Export it again as a tagged PDF (an option of the export)."
    ) % {"file": extraction.file.filename}


def wordless(extraction: Extraction) -> str:
    """Return the advice for a PDF that is a scan for the most part, or nothing; it knows its `pages_without_text`."""
    count: int = extraction.pages_without_text  # type: ignore[attr-defined]
    if extraction.problem == Problem.NO_TEXT or count * 2 <= extraction.pages_done:
        return ""
    return _(
        "%(count)d of %(total)d pages of '%(file)s' have no text, only pictures: nobody can search them or have them read aloud. Export it from the program that made it."
    ) % {"file": extraction.file.filename, "count": count, "total": extraction.pages_done}


def advice_for(lecture: Lecture) -> tuple[list[str], list[str]]:
    """Return what is going on with a lecture's files, and what its staff should mend: 2 queries."""
    without_text = Q(file__passages__kind=Passage.Kind.PAGE, file__passages__text="", file__passages__title="")
    extractions = list(
        Extraction.objects.current()
        .filter(file__material__lecture=lecture)
        .select_related("file")
        .annotate(pages_without_text=Count("file__passages", filter=without_text))
        .order_by("pk")
    )
    going_on = [text for extraction in extractions if (text := progress(extraction))]
    to_mend = [
        text
        for extraction in extractions
        for text in (problem(extraction), wordless(extraction), untagged(extraction))
        if text
    ]
    kinds = set(Material.objects.filter(lecture=lecture, current__isnull=False).values_list("kind", flat=True))
    if Material.Kind.MP4 in kinds and Material.Kind.CAPTIONS not in kinds:
        to_mend.append(_("The recording has no captions. Upload them as a WebVTT file (.vtt)."))
    return going_on, to_mend


def clashes_of(lecture: Lecture) -> list[str]:
    """Return what of a lecture's date should be looked at, as it is now: a day without class, another in its room: 2 queries."""
    if lecture.is_cancelled or lecture.held_on is None:
        return []
    free_days = FreeDay.objects.filter(course=lecture.course_id, first__lte=lecture.held_on)
    said = (
        [_without_class(lecture, lecture.held_on)]
        if any(free_day.covers(lecture.held_on) for free_day in free_days)
        else []
    )
    if lecture.room and lecture.starts_at is not None:
        beside = Lecture.objects.filter(
            course=lecture.course_id, room=lecture.room, starts_at__lt=lecture.ends_at, ends_at__gt=lecture.starts_at
        )
        for other in beside.exclude(pk=lecture.pk).exclude(state=Lecture.State.CANCELLED):
            names = {"what": lecture, "other": other, "room": lecture.room}
            said.append(_("%(what)s: '%(other)s' is in %(room)s at the same time.") % names)
    return said


def held_on_free(free_day: FreeDay) -> list[str]:
    """Return which lectures are to be held on days that are without class: 1 query."""
    lectures = Lecture.objects.filter(course=free_day.course_id).exclude(state=Lecture.State.CANCELLED)
    return [
        _without_class(lecture, lecture.held_on)
        for lecture in lectures.select_related("course")
        if lecture.held_on is not None and free_day.covers(lecture.held_on)
    ]


def _without_class(lecture: Lecture, day: date) -> str:
    why = _("%(what)s: %(day)s is a day without class. Look whether it takes place.")
    return why % {"what": lecture, "day": say_day(day)}
