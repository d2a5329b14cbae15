"""How the letters about exams read. Grades are never in one: it links."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.times import say_occasion, say_time
from amls.courses.models import Course
from amls.mail.letters import Letter, letter
from amls.mail.models import Notice
from amls.mail.wording import escaped
from exams.models import AdmissionDecision, Exam, Registration
from exams.models.exam import SignUp
from exams.queries import removal_of
from exams.services.datenews import KNEW, is_elsewhere
from exams.services.regrading import REMOVED
from exams.services.seatnews import NamedSeat, seats_of

_State = Registration.State


@letter("exams.registered", label=gettext_lazy("Exam sign-up"))
def registered(notice: Notice, now: datetime) -> Letter | None:
    """Confirm a sign-up, as it stands now: with a seat, or on the waiting list."""
    registration = _registration(notice)
    if registration is None or registration.state not in (_State.REGISTERED, _State.WAITLISTED):
        return None
    exam = registration.exam
    until = say_time(exam.last_moment_to_withdraw, registration.course.zone)
    values = {"exam": exam, "when": _when(exam), "until": until}
    if now >= exam.starts_at:
        return None if registration.state == _State.WAITLISTED else _on_the_list(registration)
    if registration.state == _State.WAITLISTED:
        subject = _("You are on the waiting list for %(exam)s") % values
        if not exam.may_withdraw(now):
            return _letter(registration, subject, _said_of_a_late_wait() % escaped(values))
        text = _(
            "All seats of **%(exam)s**, %(when)s, are taken. You wait in the order of sign-up; when a seat is "
            "given back you get it by yourself and are told at once. After %(until)s nobody moves up any more."
        ) % escaped(values)
        parts = [text, *_said_of_the_examination(registration), *_said_of_the_kept_seat(registration)]
        return _letter(registration, subject, "\n\n".join(parts))
    if exam.may_withdraw(now):
        text = _(
            "You hold a seat for **%(exam)s**, %(when)s. You can withdraw or move to another date until %(until)s. "
            "The seat is not yet the admission: the page shows what is still missing."
        )
    else:
        text = _(
            "You hold a seat for **%(exam)s**, %(when)s. The last moment to withdraw or to move to another date is over: "
            "if you can't come, tell the staff of the course. The seat is not yet the admission: the page shows what is "
            "still missing."
        )
    parts = [text % escaped(values), *_said_of_the_examination(registration)]
    return _letter(registration, _("You are registered for %(exam)s") % values, "\n\n".join(parts))


@letter("exams.promoted", label=gettext_lazy("Seat from the waiting list"))
def promoted(notice: Notice, now: datetime) -> Letter | None:
    """Tell that somebody who waited has a seat."""
    registration = _registration(notice)
    if registration is None or registration.state != _State.REGISTERED:
        return None
    exam = registration.exam
    if now >= exam.starts_at:
        return _on_the_list(registration)
    until = say_time(exam.last_moment_to_withdraw, registration.course.zone)
    if exam.may_withdraw(now):
        text = _(
            "A seat became free, and it was your turn on the waiting list: you are registered for **%(exam)s**, "
            "%(when)s. If you no longer want it, withdraw until %(until)s, so that the next one gets it."
        )
    else:
        text = _(
            "You no longer wait: you have a seat, and are registered for **%(exam)s**, %(when)s. The last moment to "
            "withdraw is over: if you can't come, tell the staff of the course."
        )
    text %= escaped({"exam": exam, "when": _when(exam), "until": until})
    given_back = _other_registration(notice, "moved_from")
    if given_back is not None:
        said = _(
            "Your seat for **%(exam)s**, %(when)s, is given on, as you were told when you joined the waiting list."
        )
        text += "\n\n" + said % escaped({"exam": given_back.exam, "when": _when(given_back.exam)})
    text = "\n\n".join([text, *_said_of_the_examination(registration)])
    return _letter(registration, _("You have a seat for %(exam)s") % {"exam": exam}, text, is_pushed=True)


def _on_the_list(registration: Registration) -> Letter:
    """Tell who has a seat of an exam that has begun that they stand on its list: there is nothing left to give back."""
    named = {"exam": registration.exam, "when": _when(registration.exam)}
    text = _(
        "You stand on the list of **%(exam)s**, %(when)s. If you did not sit it, tell the staff of the course, who note who was there."
    )
    return _letter(registration, _("You are on the list of %(exam)s") % named, text % escaped(named))


@letter("exams.entered", label=gettext_lazy("Attendance of an exam, entered afterwards"))
def entered(notice: Notice, now: datetime) -> Letter | None:
    """Tell who was put on the list of a closed exam that they stand there as having attended, and why."""
    registration = _registration(notice)
    if registration is None or registration.state != _State.ATTENDED:
        return None
    values = {"exam": registration.exam, "when": _when(registration.exam), "reason": registration.reason}
    text = _(
        "The staff of the course entered that you sat **%(exam)s**, %(when)s, though you were not on its list. "
        "If you did not sit it, tell them."
    )
    text += "\n\n" + _("Reason: %(reason)s")
    return _letter(registration, _("You are entered as having sat %(exam)s") % values, text % escaped(values))


@letter("exams.rescheduled", label=gettext_lazy("Exam at another time or place"))
def rescheduled(notice: Notice, now: datetime) -> Letter | None:
    """Tell who holds a seat or waits when and where the exam is now."""
    registration = _registration(notice)
    if registration is None or registration.state not in (_State.REGISTERED, _State.WAITLISTED):
        return None
    exam = registration.exam
    if now >= exam.starts_at:
        return None
    if not is_elsewhere(exam, notice.references.get(KNEW)):
        return _otherwise(registration)
    values = {"exam": exam, "when": _time(exam), "place": exam.place or _("place to be announced")}
    if registration.state == _State.REGISTERED:
        text = _("**%(exam)s**, for which you hold a seat, is at another time or place now: %(when)s, %(place)s.")
    else:
        text = _("**%(exam)s**, for a seat of which you wait, is at another time or place now: %(when)s, %(place)s.")
    text += "\n\n" + _("What earlier mails said of its time and place holds no longer.")
    if exam.may_withdraw(now):
        values["until"] = say_time(exam.last_moment_to_withdraw, registration.course.zone)
        text += " " + _("If you can't come then, withdraw or move to another date until %(until)s.")
    else:
        text += " " + _("If you can't come then, tell the staff of the course.")
    subject = _("Moved: your exam, %(exam)s, %(when)s") % values
    parts = [text % escaped(values), *_said_of_the_examination(registration)]
    return _letter(registration, subject, "\n\n".join(parts), is_pushed=True)


def _otherwise(registration: Registration) -> Letter:
    """Tell who takes part in an exam that stays where it is that others examine, or that one calls in elsewhere."""
    values = {"exam": registration.exam, "when": _when(registration.exam)}
    subject = _("Changed: your exam, %(exam)s, %(when)s") % values
    text = _(
        "**%(exam)s**, %(when)s, stays where it is, but who examines or the call-in link is another one now. What "
        "earlier mails said of these holds no longer."
    )
    parts = [text % escaped(values), *_said_of_the_examination(registration)]
    return _letter(registration, subject, "\n\n".join(parts), is_pushed=True)


@letter("exams.wait-ended", label=gettext_lazy("End of a wait for another date"))
def wait_ended(notice: Notice, now: datetime) -> Letter | None:
    """Tell somebody who can no longer give back the seat that they hold that they don't wait for another any more."""
    registration, held = _registration(notice), _other_registration(notice, "held")
    if registration is None or held is None or registration.state != _State.WITHDRAWN:
        return None
    named = {
        "exam": registration.exam, "when": _when(registration.exam), "held": held.exam, "held_when": _when(held.exam),
    }  # fmt: skip
    return _letter(
        registration,
        _("You no longer wait for %(exam)s") % named,
        _(
            "The last moment to give back your seat for **%(held)s**, %(held_when)s, is over: you keep it, and no longer "
            "wait for **%(exam)s**, %(when)s."
        )
        % escaped(named),
        is_pushed=True,
    )


@letter("exams.wait-changed", label=gettext_lazy("Place on the waiting list of an exam, by a result"))
def wait_changed(notice: Notice, now: datetime) -> Letter | None:
    """Tell somebody whose result is out that they don't wait for another date any more, or do so again; never which result.

    Nothing once that date has begun, or where they have a seat there by now.
    """
    registration = _registration(notice)
    if registration is None or now >= registration.exam.starts_at:
        return None
    named = {"exam": registration.exam, "when": _when(registration.exam)}
    if registration.state == _State.WAITLISTED:
        subject = _("You wait for %(exam)s again")
        text = _(
            "You are on the waiting list of **%(exam)s**, %(when)s, again, at the place that you had. Why stands on your page "
            "of the course."
        )
    elif registration.position_until_passed is not None:
        subject = _("You no longer wait for %(exam)s")
        text = _("You no longer wait for **%(exam)s**, %(when)s. Why stands on your page of the course.")
    else:
        return None
    return _letter(registration, subject % named, text % escaped(named), is_pushed=True)


def _said_of_a_late_wait() -> str:
    """Return what is to be said to somebody who waits when nobody moves up any more, to be completed by exam and time."""
    return _(
        "You are on the waiting list of **%(exam)s**, %(when)s, and hold no seat. The last moment to withdraw is over, so "
        "nobody moves up by themselves any more: the staff of the course can still give you a seat that is free."
    )


def _said_of_the_kept_seat(waiting: Registration) -> list[str]:
    """Return what is to be said of the seat that somebody keeps while waiting, if they keep one."""
    if not waiting.keeps_seat:
        return []
    kept = Registration.objects.main().filter(enrolment=waiting.enrolment_id).with_people().first()
    if kept is None:
        return []
    said = _(
        "Until then you keep your seat for **%(exam)s**, %(when)s. With the new seat it goes to the next who waits: "
        "leave the waiting list before, if you want to keep it."
    )
    return [said % escaped({"exam": kept.exam, "when": _when(kept.exam)})]


def _said_of_the_examination(registration: Registration) -> list[str]:
    """Return by whom one is examined, and, to who holds a seat, how one calls in: a paragraph each, where there is any."""
    exam = registration.exam
    said = [_("Examiners: %(names)s") % escaped({"names": exam.examiners})] if exam.examiners else []
    if exam.call_in and registration.holds_seat:
        # An address within a link of Markdown ends with the first bracket.
        link = exam.call_in.replace("(", "%28").replace(")", "%29")
        said.append(_("[Call in](%(link)s): this link is for you alone.") % {"link": link})
    return said


@letter("exams.moved", label=gettext_lazy("Moved to another exam date"))
def moved(notice: Notice, now: datetime) -> Letter | None:
    """Confirm a move to another date."""
    registration = _registration(notice)
    if registration is None or registration.state != _State.REGISTERED:
        return None
    if notice.references.get("held_seat", True):
        text = _(
            "You are now registered for **%(exam)s**, %(when)s. Your seat on the earlier chosen date was given on."
        )
    else:
        text = _("You are now registered for **%(exam)s**, %(when)s. You no longer wait for a seat on the other date.")
    subject = _("You moved to another exam date")
    if registration.reason:
        subject = _("The staff moved you to another exam date")
        text += "\n\n" + _("The staff of the course did this. Reason: %(reason)s")
    values = {"exam": registration.exam, "when": _when(registration.exam), "reason": registration.reason}
    parts = [text % escaped(values), *_said_of_the_examination(registration)]
    return _letter(registration, subject, "\n\n".join(parts), is_pushed=bool(registration.reason))


@letter("exams.withdrawn", label=gettext_lazy("Withdrawn from an exam"))
def withdrawn(notice: Notice, now: datetime) -> Letter | None:
    """Confirm a withdrawal; with the reason where staff did it."""
    registration = _registration(notice)
    if registration is None or registration.state != _State.WITHDRAWN:
        return None
    values = {"exam": registration.exam, "when": _when(registration.exam), "reason": registration.reason}
    text = _("You are no longer registered for **%(exam)s**, %(when)s.")
    if registration.reason:
        text += "\n\n" + _("The staff of the course did this. Reason: %(reason)s")
    return _letter(registration, _("You are withdrawn from %(exam)s") % values, text % escaped(values))


@letter("exams.excused", label=gettext_lazy("Excused from an exam"))
def excused(notice: Notice, now: datetime) -> Letter | None:
    """Tell that staff excused somebody."""
    registration = _registration(notice)
    if registration is None or registration.state != _State.EXCUSED:
        return None
    return _letter(
        registration,
        _("You are excused from %(exam)s") % {"exam": registration.exam},
        _("You are excused from **%(exam)s**, %(when)s. It does not count as an attempt; you can register for another date.")
        % escaped({"exam": registration.exam, "when": _when(registration.exam)}),
    )  # fmt: skip


@letter("exams.admission", label=gettext_lazy("Admission to an exam"))
def admission(notice: Notice, now: datetime) -> Letter | None:
    """Tell a decision on admission, unless a newer one has replaced it."""
    decision = AdmissionDecision.objects.select_related("course").filter(pk=notice.references.get("decision")).first()
    if decision is None or decision.enrolment.admission_decisions.filter(pk__gt=decision.pk).exists():
        return None
    held = Registration.objects.main().filter(enrolment=decision.enrolment_id).with_people().first()
    subject, text = _verdict(decision, held, now)
    if decision.reason:
        text += "\n\n" + _("Reason: %(reason)s") % escaped({"reason": decision.reason})
    return Letter(
        subject=subject, text=text, action=(_("See my exams"), _path(decision.course)), reason=_reason(decision.course)
    )


def _verdict(decision: AdmissionDecision, held: Registration | None, now: datetime) -> tuple[str, str]:
    """Return subject and text: they name the date that the person is in, and say where a seat is still missing."""
    exam, course = held.exam if held is not None else None, decision.course
    named = {"exam": exam, "when": _when(exam) if exam is not None else ""}
    if decision.verdict == AdmissionDecision.Verdict.BY_RULES:
        subject = _("Your admission goes by the rules again")
        return subject, _("An earlier decision on your admission was taken back: the rules of the course decide.")
    if decision.verdict == AdmissionDecision.Verdict.REFUSED:
        if exam is None:
            return _("You are not admitted to the exam"), _("You are not admitted to the exam of this course.")
        text = _("You are not admitted to **%(exam)s**, %(when)s.") % escaped(named)
        return _("You are not admitted to %(exam)s") % named, text
    if held is None:
        text = _("You may take the exam of this course, but are not registered for a date: you hold no seat yet.")
        return _("Admission granted: register for an exam date"), f"{text} {_next_sign_up(course, now)}".strip()
    if held.state == _State.WAITLISTED:
        subject = _("Admission granted, but no seat yet: %(exam)s") % named
        if not held.exam.may_withdraw(now):
            return subject, _said_of_a_late_wait() % escaped(named)
        return subject, _(
            "You may take **%(exam)s**, %(when)s, but hold no seat: you are on the waiting list. When a seat is given "
            "back you get it by yourself and are told at once."
        ) % escaped(named)
    return _("You are admitted to %(exam)s") % named, _("You are admitted to **%(exam)s**, %(when)s.") % escaped(named)


def _next_sign_up(course: Course, now: datetime) -> str:
    exams = Exam.objects.filter(
        course=course, starts_at__gt=now, closed_at__isnull=True, cancelled_at__isnull=True
    ).order_by("starts_at")
    exam = next((exam for exam in exams if exam.sign_up(now) in (SignUp.OPEN, SignUp.UPCOMING)), None)
    if exam is None:
        return ""
    exam.course = course
    named = {"exam": exam, "when": _when(exam), "until": say_time(exam.last_moment_to_sign_up, course.zone)}
    return _("The next date is **%(exam)s**, %(when)s; sign-up closes %(until)s.") % escaped(named)


@letter("exams.seats", label=gettext_lazy("Seats released"))
def seats(notice: Notice, now: datetime) -> Letter | None:
    """Tell that seats are released; the seat itself stands on the page and the slip."""
    registration = _registration(notice)
    if registration is None or registration.state != _State.REGISTERED or registration.exam.seats_released_at is None:
        return None
    if registration.pk not in seats_of(registration.exam):
        # Their room changed since: that is told by itself.
        return None
    return _letter(
        registration,
        _("Your seat for %(exam)s is fixed") % {"exam": registration.exam},
        _("Room and seat for **%(exam)s**, %(when)s, stand on the page and in your calendar. Print your admission slip or have it on your phone.")
        % escaped({"exam": registration.exam, "when": _when(registration.exam)}),
    )  # fmt: skip


@letter("exams.seat-changed", label=gettext_lazy("Seat changed"))
def seat_changed(notice: Notice, now: datetime) -> Letter | None:
    """Tell who knew their seat, or that they had none, where they sit now; nothing where that is as they knew it."""
    registration = _registration(notice)
    if registration is None or not registration.holds_seat or registration.exam.seats_released_at is None:
        return None
    knew = NamedSeat(*notice.references["seat"]) if notice.references["seat"] else None
    is_now = seats_of(registration.exam).get(registration.pk)
    if is_now == knew:
        return None
    named = {
        "exam": registration.exam,
        "when": _when(registration.exam),
        "seat": is_now,
        "before": knew,
    }
    slip = _("Print your admission slip anew or have it on your phone: one that was printed before is no longer right.")
    if is_now is None:
        subject, text = _("You have no seat for now: %(exam)s"), _(
            "Your seat for **%(exam)s**, %(when)s, is no longer there: **%(before)s**. You stay registered, and are told "
            "as soon as you have another one. An admission slip that was printed before is no longer right."
        )  # fmt: skip
        return _letter(registration, subject % named, text % escaped(named), is_pushed=True)
    if knew is None:
        subject, text = _("Your seat for %(exam)s is fixed"), _("You sit here in **%(exam)s**, %(when)s: **%(seat)s**.")
    else:
        subject, text = _("You sit elsewhere in %(exam)s"), _(
            "Your seat for **%(exam)s**, %(when)s, is another one now: **%(seat)s**. Before it was: %(before)s."
        )  # fmt: skip
    return _letter(registration, subject % named, f"{text % escaped(named)}\n\n{slip}", is_pushed=True)


@letter("exams.results", label=gettext_lazy("Exam result"))
def results(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a result is published; never which."""
    registration = _published(notice)
    if registration is None:
        return None
    named = {"exam": registration.exam, "when": _time(registration.exam)}
    text = _("The result of **%(exam)s**, %(when)s, stands on your page of the course.")
    parts = [text % escaped(named), *_said_of_the_review(registration, now), *_said_of_another_seat(registration, now)]
    return _letter(registration, _("Your result of %(exam)s") % named, "\n\n".join(parts), is_pushed=True)


@letter("exams.result-changed", label=gettext_lazy("Exam result changed"))
def result_changed(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a published result was changed, and why; never which it is."""
    registration = _published(notice)
    if registration is None:
        # The last release noted by this name that a result is taken away.
        removals = Notice.objects.filter(kind=REMOVED, references__registration=notice.references.get("registration"))
        return None if removals.exists() else result_removed(notice, now)
    named = {"exam": registration.exam, "when": _time(registration.exam)}
    text = _("Your result of **%(exam)s**, %(when)s, was changed. What it is now stands on your page of the course.")
    reason = registration.result.correction
    why = [_("Reason: %(reason)s") % escaped({"reason": reason})] if reason else []
    parts = [text % escaped(named), *why, *_said_of_the_review(registration, now)]
    parts += _said_of_another_seat(registration, now)
    return _letter(registration, _("Your result of %(exam)s was changed") % named, "\n\n".join(parts), is_pushed=True)


@letter(REMOVED, label=gettext_lazy("Exam result taken away"))
def result_removed(notice: Notice, now: datetime) -> Letter | None:
    """Tell that a result that was published is no longer there, and why; nothing once another one is."""
    registration = _registration(notice)
    removal = removal_of(registration) if registration is not None and _published(notice) is None else None
    if registration is None or removal is None:
        return None
    named = {"exam": registration.exam, "when": _time(registration.exam)}
    text = _("Your result of **%(exam)s**, %(when)s, was taken away: it does not count.") % escaped(named)
    why = _("Reason: %(reason)s") % escaped({"reason": removal.reason})
    return _letter(
        registration, _("Your result of %(exam)s was taken away") % named, f"{text}\n\n{why}", is_pushed=True
    )


def _published(notice: Notice) -> Registration | None:
    """Return the registration that a notice is about, if its owner may know the result."""
    registration = _registration(notice)
    result = getattr(registration, "result", None)
    return registration if result is not None and result.published_at is not None else None


def _said_of_the_review(registration: Registration, now: datetime) -> list[str]:
    """Return what is to be said of a review that is still to come."""
    exam = registration.exam
    if exam.review_at is None or now >= exam.review_at:
        return []
    place = exam.review_place or _("place to be announced")
    values = {"when": say_occasion(exam.review_at, exam.review_ends_at, registration.course.zone), "place": place}
    return [_("You can look at your exam at the review: %(when)s, %(place)s.") % escaped(values)]


def _said_of_another_seat(registration: Registration, now: datetime) -> list[str]:
    """Return what is to be said of a seat of a date to come to who reads a result: to all alike, so that it gives none away."""
    seats = Registration.objects.main().holding().filter(enrolment=registration.enrolment_id, exam__starts_at__gt=now)
    held = seats.exclude(pk=registration.pk).select_related("exam__course").first()
    if held is None:
        return []
    exam = held.exam
    if exam.may_withdraw(now):
        said = _(
            "You hold a seat for **%(exam)s**, %(when)s, as well. Whether you still need it stands on your page of the "
            "course, where you can withdraw until %(until)s."
        )
    else:
        said = _(
            "You hold a seat for **%(exam)s**, %(when)s, as well. Whether you still need it stands on your page of the "
            "course. The last moment to withdraw is over: if you don't come, tell the staff of the course."
        )
    until = say_time(exam.last_moment_to_withdraw, exam.course.zone)
    return [said % escaped({"exam": exam, "when": _when(exam), "until": until})]


def _registration(notice: Notice) -> Registration | None:
    return _other_registration(notice, "registration")


def _other_registration(notice: Notice, reference: str) -> Registration | None:
    registrations = Registration.objects.select_related("exam__course", "course", "result", "enrolment__user")
    return registrations.filter(pk=notice.references.get(reference)).first()


def _letter(registration: Registration, subject: str, text: str, *, is_pushed: bool = False) -> Letter:
    course = registration.course
    action = (_("See my exams"), _path(course))
    return Letter(subject=subject, text=text, action=action, reason=_reason(course), is_pushed=is_pushed)


def _path(course: Course) -> str:
    return reverse("exams:exams", args=[course.slug])


def _reason(course: Course) -> str:
    return _("You get this mail because you take part in %(course)s.") % {"course": course.title}


def _when(exam: Exam) -> str:
    """Return when and where an exam is; only when, as long as its place is not fixed."""
    when = _time(exam)
    return _("%(when)s, %(place)s") % {"when": when, "place": exam.place} if exam.place else when


def _time(exam: Exam) -> str:
    return say_time(exam.starts_at, exam.course.zone)
