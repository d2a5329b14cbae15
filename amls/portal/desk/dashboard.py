"""The desk's first page and its navigation."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from amls.core.request import now_of
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.courses.permissions import may_create_courses
from amls.desk.chosen_course import chosen_course, courses_of
from amls.portal.desk.activity import activity_plots
from amls.portal.desk.needs import lectures_in, needs_of

_SOON = 5


# Where the sidebar leads, by task: the label, the icon and the name of each address.
_Places = list[tuple[Promise, str, str]]
_GROUPS: list[tuple[Promise | str, _Places]] = [
    (
        "",
        [
            (_("Today"), "dashboard", "admin:index"),
            (_("Courses"), "school", "admin:courses_course_changelist"),
        ],
    ),
    (
        _("Teaching"),
        [
            (_("Lectures"), "event", "admin:lectures_lecture_changelist"),
            (_("Upload files"), "upload", "admin:lectures_lecture_upload_files"),
            (_("Office hours"), "schedule", "admin:lectures_officehour_changelist"),
            (_("Deadlines"), "alarm", "admin:lectures_deadline_changelist"),
            (_("Days without class"), "event_busy", "admin:lectures_freeday_changelist"),
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
            (_("Announcements"), "campaign", "admin:mail_announcement_changelist"),
            (_("Reminder rules"), "alarm", "admin:mail_reminderrule_changelist"),
            (_("Mail of courses"), "tune", "admin:mail_mailsettings_changelist"),
            (_("Outbox"), "outbox", "admin:mail_notice_changelist"),
            (_("Does mail flow?"), "monitor_heart", "admin:mail_notice_show_health"),
            (_("Exports"), "file_export", "admin:exports_export_changelist"),
        ],
    ),
    (
        _("Projects"),
        [
            (_("Hand-ins and assessment"), "grading", "admin:projects_project_changelist"),
            (_("Topics and ideas"), "lightbulb", "admin:projects_topic_changelist"),
            (_("Topics by wish"), "low_priority", "admin:projects_allocation_changelist"),
            (_("Requests for more time"), "pending_actions", "admin:projects_extensionrequest_changelist"),
            (_("Extensions"), "more_time", "admin:projects_extension_changelist"),
            (_("Passed earlier"), "history_edu", "admin:projects_earlierpass_changelist"),
            (_("Invitations"), "mail", "admin:projects_invitation_changelist"),
            (_("Assignments"), "rule", "admin:projects_assignment_changelist"),
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
_OF_THE_INSTALLATION: tuple[Promise | str, _Places] = (
    _("Installation"),
    [
        (_("Accounts"), "person", "admin:courses_user_changelist"),
        (_("Legal pages"), "gavel", "admin:portal_legalpage_changelist"),
        (_("Does everything run?"), "monitor_heart", "installation"),
    ],
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar by task; those who run the installation see what belongs to it too."""
    groups = [*_GROUPS, _OF_THE_INSTALLATION] if request.user.is_superuser else _GROUPS
    links = {name: reverse(name) for _title, items in groups for _label, _icon, name in items}
    home = links["admin:index"]
    # Of a place within another, such as that of files within the lectures', the inner one is where one is.
    around = [link for link in links.values() if request.path.startswith(link) and link != home]
    here = max(around, key=len, default=home if request.path == home else "")
    return [
        {
            "title": str(title),
            "items": [
                {"title": str(label), "icon": icon, "link": links[name], "active": links[name] == here}
                for label, icon, name in items
            ],
        }
        for title, items in groups
    ]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what comes next, what needs a hand, and how the running courses fill, to the desk's first page."""
    now = now_of(request)
    user = user_of(request)
    taught, chosen = courses_of(request), chosen_course(request)
    running = [course for course in taught if course.state != Course.State.ARCHIVED]
    # An archived one has its numbers, too, where it is what one looks at.
    courses = [chosen] if chosen is not None else running
    if courses:
        timezone.activate(courses[0].zone)
    lectures = lectures_in(courses)
    context["desk"] = {
        "courses": courses,
        "mine": running,
        "may_create": may_create_courses(user),
        "coming": [lecture for lecture in lectures if lecture.ends_at is not None and lecture.ends_at > now][:_SOON],
        "needs": needs_of(courses, lectures, user=user, now=now),
        "plots": activity_plots(courses, now=now),
    }
    return context
