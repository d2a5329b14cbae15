"""What was sent to a person, and how long that is known."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from amls.core.batches import delete_in_batches
from amls.courses.models import User
from amls.mail.account_mail import KIND as ACCOUNT_KIND
from amls.mail.letters import letter_kinds
from amls.mail.models import ItemChange, Notice, Preference, Push, PushDevice
from amls.mail.push.queue import WORTHLESS_AFTER
from amls.privacy.registry import on_account_deletion, on_course_purge, personal_data, retention
from amls.privacy.traces import addresses_of, blot_out, names_of

_KEPT = timedelta(days=365)
_CHANGES_KEPT = timedelta(days=90)
_ACCOUNT_NOTICES_KEPT = timedelta(days=7)


@personal_data.named("mail")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield every mail with its reason, and what the person wants."""
    sent = Notice.objects.filter(recipient=user).order_by("pk")
    yield (
        "mails.json",
        list(sent.values("kind", "course__slug", "subject", "reason", "state", "created_at", "sent_at", "sent_to")),
    )
    yield "preferences.json", list(Preference.objects.filter(user=user).values("course__slug", "topic", "is_on"))
    yield "devices.json", list(PushDevice.objects.filter(user=user).values("name", "created_at", "last_told_at"))


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Send the person nothing more, forget what was sent, and by whose name others were written to about them."""
    Notice.objects.filter(recipient=user).delete()
    Notice.objects.alias(lowered=Lower("address")).filter(lowered__in=addresses_of(user)).delete()
    Preference.objects.filter(user=user).delete()
    PushDevice.objects.filter(user=user).delete()
    of_courses = Notice.objects.filter(course__in=user.enrolments.values("course"))
    blot_out(of_courses, "subject", "reason", "last_error", texts=addresses_of(user))
    # A name may be an ordinary word: it is taken out of what names this person alone.
    names = names_of(user)
    for name, kind in letter_kinds.items():
        if kind.names is not None:
            blot_out(Notice.objects.filter(kind.names(user), kind=name), "subject", "reason", texts=names)


@on_course_purge
def forget_people(courses: Sequence[int]) -> None:
    """Delete what people were sent about these courses, and what they want of it."""
    Notice.objects.filter(course__in=courses).delete()
    Preference.objects.filter(course__in=courses).delete()


@retention("mail.notices", _("What was sent to whom"), _("a year"), tables=["mail.Notice"])
def purge_notices(now: datetime, dry_run: bool) -> int:
    """Delete mails that are over, a year after."""
    over = [Notice.State.SENT, Notice.State.FAILED, Notice.State.DROPPED]
    return delete_in_batches(Notice.objects.filter(state__in=over, created_at__lt=now - _KEPT), dry_run=dry_run)


@retention("mail.account-notices", _("Mails about accounts that are gone or never were"), _("a week"))
def purge_account_notices(now: datetime, dry_run: bool) -> int:
    """Delete what was sent about accounts to addresses that belong to none."""
    return delete_in_batches(
        Notice.objects.filter(kind=ACCOUNT_KIND, recipient=None, created_at__lt=now - _ACCOUNT_NOTICES_KEPT),
        dry_run=dry_run,
    )


@retention("mail.changes", _("Changes of dates that were told"), _("90 days"), tables=["mail.ItemChange"])
def purge_changes(now: datetime, dry_run: bool) -> int:
    """Delete changes that were told long ago, or could have been: those of a course that was archived first never are."""
    before = now - _CHANGES_KEPT
    over = ItemChange.objects.filter(Q(told_at__lt=before) | Q(told_at=None, held_until__lt=before))
    return delete_in_batches(over, dry_run=dry_run)


@retention(
    "mail.push-devices", _("Devices on which people are told"), _("a year after the last notice"),
    tables=["mail.PushDevice"],
)  # fmt: skip
def purge_push_devices(now: datetime, dry_run: bool) -> int:
    """Delete devices that were told nothing for a year; a browser that is still there is entered again by a click."""
    before = now - _KEPT
    old = PushDevice.objects.filter(Q(last_told_at__lt=before) | Q(last_told_at=None, created_at__lt=before))
    return delete_in_batches(old, dry_run=dry_run)


@retention("mail.pushes", _("What was to be said on devices"), _("a day"), tables=["mail.Push"])
def purge_pushes(now: datetime, dry_run: bool) -> int:
    """Delete what could not be said within a day."""
    return delete_in_batches(Push.objects.filter(created_at__lte=now - WORTHLESS_AFTER), dry_run=dry_run)
