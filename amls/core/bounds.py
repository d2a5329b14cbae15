"""How often people may do what costs others something: mails to the staff, room on the disk.

A bound is declared once, beside the service that keeps to it, and spent where the service writes:

    _REQUESTS = Bound(
        "projects.extension-requests",
        most=5,
        per=timedelta(days=1),
        message=gettext_lazy("Your team asked %(most)s times within a day. Ask again in %(wait)s, or write to the staff."),
    )

    with transaction.atomic():
        project = lock_project(project.pk)
        …
        spend(_REQUESTS, who=project.pk, now=now)
        request.save()

Amounts may be anything that adds up, such as bytes:

    _BYTES = Bound("projects.bytes", most=2 * 1024**3, per=timedelta(days=1), message=…, show=filesizeformat)
    spend(_BYTES, who=project.pk, amount=sum(sizes), now=now)

Spent inside the transaction of the write, what fails costs nothing. To count attempts that fail too, spend before
that transaction, in one of its own. Spend after the locks of the domain (course, project, topic, exam, person); who
spends for several people in one transaction does so in the order of their names, so that no two wait for each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import F
from django.utils.crypto import salted_hmac
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy

from amls.core.batches import delete_in_batches
from amls.core.models import Spending
from amls.core.violations import RuleViolation

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_MESSAGE = gettext_lazy("That was too often: at most %(most)s. Try again in %(wait)s.")

# The time begins with the first use after the last one's end. One statement, so that two at once count as two.
_SPEND = """
INSERT INTO core_spending AS kept (what, who, spent, ends_at) VALUES (%(what)s, %(who)s, %(amount)s, %(ends_at)s)
ON CONFLICT (what, who) DO UPDATE SET
    spent = CASE WHEN kept.ends_at <= %(now)s THEN 0 ELSE kept.spent END + EXCLUDED.spent,
    ends_at = CASE WHEN kept.ends_at <= %(now)s THEN EXCLUDED.ends_at ELSE kept.ends_at END
WHERE kept.ends_at <= %(now)s OR kept.spent + EXCLUDED.spent <= %(most)s
RETURNING spent
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of something one may use within a time.

    Attributes:
        what: a stable name of up to 60 characters, such as 'projects.questions'.
        most: how often, or how much in all.
        per: within so long, from the first use on.
        message: what happened and what to do, in which `%(most)s` and `%(wait)s` ('3 hours, 5 minutes') are filled in.
        field: the form field that it belongs to, if any.
        show: says an amount; by default as the number that it is.
    """

    what: str
    most: int
    per: timedelta
    message: "str | _StrPromise" = _MESSAGE
    field: str | None = None
    show: Callable[[int], str] = str


def spend(bound: Bound, *, who: object, now: datetime, amount: int = 1) -> None:
    """Use some of a bound, or refuse: 1 query, 2 where it refuses.

    Args:
        bound: what is used.
        who: whose bound it is, as text: a primary key, an address, or several of them. Kept as a keyed digest only.
        now: the request's clock.
        amount: how much; 0 costs nothing.

    Raises:
        RuleViolation: it would be more than the bound (code 'too-often'). Nothing is used then.
    """
    if amount <= 0:
        return
    key: dict[str, Any] = _key(bound, who)
    if amount <= bound.most:
        values = {**key, "amount": amount, "most": bound.most, "now": now, "ends_at": now + bound.per}
        with connection.cursor() as cursor:
            cursor.execute(_SPEND, values)
            if cursor.fetchone() is not None:
                return
    kept = Spending.objects.filter(**key, ends_at__gt=now).first()
    ends_at = kept.ends_at if kept is not None else now + bound.per
    # Up to the whole minute: earlier it would be refused again.
    wait = timesince(now, ends_at + timedelta(seconds=59))
    said = bound.message % {"most": bound.show(bound.most), "wait": wait}
    raise RuleViolation(said, code="too-often", field=bound.field)


def give_back(bound: Bound, *, who: object, amount: int = 1) -> None:
    """Give back what was used, where it came to nothing through no fault of theirs: 1 query, or 2."""
    kept = Spending.objects.filter(**_key(bound, who))
    if not kept.filter(spent__gt=amount).update(spent=F("spent") - amount):
        kept.filter(spent__lte=amount).delete()


def _key(bound: Bound, who: object) -> dict[str, str]:
    return {"what": bound.what, "who": salted_hmac(bound.what, str(who), algorithm="sha256").hexdigest()}


def purge_spendings(now: datetime, dry_run: bool) -> int:
    """Delete what was used in a time that is over (or only count it); return how many rows."""
    return delete_in_batches(Spending.objects.filter(ends_at__lte=now), dry_run=dry_run)
