"""The desk's first page and its navigation."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from amls.courses.models import Course
from lectures.advice import problem
from lectures.models import Extraction, Lecture, Material

_SOON = 5


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar by task."""
    groups: list[tuple[str, list[tuple[str, str, str]]]] = [
        ("", [(_("Today"), "dashboard", "admin:index"), (_("Courses"), "school", "admin:courses_course_changelist")]),
        (
            _("Teaching"),
            [
                (_("Lectures"), "event", "admin:lectures_lecture_changelist"),
                (_("Upload files"), "upload", "admin:lectures_lecture_upload_files"),
                (_("Office hours"), "schedule", "admin:lectures_officehour_changelist"),
                (_("Parts"), "segment", "admin:lectures_part_changelist"),
            ],
        ),
        (
            _("People"),
            [
                (_("Enrolments"), "group", "admin:courses_enrolment_changelist"),
                (_("Roster"), "badge", "admin:courses_rosterentry_changelist"),
            ],
        ),
        (
            _("Mail"),
            [
                (_("Announcements"), "campaign", "admin:notifications_announcement_changelist"),
                (_("Reminder rules"), "alarm", "admin:notifications_reminderrule_changelist"),
                (_("Mail of courses"), "tune", "admin:notifications_mailsettings_changelist"),
                (_("Outbox"), "outbox", "admin:notifications_notice_changelist"),
                (_("Does mail flow?"), "monitor_heart", "admin:notifications_notice_show_health"),
            ],
        ),
        (
            _("Projects and exams"),
            [
                (_("Project rules"), "rule", "admin:projects_projectrules_changelist"),
                (_("Topics"), "lightbulb", "admin:projects_topic_changelist"),
                (_("Exams"), "edit_calendar", "admin:exams_exam_changelist"),
            ],
        ),
    ]
    if request.user.is_superuser:
        installation = [
            (_("Accounts"), "person", "admin:courses_user_changelist"),
            (_("Legal pages"), "gavel", "admin:overview_legalpage_changelist"),
        ]
        groups.append((_("Installation"), installation))
    return [
        {
            "title": title,
            "items": [{"title": label, "icon": icon, "link": reverse(name)} for label, icon, name in items],
        }
        for title, items in groups
    ]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what needs a hand: the running courses, what comes next, what lacks slides or a recording."""
    now = request.now  # type: ignore[attr-defined]
    courses = list(Course.objects.taught_by(request.user).exclude(state=Course.State.ARCHIVED))
    if courses:
        timezone.activate(courses[0].zone)
    lectures = (
        Lecture.objects.filter(course__in=courses).exclude(state=Lecture.State.CANCELLED).select_related("course")
    )

    def has(kind: str) -> Exists:
        return Exists(Material.objects.filter(lecture=OuterRef("pk"), kind=kind, current__isnull=False))

    read = (
        Extraction.objects.current()
        .filter(file__material__lecture__course__in=courses)
        .select_related("file__material__lecture__course")
        .order_by("file__material__lecture__starts_at", "pk")
    )
    context["desk"] = {
        "unreadable": [(one.file.material.lecture, problem(one)) for one in read.exclude(problem="")],
        "untagged": [one.file.material.lecture for one in read.filter(is_tagged=False)],
        "courses": courses,
        "coming": lectures.filter(ends_at__gt=now).order_by("starts_at")[:_SOON],
        "without_slides": lectures.filter(starts_at__lt=now).exclude(has(Material.Kind.PDF)).order_by("starts_at"),
        "without_recording": lectures.filter(ends_at__lt=now).exclude(has(Material.Kind.MP4)).order_by("starts_at"),
        "without_captions": lectures.filter(has(Material.Kind.MP4))
        .exclude(has(Material.Kind.CAPTIONS))
        .order_by("starts_at"),
    }
    return context
