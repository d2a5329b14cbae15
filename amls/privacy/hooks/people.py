"""What accounts and enrolments are to a person, and how long they are kept."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from amls.core.batches import delete_in_batches
from amls.core.bounds import purge_spendings
from amls.courses.models import AccountEvent, Course, Enrolment, RosterEntry, User
from amls.files import shelf
from amls.files.models import KeptUpload
from amls.files.tables import imports
from amls.privacy.endings import last_days_of
from amls.privacy.registry import forget_people_of, on_account_deletion, on_course_purge, personal_data, retention
from amls.privacy.traces import addresses_of

_UNCONFIRMED_AFTER = timedelta(days=30)
# As long as somebody may take to notice, and no longer.
_EVENTS_KEPT = timedelta(days=90)


@personal_data.named("account")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield the account, its addresses and devices, and the person's courses."""
    yield (
        "account.json",
        {
            "email": user.email,
            "name": user.display_name,
            "matriculation_number": user.matriculation_number,
            "language": user.language,
            "joined": user.date_joined,
            "last_login": user.last_login,
            "addresses": list(
                EmailAddress.objects.filter(user=user).values("email", "verified", "primary").order_by("email")
            ),
            "devices": list(UserSession.objects.filter(user=user).values("ip", "user_agent", "created_at")),
        },
    )
    yield (
        "events.json",
        list(AccountEvent.objects.filter(user=user).values("what", "how", "at", "network", "browser")),
    )
    yield (
        "courses.json",
        [
            {
                "course": str(enrolment.course),
                "slug": enrolment.course.slug,
                "role": enrolment.role,
                "since": enrolment.created_at,
                "verified_matriculation_number": enrolment.verified_number,
            }
            for enrolment in Enrolment.objects.filter(user=user).select_related("course").order_by("pk")
        ],
    )
    entries = RosterEntry.objects.alias(lowered=Lower("email"))
    theirs = entries.filter(Q(enrolment__user=user) | Q(left_by=user) | Q(lowered__in=addresses_of(user)))
    yield (
        "rosters.json",
        [
            {
                "course": str(entry.course),
                "slug": entry.course.slug,
                "email": entry.email,
                "name": entry.name,
                "matriculation_number": entry.matriculation_number,
                "joined": entry.enrolment_id is not None,
                "left": entry.left_by_id == user.pk,
            }
            for entry in theirs.select_related("course").order_by("pk")
        ],
    )


# What people did in a course; apps above delete their part of it (`on_course_purge`), or it hangs on what they delete.
_OF_PEOPLE = [
    "agenda.FeedToken", "courses.Enrolment", "courses.RosterEntry", "courses.RosterEntry_declined",
    "exams.AdmissionDecision", "exams.CheckInMark", "exams.ExamTaskPoints", "exams.HelperLink", "exams.Registration", "exams.Result",
    "exams.ResultChange", "exams.Seat", "exams.UniversityEntry", "grading.PersonNote", "grading.RollEntry", "lectures.LastDownload", "lectures.WatchPosition",
    "mail.Preference", "projects.Allocation", "projects.Assessment", "projects.AssessmentDraft", "projects.EarlierPass", "projects.Extension",
    "projects.Excuse", "projects.ExtensionRequest", "projects.Invitation", "projects.MatchRequest", "projects.MemberAssessment", "projects.Membership",
    "projects.PointsQuestion",
    "projects.Project", "projects.SeekingNote", "projects.StaffNote", "projects.Submission", "projects.SubmissionFile",
    "projects.TaskPoints", "projects.TeamMatching", "projects.TopicPlacement", "projects.TopicSwitch", "projects.Wish",
    "projects.WishChange", "projects.WishList",
]  # fmt: skip


@retention(
    "courses.enrolments",
    _("Who took part in a course, with their projects, hand-ins, exams and results"),
    format_lazy(
        _("{years} years after the last day, exam, result or hand-in of an archived course, whichever came last"),
        years=f"{settings.KEEP_COURSE_YEARS:g}",
    ),
    tables=_OF_PEOPLE,
)
def purge_enrolments(now: datetime, dry_run: bool) -> int:
    """Delete the enrolments of courses that ended years ago, with all that these people did there."""
    since = now.date() - timedelta(days=round(settings.KEEP_COURSE_YEARS * 365.25))
    archived = list(Course.objects.filter(state=Course.State.ARCHIVED).order_by("pk"))
    over = [pk for pk, day in last_days_of(archived).items() if day < since]
    count = Enrolment.objects.filter(course__in=over).count()
    if not dry_run:
        # Each in a transaction of its own.
        for pk in over:
            forget_people_of([pk])
    return count


@retention("courses.unconfirmed", _("Accounts whose address was never confirmed"), _("30 days"))
def purge_unconfirmed(now: datetime, dry_run: bool) -> int:
    """Delete accounts that nobody ever entered."""
    rows = User.objects.filter(
        date_joined__lt=now - _UNCONFIRMED_AFTER, last_login__isnull=True, enrolments__isnull=True, is_active=True
    )
    rows = rows.filter(emailaddress__isnull=False).exclude(emailaddress__verified=True)
    return delete_in_batches(rows, dry_run=dry_run)


@retention(
    "courses.sessions", _("Signed-in devices"), _("30 days after the last visit"),
    tables=["sessions.Session", "usersessions.UserSession"],
)  # fmt: skip
def purge_sessions(now: datetime, dry_run: bool) -> int:
    """Delete sessions that are over."""
    count = delete_in_batches(Session.objects.filter(expire_date__lt=now), dry_run=dry_run)
    # What is known of devices whose session is over.
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    delete_in_batches(UserSession.objects.filter(~Exists(alive)), dry_run=dry_run)
    return count


@retention(
    "courses.account-events",
    _("Sign-ins, failures and changes of accounts"),
    _("90 days"),
    tables=["courses.AccountEvent"],
)
def purge_account_events(now: datetime, dry_run: bool) -> int:
    """Delete what happened to accounts long ago."""
    return delete_in_batches(AccountEvent.objects.filter(at__lt=now - _EVENTS_KEPT), dry_run=dry_run)


retention(
    "web.spendings", _("How often somebody asked for what is bounded, without their name"), _("up to a day"),
    tables=["core.Spending"],
)(purge_spendings)  # fmt: skip


@retention(
    "files.imports", _("Which rows a table changed on its import, to take it back"), _("30 days"),
    tables=["files.TableImport", "files.ImportedRow"],
)  # fmt: skip
def purge_imports(now: datetime, dry_run: bool) -> int:
    """Delete imports that can't be taken back any more."""
    return imports.purge_imports(now, dry_run=dry_run)


@retention(
    "files.kept", _("Files of a form that was not done with, for the next try"), _("a day"), tables=["files.KeptUpload"]
)
def purge_kept_uploads(now: datetime, dry_run: bool) -> int:
    """Delete uploads that nobody came back for."""
    return shelf.purge_kept(now, dry_run=dry_run)


@on_account_deletion
def forget_kept_uploads(user: User, now: datetime) -> None:
    """Delete the uploads that wait for the person's next try."""
    shelf.forget_kept(owner_id=user.pk)


@personal_data.named("files")
def tell_kept_uploads(user: User) -> Iterator[tuple[str, Any]]:
    """Yield what the person sent that waits for the next try."""
    rows = KeptUpload.objects.filter(owner=user)
    yield "kept.json", list(rows.values("purpose", "filename", "size", "kept_at"))


@on_account_deletion
def forget_imported_rows(user: User, now: datetime) -> None:
    """Delete what imports of tables tell of the person."""
    addresses = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    imports.forget_person(user_id=user.pk, addresses=[user.email, *addresses])


@on_course_purge
def forget_imports(courses: Sequence[int]) -> None:
    """Delete the imports of tables of these courses."""
    imports.forget_courses(courses)
