"""The desk's first page and its navigation."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.courses.models import Course, RosterEntry
from lectures.advice import problem
from lectures.models import Extraction, Lecture, Material
from projects.desk import waiting_in

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
            _("Projects"),
            [
                (_("Hand-ins and assessment"), "grading", "admin:projects_project_changelist"),
                (_("Topics and ideas"), "lightbulb", "admin:projects_topic_changelist"),
                (_("Requests for more time"), "pending_actions", "admin:projects_extensionrequest_changelist"),
                (_("Extensions"), "more_time", "admin:projects_extension_changelist"),
                (_("Passed earlier"), "history_edu", "admin:projects_earlierpass_changelist"),
                (_("Invitations"), "mail", "admin:projects_invitation_changelist"),
                (_("Project rules"), "rule", "admin:projects_projectrules_changelist"),
            ],
        ),
        (
            _("Exams"),
            [
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
        "waiting": [*_people(courses), *_projects(courses)],
        "without_slides": lectures.filter(starts_at__lt=now).exclude(has(Material.Kind.PDF)).order_by("starts_at"),
        "without_recording": lectures.filter(ends_at__lt=now).exclude(has(Material.Kind.MP4)).order_by("starts_at"),
        "without_captions": lectures.filter(has(Material.Kind.MP4))
        .exclude(has(Material.Kind.CAPTIONS))
        .order_by("starts_at"),
    }
    return context


def _people(courses: list[Course]) -> list[tuple[str, str]]:
    """Return who of the rosters is to be confirmed, in words and with the address where it is done."""
    count = RosterEntry.objects.filter(course__in=courses, claimed_by__isnull=False).count()
    text = ngettext("%(count)d person of a roster to confirm", "%(count)d people of rosters to confirm", count)
    address = f"{reverse('admin:courses_rosterentry_changelist')}?claimed_by__isempty=0"
    return [(text % {"count": count}, address)] if count else []


def _projects(courses: list[Course]) -> list[tuple[str, str]]:
    """Return what projects wait for, in words and with the address where it is done."""
    found = waiting_in(courses)
    listing = reverse("admin:projects_project_changelist")
    ideas = f"{reverse('admin:projects_topic_changelist')}?proposal__exact=open"
    requests = f"{reverse('admin:projects_extensionrequest_changelist')}?state__exact=open"
    rows = [
        (
            found.ideas,
            ngettext("%(count)d own idea to decide on", "%(count)d own ideas to decide on", found.ideas),
            ideas,
        ),
        (
            found.requests,
            ngettext("%(count)d request for more time", "%(count)d requests for more time", found.requests),
            requests,
        ),
        (
            found.late,
            ngettext(
                "%(count)d team with a late hand-in that waits",
                "%(count)d teams with late hand-ins that wait",
                found.late,
            ),
            f"{listing}?needs=late",
        ),
        (
            found.ungraded,
            ngettext("%(count)d project without a decision", "%(count)d projects without a decision", found.ungraded),
            f"{listing}?needs=ungraded",
        ),
        (
            found.small,
            ngettext(
                "%(count)d team below its topic's minimum", "%(count)d teams below their topic's minimum", found.small
            ),
            f"{listing}?needs=small",
        ),
    ]
    return [(text % {"count": count}, address) for count, text, address in rows if count]
