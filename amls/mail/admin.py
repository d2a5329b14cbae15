"""Mail at the desk: announcements, reminder rules, and what became of each mail."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from amls.core.preview import AGREED, SEAL, Preview, preview_by_button, sent_before
from amls.core.request import now_of
from amls.courses.accounts import user_of
from amls.courses.models import Enrolment
from amls.courses.saving import delete_row, save_row
from amls.desk.filters import KindFilter
from amls.desk.holding import WantedAct, hold_at_desk
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import NOTHING, Writes
from amls.mail.announcements import (
    RELEASE,
    delete_announcement,
    letter_of,
    save_announcement,
    seal_announcement,
)
from amls.mail.audiences import audience_label, people_in
from amls.mail.forms import AnnouncementForm, ReminderRuleForm
from amls.mail.health import health
from amls.mail.letters import label_of
from amls.mail.managers import NoticeQuerySet
from amls.mail.models import Announcement, MailSettings, Notice, ReminderRule
from amls.mail.outbox import retry_notices
from amls.mail.trials import try_typed

_MOST_NAMED = 100
# What the button sends that agrees to the mail, and what the one that tries it.
_ANNOUNCE, _TRY = "_announce", "_try"
# What goes out later than that has time enough to be withdrawn.
_TIME_TO_TAKE_BACK = timedelta(minutes=5)


class NotSeenYet(Exception):
    """An announcement would go out by mail that its writer hasn't seen as a mail."""

    def __init__(self, announcement: Announcement, count: int, preview: Preview) -> None:
        self.announcement, self.count, self.preview = announcement, count, preview
        super().__init__(announcement.title)


def _is_at_once(announcement: Announcement, request: HttpRequest) -> bool:
    """Return whether an announcement would go out before anybody could take it back."""
    now = now_of(request)
    return announcement.publish_at <= now + _TIME_TO_TAKE_BACK


@admin.register(Announcement)
class AnnouncementAdmin(CourseScopedAdmin):
    """What the staff tell their people."""

    writes = Writes(save=save_announcement, delete=delete_announcement)
    form = AnnouncementForm
    list_display = ("title", "course", "to_whom", "publish_at", "mailed_at", "is_waiting", "is_withdrawn")
    list_filter = ("course",)
    list_select_related = ("course",)
    search_fields = ("title", "text")
    agreed_by = (AGREED, SEAL, _ANNOUNCE, _TRY)
    readonly_fields = ("mailed_at", "is_waiting")
    fields = (
        "course", "title", "text", "audience", "publish_at", "by_mail", "on_page_until", "is_withdrawn", "is_waiting",
        "mailed_at",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("to whom"))
    def to_whom(self, announcement: Announcement) -> str:
        """Say to whom it goes."""
        return audience_label(announcement.audience)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Publish at once, unless another time is typed."""
        now = now_of(request)
        return {"publish_at": now, **super().get_changeform_initial_data(request)}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add or change; what goes out by mail is shown first, with who gets it."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except NotSeenYet as unseen:
            return self._show(request, unseen)

    def save_model(self, request: HttpRequest, obj: Announcement, form: Any, change: bool) -> None:
        """Save what was seen, or what goes to nobody; what is due before it could be taken back waits.

        Raises:
            NotSeenYet: it is to be shown first; nothing stays saved.
        """
        tells = obj.by_mail and not obj.is_withdrawn and obj.mailed_at is None
        obj.is_waiting = tells and _is_at_once(obj, request)
        super().save_model(request, obj, form, change)
        if not tells:
            return
        count = people_in(obj.audience, obj.course).count()
        shown = (obj.title, obj.text, obj.audience, obj.course_id, obj.publish_at, count)
        preview = preview_by_button(request.POST, shown, button=_ANNOUNCE)
        if not preview.is_agreed:
            raise NotSeenYet(obj, count, preview)
        if obj.is_waiting:
            # As it is kept, and not as it was typed.
            obj.refresh_from_db()
            title = _("Announce: %(title)s") % {"title": obj.title}
            references = {"announcement": obj.pk, "seal": seal_announcement(obj), "people": count}
            back = reverse("admin:mail_announcement_change", args=[obj.pk])
            hold_at_desk(request, WantedAct(obj.course, RELEASE, str(obj.pk), references, title, back))

    def _show(self, request: HttpRequest, unseen: NotSeenYet) -> HttpResponse:
        announcement = unseen.announcement
        if _TRY in request.POST:
            user = user_of(request)
            try_typed(announcement=announcement, by=user, now=now_of(request))
            messages.success(request, _("A test is on its way to %(address)s.") % {"address": user.email})
        people = people_in(announcement.audience, announcement.course).select_related("user")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Announce by mail: %(title)s") % {"title": announcement.title},
            "opts": self.opts,
            "announcement": announcement,
            "is_at_once": _is_at_once(announcement, request),
            "letter": letter_of(announcement, announcement.course),
            "audience": audience_label(announcement.audience, announcement.course),
            "count": unseen.count,
            "people": people.order_by("user__sort_name", "pk")[:_MOST_NAMED],
            "more": max(0, unseen.count - _MOST_NAMED),
            "preview": unseen.preview,
            "posted": sent_before(request.POST, _ANNOUNCE, _TRY),
        }
        return TemplateResponse(request, "admin/announce.html", context)


@admin.register(ReminderRule)
class ReminderRuleAdmin(CourseScopedAdmin):
    """How long before people are reminded."""

    writes = Writes(save=save_row, delete=delete_row)
    form = ReminderRuleForm
    list_display = ("__str__", "course", "of_what", "is_paused")
    list_editable = ("is_paused",)
    list_filter = ("course", "is_paused")
    list_select_related = ("course",)
    fields = ("course", ("days", "hours"), "kinds", "is_paused")

    @admin.display(description=gettext_lazy("of what"))
    def of_what(self, rule: ReminderRule) -> str:
        """Name the kinds of dates."""
        labels = dict(self.form.base_fields["kinds"].choices)  # type: ignore[attr-defined]
        return ", ".join(str(labels.get(kind, kind)) for kind in rule.kinds)


@admin.register(MailSettings)
class MailSettingsAdmin(CourseScopedAdmin):
    """How a course tells its people of changes. The row stays: it says that the default reminders were laid down."""

    writes = Writes(save=save_row)
    list_display = ("course", "tells_changes", "hold_back_minutes")
    list_select_related = ("course",)
    fields = ("course", "tells_changes", "hold_back_minutes")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the course of existing settings."""
        return ("course",) if obj is not None else ()


class LetterFilter(KindFilter):
    """The kinds of mails."""

    def label_of(self, kind: str) -> str:
        """Return what its mails are about."""
        return label_of(kind)


@admin.register(Notice)
class NoticeAdmin(CourseScopedAdmin):
    """What became of each mail. Staff see those of their courses, without text; superusers also account mails."""

    writes = NOTHING
    list_display = ("what", "recipient", "course", "state", "not_before", "sent_at", "attempts", "last_error")
    told_apart_by = ("recipient",)
    list_filter = ("state", LetterFilter, "course")
    list_select_related = ("recipient", "course")
    search_fields = ("recipient__email", "recipient__display_name", "address", "last_error", "subject")
    actions = ("try_again",)
    actions_list = ("show_health",)
    fields = (
        "about", "course", "person", "address", "state", "not_before", "due_at", "attempts", "last_error", "created_at",
        "failed_at", "sent_at", "sent_to", "subject", "reason", "sent_with",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> NoticeQuerySet:
        """Return the mails of one's courses; superusers see all."""
        rows = Notice.objects.all()
        return rows if request.user.is_superuser else rows.filter(course__in=self.courses(request))

    @admin.display(description=gettext_lazy("mail"), ordering="kind")
    def what(self, notice: Notice) -> str:
        """Name it by its subject once it has one."""
        return str(notice.subject or label_of(notice.kind))

    @admin.display(description=gettext_lazy("recipient"))
    def person(self, notice: Notice) -> str:
        """Name the recipient, with the way to their page; who is in the course no more has none."""
        enrolment = Enrolment.objects.filter(course=notice.course_id, user=notice.recipient_id).first()
        if enrolment is None:
            return str(notice.recipient or "")
        address = reverse("desk_person", args=[enrolment.pk])
        return format_html('<a class="underline" href="{}">{}</a>', address, notice.recipient)

    @admin.display(description=gettext_lazy("kind"))
    def about(self, notice: Notice) -> str:
        """Say what kind of mail it is."""
        return label_of(notice.kind)

    @action(description=gettext_lazy("Try failed mails again"))
    def try_again(self, request: HttpRequest, queryset: models.QuerySet[Notice]) -> None:
        """Put failed mails back into the queue."""
        count = retry_notices(notices=queryset, now=now_of(request))
        said = ngettext("%(count)d mail is tried again.", "%(count)d mails are tried again.", count)
        messages.success(request, said % {"count": count})

    @action(description=gettext_lazy("Does mail flow?"), url_path="health")
    def show_health(self, request: HttpRequest) -> HttpResponse:
        """Show the queue, beat, and the failures of the last day."""
        now = now_of(request)
        self._activate_zone(request, None)
        rows = self.get_queryset(request).failed_since(now - timedelta(days=1))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Does mail flow?"),
            "opts": self.opts,
            "health": health(now=now),
            "failed": rows.select_related("recipient", "course").order_by("-failed_at")[:50],
            "now": now,
        }
        return TemplateResponse(request, "admin/mail_health.html", context)
