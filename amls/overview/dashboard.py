"""The desk's first page and its navigation."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from amls.courses.models import Course
from lectures.models import Lecture, Material

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
            _("Projects and exams"),
            [
                (_("Project rules"), "rule", "admin:projects_projectrules_changelist"),
                (_("Topics"), "lightbulb", "admin:projects_topic_changelist"),
                (_("Exams"), "edit_calendar", "admin:exams_exam_changelist"),
                (_("Registrations"), "how_to_reg", "admin:exams_registration_changelist"),
                (_("Admissions"), "verified", "admin:exams_admissiondecision_changelist"),
                (_("Accommodations"), "accessible", "admin:exams_accommodation_changelist"),
                (_("Changes of results"), "history", "admin:exams_resultchange_changelist"),
                (_("Exam rules"), "gavel", "admin:exams_examrules_changelist"),
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

    context["desk"] = {
        "courses": courses,
        "coming": lectures.filter(ends_at__gt=now).order_by("starts_at")[:_SOON],
        "without_slides": lectures.filter(starts_at__lt=now).exclude(has(Material.Kind.PDF)).order_by("starts_at"),
        "without_recording": lectures.filter(ends_at__lt=now).exclude(has(Material.Kind.MP4)).order_by("starts_at"),
        "without_captions": lectures.filter(has(Material.Kind.MP4))
        .exclude(has(Material.Kind.CAPTIONS))
        .order_by("starts_at"),
    }
    return context
