"""What can be exported: each app contributes its kinds in `hooks/exports.py`.

    # exams/hooks/exports.py
    from amls.exports.kinds import PDF, ExportKind, Order, Progress, offer
    from amls.exports.pdf import render_pdf

    def _write_slip(order: Order, progress: Progress) -> Iterator[bytes]:
        registration = Registration.objects.select_related("exam").get(pk=order.parameters["registration"])
        yield render_pdf("exams/slip.html", {"registration": registration}, title=_("Admission slip"), order=order)

    offer(ExportKind(
        name="exams.slip",                       # begins with the app
        label=gettext_lazy("Admission slip"),    # as it stands on its page and in the list of exports
        media=PDF,                               # or CSV, XLSX, ICS, ZIP
        allows=lambda order: Registration.objects.filter(
            pk=order.parameters["registration"], enrolment__user=order.user).exists(),
        content_key=lambda order: slip_stamp(order.parameters["registration"]),
        write=_write_slip,
        filename=lambda order: "slip.pdf",
        is_quick=True,                           # small, and somebody waits for it
    ))

- `allows` is asked when the export is ordered, shown and downloaded: whoever lost a right loses the file.
- `content_key` names everything that the content depends on beside course, parameters and language; while it
  stays the same the file is made once and given again. For what changes with the course's public content
  `str(order.course.revision)` is right; for data without a revision take counts and newest timestamps; where
  nothing else will do, `order.now.isoformat()` makes it anew each time.
- `write` runs in a worker, outside any transaction, in the order's language and the course's zone. It yields bytes
  and calls `progress(done, total)` now and then. For tables see `amls.files.tables.writing`. A RuleViolation becomes the
  readable error of the export; any other exception is logged and said in general words. What is worth knowing of a
  file that could be made is a sentence in `order.remarks`.
- Where `is_single`, a person has one file of the kind at a time, whatever its language: a new one takes the place of
  the older one, also of one that is still being made.
- A kind is for whom it was made, unless `is_public`: then one file serves everyone whom `allows` lets in.

A view then is three lines (GET serves the cached file or a page that offers to make it, POST makes it):

    def slip(request, slug, pk):
        access = open_course(request, slug)
        return document(request, kind="exams.slip", course=access.course, parameters={"registration": pk})

with `document` from `amls.exports.views.offer`; `request_export` in `amls.exports.services` is what it calls.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from amls.core.hooks import Hook
from amls.courses.models import Course, User

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Media:
    """A file format.

    Attributes:
        is_inline_safe: whether a browser may show it within this site.
    """

    content_type: str
    extension: str
    is_inline_safe: bool = False


PDF = Media("application/pdf", "pdf", is_inline_safe=True)
CSV = Media("text/csv; charset=utf-8", "csv")
XLSX = Media("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
ICS = Media("text/calendar; charset=utf-8", "ics")
ZIP = Media("application/zip", "zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made, and for whom.

    Attributes:
        user: who asked; None for visitors, and for public kinds while they are written.
        now: when it was asked for, shown or is being made.
        remarks: what whoever ordered it should know of the file, in whole sentences; the writer adds to it.
    """

    kind: str
    course: Course | None
    parameters: dict[str, Any]
    user: User | None
    language: str
    now: datetime
    remarks: list[str] = field(default_factory=list)


def may_see_course(order: Order) -> bool:
    """Return whether whoever asks may see the course: `allows` of what stands on its page anyway."""
    if order.course is None:
        return False
    seen = Course.objects.public() if order.user is None else Course.objects.visible_to(order.user)
    return seen.filter(pk=order.course.pk).exists()


# How much is done of how much; may be called as often as one likes.
Progress = Callable[[int, int], None]
Writer = Callable[[Order, Progress], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportKind:
    """One kind of export; the module's docstring says how to make one."""

    name: str
    label: "str | _StrPromise"
    media: Media
    allows: Callable[[Order], bool]
    content_key: Callable[[Order], str]
    write: Writer
    filename: Callable[[Order], str]
    is_public: bool = False
    is_single: bool = False
    is_quick: bool = False


kinds: Hook[ExportKind] = Hook("kinds of exports")


def offer(kind: ExportKind) -> ExportKind:
    """Contribute a kind of export."""
    return kinds.add(kind.name, kind)


def label_of(name: str) -> str:
    """Return a kind's label in the active language; some words for one that is not known (any more)."""
    known = kinds.get(name)
    return str(known.label) if known is not None else _("Another export")
