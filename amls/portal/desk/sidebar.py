"""Where the desk's sidebar leads, by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The label, the icon and the name of each address.
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
            (_("Results"), "grade", "admin:exams_result_changelist"),
            (_("Changes of results"), "history", "admin:exams_resultchange_changelist"),
            (_("Exam rules"), "gavel", "admin:exams_examrules_changelist"),
        ],
    ),
]
_OF_THE_INSTALLATION: tuple[Promise | str, _Places] = (
    _("Installation"),
    [
        (_("Accounts"), "person", "admin:courses_user_changelist"),
        (_("Mail addresses of accounts"), "alternate_email", "admin:account_emailaddress_changelist"),
        (_("Second factors"), "key", "admin:mfa_authenticator_changelist"),
        (_("Browsers that are signed in"), "devices", "admin:usersessions_usersession_changelist"),
        (_("Legal pages"), "gavel", "admin:portal_legalpage_changelist"),
        (_("Does everything run?"), "monitor_heart", "installation"),
    ],
)


@dataclass(frozen=True, slots=True)
class Sidebar:
    """What the sidebar shows, which is the same for all who see the same places from the same one.

    Attributes:
        here: the address of the place where one is; empty where one is in none of them.
        with_installation: whether what belongs to the installation is among them.
    """

    here: str
    with_installation: bool

    @property
    def shown(self) -> tuple[str, bool]:
        """Return all that it depends on, but for the language."""
        return self.here, self.with_installation

    @property
    def groups(self) -> list[dict[str, Any]]:
        """Return the places by task."""
        links = _links(get_script_prefix())
        return [
            {
                "title": str(title),
                "items": [
                    {"title": str(label), "icon": icon, "link": links[name], "active": links[name] == self.here}
                    for label, icon, name in items
                ],
            }
            for title, items in (*_GROUPS, *([_OF_THE_INSTALLATION] if self.with_installation else []))
        ]


def beside_every_page(request: HttpRequest) -> dict[str, Sidebar]:
    """Return what every page of the desk has beside it; those who run the installation see what belongs to it too."""
    links = _links(get_script_prefix())
    home = links["admin:index"]
    # Of a place within another, such as that of files within the lectures', the inner one is where one is.
    around = [link for link in links.values() if request.path.startswith(link) and link != home]
    here = max(around, key=len, default=home if request.path == home else "")
    return {"desk_sidebar": Sidebar(here, bool(request.user.is_superuser))}


@lru_cache
def _links(_prefix: str) -> Mapping[str, str]:
    """Return the address of each place by its name; all of them begin with what the site is under."""
    return {name: reverse(name) for _title, items in (*_GROUPS, _OF_THE_INSTALLATION) for _label, _icon, name in items}
