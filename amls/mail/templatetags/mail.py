"""Announcements on a course's page, and previews of mail at the desk."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django import template

from amls.agenda.services import Change
from amls.core.markdown import plain_text
from amls.core.request import now_of
from amls.core.statements import ModelStatement, Parameter
from amls.courses.access import Access
from amls.courses.models import Course, Enrolment
from amls.mail.audiences import people_in
from amls.mail.categories import CHANGES
from amls.mail.changes import is_told, letter_about, who_is_told_apart
from amls.mail.letters import label_of
from amls.mail.models import Announcement, MailSettings
from amls.mail.outbox import wanting

register = template.Library()
register.filter("letter_label", label_of)


@register.inclusion_tag("mail/_announcements.html", takes_context=True)
def announcements(context: dict[str, Any], access: Access) -> dict[str, Any]:
    """Show what the staff announce to this reader: visitors see what is for everyone."""
    rows = _on_page().read({"course": access.course.pk, "now": access.now})
    if not access.is_manager:
        rows = [row for row in rows if _is_for(row, access)]
    return {"rows": rows, "now": access.now, "access": access}


@cache
def _on_page() -> ModelStatement[Announcement]:
    return ModelStatement.of(Announcement.objects.filter(course=Parameter("course")).on_page_at(Parameter("now")))


def _is_for(row: Announcement, access: Access) -> bool:
    if row.audience == "all":
        return True
    if access.enrolment is None:
        return False
    return people_in(row.audience, access.course).filter(pk=access.enrolment.pk).exists()


@register.inclusion_tag("mail/_change_mail.html", takes_context=True)
def change_mail(context: dict[str, Any], changes: Sequence[tuple[Course, Change]]) -> dict[str, Any]:
    """Show, at the desk, the mail that the enrolled would get about changes that are about to be saved."""
    return {"mails": _mails_about(changes, context["request"].now)}


@register.inclusion_tag("mail/_change_mail_in_place.html", takes_context=True)
def change_mail_in_place(context: dict[str, Any], changes: Sequence[tuple[Course, Change]]) -> dict[str, Any]:
    """Show, on a page of the course, the mail that the enrolled would get about changes that are about to be saved."""
    request = context["request"]
    return {"mails": _mails_about(changes, now_of(request)), "is_quiet": "_quiet" in request.POST}


def _mails_about(changes: Sequence[tuple[Course, Change]], now: datetime) -> list[dict[str, Any]]:
    by_course: dict[int, tuple[Course, list[Change]]] = {}
    for course, change in changes:
        if course.state == Course.State.RUNNING and is_told(change, now):
            by_course.setdefault(course.pk, (course, []))[1].append(change)
    mails = []
    for course, told in by_course.values():
        settings = MailSettings.objects.filter(course=course).first() or MailSettings(course=course)
        apart = who_is_told_apart(
            {course.pk}, {change.key: change.kind for change in told if change.before is not None}
        )
        mail = {"minutes": settings.hold_back_minutes, "apart": len(set().union(*apart.values()))}
        if settings.tells_changes:
            letter = letter_about(told, course)
            people = wanting(Enrolment.objects.reachable().filter(course=course), topic=CHANGES).count()
            mails.append({**mail, "letter": letter, "text": plain_text(letter.text), "people": people})
        elif mail["apart"]:
            # Those who take part are told all the same.
            mails.append({**mail, "letter": None})
    return mails
