"""How the letter about a date reads that is cancelled, or held after all."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.times import say_time
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import bullet_list, escaped
from exams.models import Exam, Registration
from exams.models.exam import SignUp
from exams.models.results import HAS_PASSED
from exams.services.cancelling import TOLD

_State = Registration.State


@letter(TOLD, label=gettext_lazy("Exam date cancelled, or held after all"))
def cancelled(notice: Notice, now: datetime) -> Letter | None:
    """Tell who was in a date that it is cancelled, why, and what to do; or that it is held after all, and what they have in it."""
    rows = Registration.objects.with_people()
    registration = rows.filter(pk=notice.references.get("registration")).first()
    if registration is None:
        return None
    others = Registration.objects.active().filter(enrolment=registration.enrolment_id).exclude(pk=registration.pk)
    has = list(others.select_related("exam__course").order_by("keeps_seat", "pk"))
    if registration.state == _State.CANCELLED:
        return _cancelled(registration, has, now)
    return _held_after_all(registration, has, now)


def _cancelled(registration: Registration, has: list[Registration], now: datetime) -> Letter:
    exam = registration.exam
    values = {"exam": exam, "when": _when(exam), "reason": exam.cancelled_because}
    if registration.state_until_cancelled == _State.REGISTERED:
        text = _("**%(exam)s**, %(when)s, for which you held a seat, is cancelled: it does not take place.")
    else:
        text = _("**%(exam)s**, %(when)s, for a seat of which you waited, is cancelled: it does not take place.")
    parts = [
        text % escaped(values),
        _("Reason: %(reason)s") % escaped(values),
        _("You are no longer registered for it. That is no withdrawal of yours, and no attempt."),
        *(_said_of(has) or _said_of_other_dates(registration, now)),
    ]
    return _letter(registration, _("Cancelled: your exam, %(exam)s, %(when)s") % values, parts)


def _said_of(has: list[Registration]) -> list[str]:
    """Return what somebody has of other dates."""
    said = []
    for row in has:
        values = {"exam": row.exam, "when": _when(row.exam)}
        if row.state == _State.WAITLISTED:
            said.append(_("You wait for a seat of **%(exam)s**, %(when)s.") % escaped(values))
        else:
            said.append(_("You hold a seat for **%(exam)s**, %(when)s.") % escaped(values))
    return said


def _said_of_other_dates(registration: Registration, now: datetime) -> list[str]:
    """Return which dates somebody without any can sign up for, or that the staff will say what follows."""
    course = registration.course
    if Registration.objects.filter(HAS_PASSED, enrolment=registration.enrolment_id).exists():
        return []
    coming = Exam.objects.filter(course=course, starts_at__gt=now, closed_at__isnull=True, cancelled_at__isnull=True)
    dates = [exam for exam in coming.order_by("starts_at", "pk") if exam.sign_up(now) == SignUp.OPEN]
    if not dates:
        return [_("There is no other date at the moment for which you could sign up: the staff of the course will say what follows.")]  # fmt: skip
    for exam in dates:
        exam.course = course
    # The list escapes what stands in it.
    return [_("You can sign up for another date:"), bullet_list([_said_of_date(exam) for exam in dates])]


def _said_of_date(exam: Exam) -> str:
    zone = exam.course.zone
    named = {"exam": exam, "when": _when(exam), "until": say_time(exam.last_moment_to_sign_up, zone)}
    if exam.has_free_seat:
        return _("%(exam)s, %(when)s: seats are free, sign-up closes %(until)s") % named
    return _("%(exam)s, %(when)s: you can join the waiting list, sign-up closes %(until)s") % named


def _held_after_all(registration: Registration, has: list[Registration], now: datetime) -> Letter | None:
    exam = registration.exam
    values = {"exam": exam, "when": _when(exam)}
    text = _("**%(exam)s**, %(when)s, which was cancelled, takes place after all.") % escaped(values)
    if registration.state in (_State.REGISTERED, _State.ATTENDED, _State.ABSENT):
        stands = _("You hold your seat for it again.") if now < exam.starts_at else _("You stand on its list again.")
    elif registration.state == _State.WAITLISTED:
        stands = _("You wait for a seat of it again, at the place that you had.")
    elif has and registration.state == _State.WITHDRAWN:
        stands = _("You have another date by now, and keep that one: you are not registered for this one any more.")
    else:
        return None
    parts = [text, stands, *_said_of(has)]
    if registration.state == _State.REGISTERED and exam.may_withdraw(now):
        until = say_time(exam.last_moment_to_withdraw, registration.course.zone)
        parts.append(
            _("If you can't come then, withdraw or move to another date until %(until)s.") % escaped({"until": until})
        )
    if any(row.keeps_seat for row in has):
        parts.append(_("With a seat of the date that you wait for, you give this one back."))
    return _letter(registration, _("Held after all: your exam, %(exam)s, %(when)s") % values, parts)


def _letter(registration: Registration, subject: str, parts: list[str]) -> Letter:
    course = registration.course
    return Letter(
        subject=subject,
        text="\n\n".join(parts),
        action=(_("See my exams"), reverse("exams:exams", args=[course.slug])),
        reason=_("You get this mail because you take part in %(course)s.") % {"course": course.title},
        is_pushed=True,
    )


def _when(exam: Exam) -> str:
    when = say_time(exam.starts_at, exam.course.zone)
    return _("%(when)s, %(place)s") % {"when": when, "place": exam.place} if exam.place else when
