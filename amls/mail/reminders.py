"""Reminders of what is dated: planned by a sweep in the database, decided again when they are sent.

A reminder is due while `remind_at <= now < due_at`, once per (rule, person, item, due time).
It is planned at most an hour ahead, so that what falls due together goes out together; a
moved deadline makes another key, and what was planned for the old time is taken away.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from amls.agenda.models import AgendaItem, name_of
from amls.agenda.models import Kind as ItemKind
from amls.core.clock import deadline_closes_at
from amls.core.doorbell import ring
from amls.core.markdown import escape_markdown
from amls.core.times import say_distance, say_moment
from amls.courses.models import Course, Enrolment, Role
from amls.mail.categories import REMINDERS
from amls.mail.letters import Letter
from amls.mail.models import MailSettings, Notice, ReminderRule
from amls.mail.outbox import DELIVER, wanting
from amls.mail.render import language_of
from amls.mail.send import TOGETHER
from amls.mail.still_due import still_due_for
from amls.mail.wording import bullet_list

KIND = "mail.reminder"
REMINDED = (ItemKind.DEADLINE, ItemKind.OPENING, ItemKind.EXAM)
# days, hours, of what
_DEFAULT_RULES = (
    (7, 0, ["deadline", "exam"]),
    (3, 0, ["deadline", "exam"]),
    (1, 0, ["deadline", "exam", "opening"]),
    (0, 3, ["deadline", "exam", "opening"]),
)
_AHEAD = TOGETHER + timedelta(minutes=5)

# What people may be reminded of, from `now` on: the shared items, and what differs for a person.
_MOMENTS = """
    moments AS (
        SELECT i.course_id, i.key, i.enrolment_id, i.kind, i.path, c.timezone,
               CASE WHEN i.kind = 'deadline' THEN i.ends_at ELSE i.starts_at END AS moment,
               CASE WHEN i.kind = 'deadline' THEN i.ends_at + interval '1 minute' ELSE i.starts_at END AS due_at
        FROM agenda_agendaitem i
        JOIN courses_course c ON c.id = i.course_id AND c.state = 'running'
        WHERE i.kind IN ('deadline', 'opening', 'exam') AND i.status = 'confirmed'
          AND NOT i.is_removed AND NOT i.is_done
          AND i.ends_at + interval '1 minute' > %(now)s
          AND (%(course)s::bigint IS NULL OR i.course_id = %(course)s)
    )
"""
# Of several rules whose time has come the latest is told: one reminder of an item at a time.
_CHOSEN = """
    timed AS (
        SELECT m.*, r.id AS rule_id,
               ((m.moment AT TIME ZONE m.timezone) - make_interval(days => r.days)) AT TIME ZONE m.timezone
               - make_interval(hours => r.hours) AS remind_at
        FROM moments m
        JOIN mail_reminderrule r
          ON r.course_id = m.course_id AND NOT r.is_paused AND m.kind = ANY (r.kinds)
        WHERE m.due_at > %(now)s
    ),
    chosen AS (
        SELECT DISTINCT ON (course_id, key, enrolment_id) *
        FROM timed
        WHERE remind_at <= %(horizon)s
        ORDER BY course_id, key, enrolment_id, remind_at DESC
    )
"""
_PLAN = f"""
    WITH {_MOMENTS}, {_CHOSEN}
    INSERT INTO mail_notice
        (key, kind, course_id, recipient_id, address, "references", grouping_key, priority, not_before, due_at,
         state, attempts, last_error, created_at, sent_to, subject, reason)
    SELECT format('reminder:%%s:%%s:%%s:%%s', ch.rule_id, e.user_id, ch.key, extract(epoch FROM ch.due_at)::bigint),
           %(kind)s, ch.course_id, e.user_id, '',
           jsonb_build_object('rule', ch.rule_id, 'item', ch.key),
           'reminders:' || ch.course_id, 1, ch.remind_at, ch.due_at, 'due', 0, '', %(now)s, '', '', ''
    FROM chosen ch
    JOIN courses_enrolment e
      ON e.course_id = ch.course_id AND e.role = 'student' AND e.created_at <= ch.remind_at
     AND (e.id = ch.enrolment_id OR ch.enrolment_id IS NULL)
    JOIN courses_user u ON u.id = e.user_id AND u.is_active
    WHERE NOT (ch.enrolment_id IS NULL AND EXISTS (
              SELECT 1 FROM agenda_agendaitem v
              WHERE v.enrolment_id = e.id AND v.course_id = ch.course_id AND v.key = ch.key AND NOT v.is_removed))
      AND NOT EXISTS (
              SELECT 1 FROM mail_preference p
              WHERE p.user_id = e.user_id AND p.course_id = e.course_id AND p.topic = 'reminders' AND NOT p.is_on)
    ON CONFLICT (key) DO NOTHING
"""  # noqa: S608 - constants only
# What is planned for a time that is no longer so may be planned again, should the time come back.
_FORGET = f"""
    WITH {_MOMENTS}
    DELETE FROM mail_notice n
    WHERE n.kind = %(kind)s AND n.state IN ('due', 'dropped')
      AND (%(course)s::bigint IS NULL OR n.course_id = %(course)s)
      AND (n.due_at <= %(now)s
           OR NOT EXISTS (
              SELECT 1 FROM moments m
              WHERE m.course_id = n.course_id AND m.key = n."references"->>'item' AND m.due_at = n.due_at)
           OR EXISTS (
              SELECT 1 FROM mail_reminderrule r
              WHERE r.id = (n."references"->>'rule')::bigint AND r.is_paused))
"""  # noqa: S608 - constants only


def ensure_rules(course: Course) -> None:
    """Lay down the default rules, once in a course's life: what staff change or remove stays so."""
    with transaction.atomic():
        _settings, is_new = MailSettings.objects.get_or_create(course=course)
        if is_new:
            ReminderRule.objects.bulk_create(_default_rules(course), ignore_conflicts=True)


def _default_rules(course: Course) -> list[ReminderRule]:
    return [ReminderRule(course=course, days=d, hours=h, kinds=kinds) for d, h, kinds in _DEFAULT_RULES]


def _rules_of(course: Course) -> list[ReminderRule]:
    """Return the rules of a course; those that the next sweep lays down, while it has never had any."""
    found = list(ReminderRule.objects.filter(course=course))
    return found if found or MailSettings.objects.filter(course=course).exists() else _default_rules(course)


def plan_reminders(*, now: datetime, course: Course | None = None) -> int:
    """Put every reminder whose time has come, or comes within the hour, into the outbox; return how many are new.

    One statement takes away what is no longer so, one plans; any number of sweeps may run
    at once, and a second one plans nothing.
    """
    for one in Course.objects.filter(state=Course.State.RUNNING, mail_settings__isnull=True):
        ensure_rules(one)
    values = {"now": now, "horizon": now + _AHEAD, "course": course.pk if course else None, "kind": KIND}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FORGET, values)
        cursor.execute(_PLAN, values)
        count = int(cursor.rowcount)
        if count:
            ring(DELIVER)
    return count


@dataclass(frozen=True, slots=True)
class Reminder:
    """What was found out about a planned reminder shortly before it is sent; the title in its person's language."""

    title: str
    moment: datetime
    place: str
    path: str
    kind: str
    is_still_so: bool


def prepare_reminders(notices: Sequence[Notice], now: datetime) -> None:
    """Look up, in a fixed number of queries per course and item, whether each is still so."""
    by_course: dict[int, list[Notice]] = defaultdict(list)
    for one in notices:
        if one.course_id is not None:
            by_course[one.course_id].append(one)
    for course_pk, batch in by_course.items():
        _prepare_course(course_pk, batch, now)


def _prepare_course(course_pk: int, notices: Sequence[Notice], now: datetime) -> None:
    course = Course.objects.get(pk=course_pk)
    enrolments = Enrolment.objects.filter(course=course, role=Role.STUDENT, user__in=[n.recipient_id for n in notices])
    by_user = {one.user_id: one for one in enrolments.select_related("user", "course")}
    keys = {str(one.references["item"]) for one in notices}
    rows = AgendaItem.objects.filter(course=course, key__in=keys).filter(enrolment__isnull=True)
    shared = {row.key: row for row in rows}
    variants = {
        (row.enrolment_id, row.key): row
        for row in AgendaItem.objects.filter(enrolment__in=list(by_user.values()), key__in=keys, is_removed=False)
    }
    unpaused = set(ReminderRule.objects.filter(course=course, is_paused=False).values_list("pk", flat=True))
    still_open = {
        key: still_due_for(
            course,
            key,
            [by_user[n.recipient_id] for n in notices if n.references["item"] == key and n.recipient_id in by_user],
            now=now,
        )
        for key in keys
    }
    for one in notices:
        enrolment = by_user.get(one.recipient_id or 0)
        key = str(one.references["item"])
        row = (variants.get((enrolment.pk, key)) if enrolment else None) or shared.get(key)
        found: Reminder | None = None
        if enrolment is not None and row is not None:
            closes_at = deadline_closes_at(row.moment) if row.kind == ItemKind.DEADLINE else row.moment
            is_so = (
                course.state == Course.State.RUNNING
                and not (row.is_removed or row.is_cancelled or row.is_done)
                and closes_at == one.due_at
                and one.references["rule"] in unpaused
                and enrolment.pk in still_open[key]
            )
            title = name_of(row.title, row.titles, language_of(one))
            found = Reminder(title, row.moment, row.place, row.path, row.kind, is_so)
        one.reminder = found  # type: ignore[attr-defined]


def merge_reminders(letters: Sequence[tuple[Notice, Letter]], now: datetime) -> Letter:
    """Return one letter of several reminders, in the order of their dates."""
    ordered = sorted(letters, key=lambda pair: (pair[0].due_at or now, pair[0].pk))
    # One item may be planned by two rules after a standstill: it is told once.
    lines = list(dict.fromkeys(one.line for _notice, one in ordered))
    if len(lines) == 1:
        return ordered[0][1]
    first = ordered[0][1]
    subject = ngettext("%(count)d date is coming up: %(first)s", "%(count)d dates are coming up: %(first)s", len(lines))
    course = ordered[0][0].course
    return Letter(
        subject=subject % {"count": len(lines), "first": first.line},
        text=bullet_list(lines),
        action=(_("See my dates"), f"/{course.slug}/me/") if course is not None else None,
        reason=first.reason,
    )


def write_reminder(notice: Notice, now: datetime) -> Letter | None:
    """Write a reminder, or None if the date is another by now, over, done, or of no concern to the person."""
    found: Reminder | None = getattr(notice, "reminder", None)
    if found is None or not found.is_still_so:
        return None
    return letter_of(found, notice.course, now)


def letter_of(found: Reminder, course: Course | None, now: datetime) -> Letter:
    """Return how a reminder reads, in the active language and zone."""
    # To many people within the same minute it reads the same.
    place = (str(get_language()), timezone.get_current_timezone_name())
    zone = course.timezone if course is not None else "UTC"
    return _alike(found, str(course), zone, now.replace(second=0, microsecond=0), place)


@lru_cache(maxsize=64)
def _alike(found: Reminder, course: str, zone: str, now: datetime, _place: tuple[str, str]) -> Letter:
    when = say_moment(found.moment, now=now)
    line = f"{found.title}: {when}"
    text = f"**{escape_markdown(found.title)}**: {escape_markdown(when)} ({zone}), {how_long(found.moment, now)}."
    if found.place:
        text += "\n\n" + _("Place: %(place)s") % {"place": escape_markdown(found.place)}
    if found.kind == ItemKind.DEADLINE:
        text += "\n\n" + _("You get this because it is still open for you. If it is done by now, all is well.")
    return Letter(
        subject=line,
        line=line,
        text=text,
        action=(_("Open the page"), found.path) if found.path else None,
        reason=_("You get this mail because %(course)s reminds you of its dates.") % {"course": course},
    )


def how_long(moment: datetime, now: datetime) -> str:
    """Return how far away a moment is: in hours within a day, else in days."""
    left = moment - now
    if timedelta(0) < left < timedelta(hours=20):
        hours = round(left.total_seconds() / 3600)
        if hours == 0:
            return _("in less than an hour")
        return ngettext("in about %(count)d hour", "in about %(count)d hours", hours) % {"count": hours}
    return say_distance(moment, now)


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be sent when, as far as can be said now."""

    remind_at: datetime
    due_at: datetime
    item: AgendaItem
    rule: ReminderRule
    people: tuple[Enrolment, ...]

    @property
    def ref(self) -> str:
        """Name it in an address, by item and rule."""
        return f"{self.item.pk}-{self.rule.pk}" if self.rule.pk else str(self.item.pk)


def timeline(course: Course, *, now: datetime, until: datetime) -> list[Planned]:
    """Return every reminder of the course between `now` and `until`, with the people who would get it as of now.

    Only a running course reminds anybody. Writes nothing.
    """
    if course.state != Course.State.RUNNING:
        return []
    rules = _rules_of(course)
    students = Enrolment.objects.filter(course=course, role=Role.STUDENT, user__is_active=True)
    people = list(wanting(students, topic=REMINDERS).select_related("user", "course").order_by("user__sort_name", "pk"))
    items = AgendaItem.objects.filter(course=course, kind__in=REMINDED, status="confirmed", is_removed=False)
    shared: list[AgendaItem] = []
    variants: dict[str, dict[int, AgendaItem]] = defaultdict(dict)
    for row in items.filter(ends_at__gt=now):
        if row.enrolment_id is None:
            shared.append(row)
        else:
            variants[row.key][row.enrolment_id] = row
    found: list[Planned] = []
    for item in shared:
        still_open = still_due_for(course, item.key, people, now=now)
        own = variants[item.key]
        groups: dict[datetime, tuple[AgendaItem, list[Enrolment]]] = {item.moment: (item, [])}
        for one in people:
            row = own.get(one.pk, item)
            if one.pk in still_open and not row.is_done:
                groups.setdefault(row.moment, (row, []))[1].append(one)
        for row, those in groups.values():
            found += _planned(course, row, those, rules, now, until)
    return sorted(found, key=lambda one: (one.remind_at, one.item.key))


def _planned(
    course: Course,
    row: AgendaItem,
    people: Sequence[Enrolment],
    rules: Sequence[ReminderRule],
    now: datetime,
    until: datetime,
) -> list[Planned]:
    due_at = deadline_closes_at(row.moment) if row.kind == ItemKind.DEADLINE else row.moment
    planned = []
    for rule in rules:
        remind_at = remind_at_of(row.moment, rule, course)
        if row.kind in rule.kinds and now <= remind_at <= until:
            those = tuple(one for one in people if one.created_at <= remind_at)
            planned.append(Planned(remind_at, due_at, row, rule, those))
    return planned


def remind_at_of(moment: datetime, rule: ReminderRule, course: Course) -> datetime:
    """Return when a rule reminds of a moment: days back by the course's wall clock, then hours by the stopwatch."""
    local = moment.astimezone(course.zone).replace(tzinfo=None) - timedelta(days=rule.days)
    # As PostgreSQL does it: an hour that comes twice means the second, one that is skipped means an hour later.
    instant = local.replace(tzinfo=course.zone, fold=1).astimezone(UTC)
    if instant.astimezone(course.zone).replace(tzinfo=None) != local:
        instant = local.replace(tzinfo=course.zone, fold=0).astimezone(UTC)
    return instant - timedelta(hours=rule.hours)
