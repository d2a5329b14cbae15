"""Letters about who joins a course by its roster."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.courses.models import Enrolment, RosterEntry, User
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.outbox import notify
from amls.mail.wording import bullet_list, escaped
from amls.membership.claims import on_claim
from amls.portal.inviting.people import LETTER


@on_claim
def tell_of_claim(entry: RosterEntry, person: User, is_confirmed: bool | None, now: datetime) -> None:
    """Put what the staff are asked, or what they decided, into the outbox.

    Whoever is declined may ask again once the staff forget it: each time is another occasion.
    """
    occasion = f"{entry.pk}:{person.pk}:{now.timestamp()}"
    if is_confirmed is None:
        for enrolment in Enrolment.objects.staff().reachable().filter(course=entry.course).select_related("user"):
            notify(
                key=f"overview.roster-claimed:{occasion}:{enrolment.pk}",
                kind="portal.roster-claimed",
                now=now,
                recipient=enrolment.user,
                course=entry.course,
                references={"entry": entry.pk, "person": person.pk},
                # A roster may find many at once.
                grouping_key=f"overview.roster-claimed:{entry.course_id}",
            )
        return
    kind = "portal.roster-confirmed" if is_confirmed else "portal.roster-declined"
    notify(key=f"{kind}:{occasion}", kind=kind, now=now, recipient=person, course=entry.course)


def _merge(letters: Sequence[tuple[Notice, Letter]], now: datetime) -> Letter:
    count = len(letters)
    subject = ngettext("%(count)d person of a roster to confirm", "%(count)d people of rosters to confirm", count)
    text = _(
        "They have matriculation numbers that stand on the roster of %(course)s with other addresses. "
        "Confirm that they are the same people, or decline."
    )
    return Letter(
        subject=subject % {"count": count},
        text="\n\n".join(
            (
                text % escaped({"course": letters[0][0].course}),
                bullet_list([letter.line for _notice, letter in letters]),
            )
        ),
        action=(_("Decide at the desk"), f"{reverse('admin:courses_rosterentry_changelist')}?claimed_by__isempty=0"),
        reason=letters[0][1].reason,
    )


def _of_claims_by(user: User) -> Q:
    return Q(references__person=user.pk)


@letter(
    "portal.roster-claimed",
    label=gettext_lazy("Somebody says who they are on the roster"),
    merge=_merge,
    names=_of_claims_by,
)
def roster_claimed(notice: Notice, now: datetime) -> Letter | None:
    """Ask the staff whether an account is the person of the roster."""
    rows = RosterEntry.objects.select_related("course", "claimed_by")
    entry = rows.filter(pk=notice.references["entry"], claimed_by=notice.references["person"]).first()
    if entry is None or entry.claimed_by is None:
        return None
    values = {"name": entry.claimed_by, "course": entry.course}
    return Letter(
        subject=_("Is it the same person? %(name)s") % values,
        text=_(
            "**%(name)s** has a matriculation number that stands on the roster of %(course)s with another address. "
            "Confirm that it is the same person, or decline."
        )
        % escaped(values),
        action=(_("Decide at the desk"), reverse("admin:courses_rosterentry_change", args=[entry.pk])),
        reason=_("You get this because you teach in %(course)s.") % values,
        line=str(entry.claimed_by),
    )


@letter(LETTER, label=gettext_lazy("Invited to a course"))
def invited(notice: Notice, now: datetime) -> Letter | None:
    """Invite somebody of the roster: to sign in with this very address, or who joined by it to the course's page."""
    entry = RosterEntry.objects.filter(pk=notice.references["entry"]).select_related("course", "enrolment").first()
    if entry is None:
        return None
    course, values = entry.course, {"course": entry.course, "address": entry.email}
    reason = _("You get this because the staff of %(course)s invited you.") % {"course": course}
    subject = _("You are invited: %(course)s") % {"course": course}
    if entry.enrolment is not None:
        text = _("The staff of **%(course)s** put you on its roster: you are in the course.") % escaped(values)
        return Letter(
            subject=subject,
            text=text,
            action=(_("Open my course"), reverse("portal:me", args=[course.slug])),
            reason=reason,
        )
    text = _(
        "The staff of **%(course)s** put you on its roster. Sign in with this address, %(address)s: a code is mailed to "
        "you, and you are in the course."
    )
    sign_in = f"{reverse('account_signup')}?{urlencode({'next': reverse('portal:me', args=[course.slug])})}"
    return Letter(subject=subject, text=text % escaped(values), action=(_("Join the course"), sign_in), reason=reason)


@letter("portal.roster-confirmed", label=gettext_lazy("Confirmed as a person of the roster"))
def roster_confirmed(notice: Notice, now: datetime) -> Letter | None:
    """Tell a person that they are in the course."""
    course = notice.course
    if course is None or not Enrolment.objects.filter(course=course, user=notice.recipient).exists():
        return None
    values = {"course": course}
    return Letter(
        subject=_("You are enrolled in %(course)s") % values,
        text=_("The staff confirmed that you stand on the roster of %(course)s.") % escaped({"course": course}),
        action=(_("Open my course"), reverse("portal:me", args=[course.slug])),
        reason=_("You get this because you entered your matriculation number."),
    )


@letter("portal.roster-declined", label=gettext_lazy("Not confirmed as a person of the roster"))
def roster_declined(notice: Notice, now: datetime) -> Letter | None:
    """Tell a person that the staff could not confirm who they are."""
    course = notice.course
    if course is None:
        return None
    values = {"course": course}
    return Letter(
        subject=_("Not confirmed: the roster of %(course)s") % values,
        text=_(
            "The staff of %(course)s could not confirm that you stand on its roster. "
            "Add your university address to your account, or answer this mail."
        )
        % escaped({"course": course}),
        action=(_("My addresses"), reverse("account_email")),
        reason=_("You get this because you entered your matriculation number."),
    )
