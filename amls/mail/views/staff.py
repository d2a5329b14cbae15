"""Who gets what when, for the staff of a course: preview, test, pause."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import User
from amls.mail.models import Announcement, ItemChange, Notice, ReminderRule
from amls.mail.outbox import notify
from amls.mail.reminders import pause_rule, timeline
from amls.mail.render import preview
from amls.mail.trials import KIND as TEST_KIND
from amls.mail.trials import TestOf

# A term and its exams.
_WEEKS = 26
_NAMES_SHOWN = 200
# The others are folded away.
_SHOWN = 12
# A mail has its styles within it, and does nothing but show itself.
_LETTER_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def _manager(request: HttpRequest, slug: str) -> Access:
    return open_course_as_manager(request, slug)


@login_required
@require_safe
def mail(request: HttpRequest, slug: str) -> HttpResponse:
    """The timeline of the course's mail: what was held back, what is planned, what failed."""
    access = _manager(request, slug)
    until = access.now + timedelta(weeks=_WEEKS)
    planned = [
        (reminder, reminder.people[:_NAMES_SHOWN], len(reminder.people) - _NAMES_SHOWN)
        for reminder in timeline(access.course, now=access.now, until=until)
    ]
    context: dict[str, Any] = {
        "access": access,
        "course": access.course,
        "planned": planned[:_SHOWN],
        "later": planned[_SHOWN:],
        "until": until,
        "rules": ReminderRule.objects.filter(course=access.course),
        "changes": ItemChange.objects.pending().filter(course=access.course),
        "announcements": Announcement.objects.to_come_by_mail(access.now).filter(course=access.course),
        "failed": Notice.objects.filter(course=access.course, state=Notice.State.FAILED).count(),
        "sent": Notice.objects.filter(
            course=access.course, state=Notice.State.SENT, sent_at__gt=access.now - timedelta(days=7)
        ).count(),
    }
    return render(request, "mail/staff.html", context)


def _test_notice(access: Access, user: User, kind: str, ref: str) -> Notice:
    test = TestOf.read(access.course, kind, ref)
    if test is None:
        raise Http404
    return Notice(
        key=f"test:{uuid4()}", kind=TEST_KIND, course=access.course, recipient=user, references=test.references(),
        not_before=access.now, created_at=access.now,
    )  # fmt: skip


@login_required
@require_safe
def show(request: HttpRequest, slug: str, kind: str, ref: str) -> HttpResponse:
    """The mail as it would reach me: its subject and its text, and in a frame (`?html`) its HTML."""
    access = _manager(request, slug)
    notice = _test_notice(access, user_of(request), kind, ref)
    notice.references["is_preview"] = True
    message = preview(notice, access.now)
    if message is None:
        raise Http404
    if "html" in request.GET:
        answer = HttpResponse(str(message.alternatives[0][0]))
        answer.headers["Content-Security-Policy"] = _LETTER_POLICY
        answer.headers["X-Frame-Options"] = "SAMEORIGIN"
        return answer
    context = {"access": access, "course": access.course, "message": message, "kind": kind, "ref": ref}
    return render(request, "mail/preview.html", context)


@login_required
@require_POST
def send_test(request: HttpRequest, slug: str, kind: str, ref: str) -> HttpResponse:
    """Send the mail to myself only."""
    access, user = _manager(request, slug), user_of(request)
    notice = _test_notice(access, user, kind, ref)
    notify(
        key=notice.key,
        kind=TEST_KIND,
        now=access.now,
        recipient=user,
        course=access.course,
        references=notice.references,
    )
    messages.success(request, _("A test is on its way to %(address)s.") % {"address": user.email})
    return redirect("mail:staff", slug=slug)


@login_required
@require_POST
def pause(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Pause a reminder rule, or let it go on."""
    access = _manager(request, slug)
    rule = get_object_or_404(ReminderRule, pk=pk, course=access.course)
    pause_rule(rule=rule, is_paused="pause" in request.POST)
    return redirect("mail:staff", slug=slug)
