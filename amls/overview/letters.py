"""Letters about who joins a course by its roster."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.courses.claims import on_claim
from amls.courses.models import Enrolment, RosterEntry, User
from amls.notifications.letters import Letter, letter
from amls.notifications.models import Notice
from amls.notifications.services import notify
from amls.web.markdown import escape_markdown


@on_claim
def tell_of_claim(entry: RosterEntry, person: User, is_confirmed: bool | None, now: datetime) -> None:
    """Put what the staff are asked, or what they decided, into the outbox."""
    if is_confirmed is None:
        for one in Enrolment.objects.staff().filter(course=entry.course, user__is_active=True).select_related("user"):
            notify(
                key=f"overview.roster-claimed:{entry.pk}:{person.pk}:{one.pk}",
                kind="overview.roster-claimed",
                now=now,
                recipient=one.user,
                course=entry.course,
                references={"entry": entry.pk},
            )
        return
    kind = "overview.roster-confirmed" if is_confirmed else "overview.roster-declined"
    notify(key=f"{kind}:{entry.pk}:{person.pk}", kind=kind, now=now, recipient=person, course=entry.course)


@letter("overview.roster-claimed")
def roster_claimed(notice: Notice, now: datetime) -> Letter | None:
    """Ask the staff whether an account is the person of the roster."""
    rows = RosterEntry.objects.select_related("course", "claimed_by")
    entry = rows.filter(pk=notice.references["entry"], claimed_by__isnull=False).first()
    if entry is None or entry.claimed_by is None:
        return None
    values = {"name": entry.claimed_by, "course": entry.course}
    return Letter(
        subject=_("Is it the same person? %(name)s") % values,
        text=_(
            "**%(name)s** has a matriculation number that stands on the roster of %(course)s with another address. "
            "Confirm that it is the same person, or decline."
        )
        % {name: escape_markdown(str(value)) for name, value in values.items()},
        action=(_("Decide at the desk"), reverse("admin:courses_rosterentry_change", args=[entry.pk])),
        reason=_("You get this because you teach in %(course)s.") % values,
    )


@letter("overview.roster-confirmed")
def roster_confirmed(notice: Notice, now: datetime) -> Letter | None:
    """Tell a person that they are in the course."""
    course = notice.course
    if course is None or not Enrolment.objects.filter(course=course, user=notice.recipient).exists():
        return None
    values = {"course": course}
    return Letter(
        subject=_("You are enrolled in %(course)s") % values,
        text=_("The staff confirmed that you stand on the roster of %(course)s.")
        % {"course": escape_markdown(str(course))},
        action=(_("Open my course"), reverse("overview:me", args=[course.slug])),
        reason=_("You get this because you asked to be enrolled."),
    )


@letter("overview.roster-declined")
def roster_declined(notice: Notice, now: datetime) -> Letter | None:
    """Tell a person that the staff could not confirm who they are."""
    course = notice.course
    if course is None:
        return None
    values = {"course": course}
    return Letter(
        subject=_("Not confirmed: the roster of %(course)s") % values,
        text=_(
            "The staff of %(course)s could not confirm that your account is the person with your matriculation number "
            "on the roster. Add your university address to your account, or answer this mail."
        )
        % {"course": escape_markdown(str(course))},
        action=(_("My addresses"), reverse("account_email")),
        reason=_("You get this because you asked to be enrolled."),
    )
