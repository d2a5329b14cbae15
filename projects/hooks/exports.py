"""What is exported of projects: the topics to choose from, the receipt of a hand-in, and many hand-ins at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.courses.permissions import enrolment_of, may_manage
from amls.exports.kinds import PDF, ZIP, ExportKind, Order, Progress, may_see_course, offer
from amls.exports.pdf import qr_code, render_pdf
from projects.addresses import topics_of
from projects.deadlines import Deadlines, said_by_receipt, standing_of
from projects.exports.archive import HAND_INS, archive_of, bytes_of
from projects.models import Assignment, Project, Submission, Topic
from projects.permissions import may_see_submission
from projects.queries import views_of, with_team
from projects.receipts import receipt_code

TOPICS, RECEIPT = "projects.topics", "projects.receipt"
_MEGABYTE = 1024**2


# ── the topics ──


def _assignment_of(order: Order) -> Assignment | None:
    """Return whose topics are asked for, the course's project's unless it is said: what all may see, as all get one file."""
    wanted = order.parameters.get("assignment")
    rows = Assignment.objects.filter(course=order.course).visible_at(order.now).select_related("course")
    return (rows.filter(pk=wanted) if wanted else rows.filter(is_main=True)).first()


def _may_see_topics(order: Order) -> bool:
    assignment = _assignment_of(order) if may_see_course(order) else None
    return assignment is not None and assignment.has_topics


def _topics_key(order: Order) -> str:
    assert order.course is not None  # noqa: S101 - `allows` says so
    return f"{order.course.revision}|{Deadlines.of(_assignment_of(order)).for_all}"


def _write_topics(order: Order, progress: Progress) -> Iterator[bytes]:
    assignment = _assignment_of(order)
    assert assignment is not None  # noqa: S101 - `allows` says so
    topics = list(
        Topic.objects.filter(assignment=assignment, proposal="", is_open=True)
        .select_related("mentor")
        .order_by("position", "pk")
    )
    tracks = list(dict.fromkeys(topic.track for topic in topics))
    topics.sort(key=lambda topic: tracks.index(topic.track))
    deadlines = Deadlines.of(assignment)
    address = settings.SITE_URL + topics_of(assignment)
    context = {
        "assignment": assignment,
        "due_at": deadlines.for_all,
        "closes_at": deadlines.registration_closes_at,
        "tracks": [(track, list(group)) for track, group in groupby(topics, key=lambda topic: topic.track)],
        "count": len(topics),
        "address": address,
        "code": qr_code(address),
    }
    progress(1, 2)
    title = _("Project topics: %(course)s") % {"course": order.course}
    yield render_pdf("projects/pdf/topics.html", context, title=title, order=order)
    progress(2, 2)


def _topics_filename(order: Order) -> str:
    course, wanted = order.course, order.parameters.get("assignment")
    assert course is not None  # noqa: S101 - `allows` says so
    return f"{course.slug}-topics-{wanted}.pdf" if wanted else f"{course.slug}-topics.pdf"


offer(
    ExportKind(
        name=TOPICS,
        label=gettext_lazy("Project topics"),
        media=PDF,
        allows=_may_see_topics,
        content_key=_topics_key,
        write=_write_topics,
        filename=_topics_filename,
        is_public=True,
    )
)


# ── the receipt ──


def _submission_of(order: Order) -> Submission | None:
    rows = Submission.objects.select_related(
        "project__topic", "project__assignment__course", "submitted_by__user"
    ).prefetch_related("files")
    return rows.filter(pk=order.parameters["submission"], project__assignment__course=order.course).first()


def _may_have_receipt(order: Order) -> bool:
    submission = _submission_of(order)
    if submission is None or order.user is None:
        return False
    course = submission.project.course
    enrolment = enrolment_of(order.user, course)
    is_manager = may_manage(order.user, course, enrolment)
    return may_see_submission(enrolment, submission, is_manager=is_manager)


def _receipt_key(order: Order) -> str:
    submission = _submission_of(order)
    if submission is None:
        return ""
    person, topic = submission.submitted_by.user, submission.project.title
    return f"{standing_of(submission)}|{submission.withdrawn_at}|{submission.accepted_at}|{person}|{topic}"


def _write_receipt(order: Order, progress: Progress) -> Iterator[bytes]:
    submission = _submission_of(order)
    assert submission is not None  # noqa: S101 - `allows` was asked
    code = receipt_code(submission.pk)
    standing = standing_of(submission)
    address = settings.SITE_URL + reverse("projects:receipt", args=[code])
    context = {
        "submission": submission,
        "project": submission.project,
        "files": list(submission.files.all()),
        "receipt": code,
        **said_by_receipt(submission, standing),
        "address": address,
        "code": qr_code(address),
    }
    title = _("Receipt %(code)s") % {"code": code}
    yield render_pdf("projects/pdf/receipt.html", context, title=title, order=order, on_one_page=True)
    progress(1, 1)


offer(
    ExportKind(
        name=RECEIPT,
        label=gettext_lazy("Receipt of a hand-in"),
        media=PDF,
        allows=_may_have_receipt,
        content_key=_receipt_key,
        write=_write_receipt,
        filename=lambda order: f"receipt-{receipt_code(order.parameters['submission'])}.pdf",
        is_quick=True,
    )
)


# ── hand-ins ──


def _may_have_hand_ins(order: Order) -> bool:
    if order.course is None or order.user is None:
        return False
    return may_manage(order.user, order.course, enrolment_of(order.user, order.course))


def _write_hand_ins(order: Order, progress: Progress) -> Iterator[bytes]:
    projects = Project.objects.filter(pk__in=order.parameters["projects"], assignment__course=order.course)
    views = views_of(list(with_team(projects.order_by("pk"))))
    is_complete = order.parameters["is_complete"]
    total, done, said = bytes_of(views, is_complete=is_complete) // _MEGABYTE + 1, 0, 0
    for piece in archive_of(views, is_complete=is_complete):
        done += len(piece)
        yield bytes(piece)
        if (now_said := min(done // _MEGABYTE, total)) > said:
            said = now_said
            progress(said, total)


offer(
    ExportKind(
        name=HAND_INS,
        label=gettext_lazy("Hand-ins"),
        media=ZIP,
        allows=_may_have_hand_ins,
        # What counts may change at any moment, such as by an extension.
        content_key=lambda order: order.now.isoformat(),
        write=_write_hand_ins,
        # What was ordered of an earlier version has no name.
        filename=lambda order: f"{order.parameters.get('name') or f'hand-ins-{order.now.date()}'}.zip",
        is_single=True,
    )
)
