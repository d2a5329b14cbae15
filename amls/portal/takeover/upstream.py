"""The page elsewhere from which a course comes: read again every hour and by hand, its changes proposed, never just taken."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.courses.services import lock_course
from amls.portal.models import Upstream
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.drafts import plain_of, source_from
from amls.portal.takeover.export import export_course
from amls.portal.takeover.joining import to_spec
from amls.portal.takeover.merging import PageChange, changes_between, merged, settled
from amls.portal.takeover.queues import UPSTREAMS
from amls.portal.takeover.sourcerows import CourseSource
from amls.portal.takeover.spec import CourseFileError, CourseSpec
from amls.portal.takeover.toml import dump_toml, load_toml
from amls.portal.takeover.understanding.interpret import understand

EVERY = timedelta(hours=1)


def follow_page(
    *, course: Course, address: str, source: CourseSource, answers: Mapping[str, str], spec: CourseSpec, now: datetime
) -> Upstream:
    """Read a page again from now on; call it when the course has just been made to say what the page says.

    Args:
        course: that comes from it.
        address: where it is, beginning with https.
        source: what it says now.
        answers: to what it leaves open, and corrections.
        spec: what was understood of it, and written into the course.
        now: when.
    """
    values = {
        "address": address, "answers": dict(answers), "source": plain_of(source), "fingerprint": _fingerprint(source),
        "base": dump_toml(spec), "mirror": dump_toml(export_course(course)), "waiting": 0, "problem": "", "read_at": now,
        "due_at": now + EVERY, "attempts": 0, "leased_until": None,
    }  # fmt: skip
    row, _is_new = Upstream.objects.update_or_create(course=course, defaults=values)
    return row


def stop_following(*, course: Course) -> None:
    """Read the page no more; what the course says stays."""
    Upstream.objects.filter(course=course).delete()


def read_soon(*, course: Course, now: datetime) -> None:
    """Have the worker read the page at once."""
    with transaction.atomic():
        Upstream.objects.filter(course=course).update(due_at=now)
        UPSTREAMS.ring()


def read_next(read: Callable[[str], CourseSource], *, now: datetime) -> int:
    """Read one page again that is due; return how many there were.

    Args:
        read: gives what an address says, or raises CourseFileError.
        now: the database's time.
    """
    claims = UPSTREAMS.claim(now=now)
    for claim in claims:
        row = claim.row
        later = {"due_at": now + EVERY, "read_at": now, "attempts": 0}
        with override(row.course.language):
            try:
                source = read(row.address)
                is_same = _fingerprint(source) == row.fingerprint
                row.source, row.fingerprint = plain_of(source), _fingerprint(source)
                waiting = row.waiting if is_same else len(changes_of(row, now=now))
                claim.finish(
                    source=row.source, fingerprint=row.fingerprint, waiting=waiting, problem="", **later
                )  # fmt: skip
            except CourseFileError as error:
                claim.finish(problem="\n".join(error.problems), **later)
    return len(claims)


def changes_of(row: Upstream, *, now: datetime) -> list[PageChange]:
    """Return what the page changed since it was last decided on, beside what is here now.

    Raises:
        CourseFileError: nothing of it is understood any more.
    """
    course = row.course
    there = _understood(row, now)
    return changes_between(
        base=load_toml(row.base), mirror=load_toml(row.mirror), here=export_course(course), there=there
    )  # fmt: skip


def decide(*, course: Course, accepted: Collection[str], refused: Collection[str], now: datetime) -> int:
    """Take some changes of the page over and leave others out; return how many were taken over.

    Args:
        course: that comes from the page.
        accepted: ids of changes to take over.
        refused: ids of changes to leave out; what is named by neither goes on waiting.
        now: when.

    Raises:
        RuleViolation: a change isn't there any more, since the page or the course changed meanwhile.
        CourseFileError: the course would break a rule; nothing was written.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        row = Upstream.objects.select_for_update(of=("self",)).select_related("course").get(course=course)
        changes = {change.id: change for change in changes_of(row, now=now)}
        if not changes.keys() >= {*accepted, *refused}:
            raise RuleViolation(
                _("Nothing was saved: something changed since this was shown. Look at it again."), "stale"
            )
        taken = [change for name, change in changes.items() if name in accepted]
        left = [change for name, change in changes.items() if name in refused and name not in accepted]
        if taken:
            import_course(spec=merged(export_course(course), taken), slug=course.slug, now=now)
        row.base = dump_toml(settled(load_toml(row.base), [*taken, *left]))
        course.refresh_from_db()
        row.mirror = dump_toml(export_course(course))
        row.waiting = len(changes) - len(taken) - len(left)
        row.save(update_fields=["base", "mirror", "waiting"])
    return len(taken)


def _understood(row: Upstream, now: datetime) -> CourseSpec:
    source = source_from(row.source)
    if source.container == "toml":
        return load_toml(source.text)
    today = timezone.localdate(now, row.course.zone)
    understood = understand(source, row.answers, today=today)
    if not (understood.sessions or understood.exams or understood.deadlines):
        raise CourseFileError(list(understood.warnings) or [_("Nothing with a date was understood.")])
    # By the same way as what was decided on, which a course.toml kept.
    return load_toml(dump_toml(to_spec(understood, slug=row.course.slug)))


def _fingerprint(source: CourseSource) -> str:
    return hashlib.sha256(json.dumps(plain_of(source), sort_keys=True).encode()).hexdigest()
