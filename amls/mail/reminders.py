"""Reminders of what is dated: planned by a sweep, decided again when they are sent.

A reminder is due while `remind_at <= now < due_at`, once per (rule, person, item, due time).
It is planned at most an hour ahead, so that what falls due together goes out together; a
moved deadline makes another key, and what was planned for the old time is taken away.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from amls.agenda.models import AgendaItem, ItemKind, moment_of, name_of
from amls.core.clock import deadline_closes_at
from amls.core.doorbell import ring
from amls.core.markdown import escape_markdown
from amls.core.times import say_day, say_distance, say_moment
from amls.courses.models import Course, Enrolment, Role
from amls.mail.categories import REMINDERS
from amls.mail.letters import Letter
from amls.mail.managers import NoticeQuerySet
from amls.mail.models import MailSettings, Notice, ReminderRule
from amls.mail.outbox import SWEEP, notify_enrolled, wanting
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


def ensure_rules(course: Course) -> None:
    """Lay down the default rules, once in a course's life: what staff change or remove stays so."""
    with transaction.atomic():
        _settings, is_new = MailSettings.objects.get_or_create(course=course)
        if is_new:
            ReminderRule.objects.bulk_create(_default_rules(course), ignore_conflicts=True)


def pause_rule(*, rule: ReminderRule, is_paused: bool) -> None:
    """Let a rule rest, or go on; what it has planned follows at once."""
    rule.is_paused = is_paused
    rule.save(update_fields=["is_paused"])
    ring(SWEEP)


def _default_rules(course: Course) -> list[ReminderRule]:
    return [ReminderRule(course=course, days=days, hours=hours, kinds=kinds) for days, hours, kinds in _DEFAULT_RULES]


def _rules_of(course: Course) -> list[ReminderRule]:
    """Return the rules of a course; those that the next sweep lays down, while it has never had any."""
    rules = list(ReminderRule.objects.filter(course=course))
    return rules if rules or MailSettings.objects.filter(course=course).exists() else _default_rules(course)


@dataclass(frozen=True, slots=True)
class _Moment:
    """When an item is, for everyone (`is_shared`) or for those of whom the ledger says so."""

    key: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool
    is_shared: bool

    @property
    def at(self) -> datetime:
        return moment_of(self.kind, self.starts_at, self.ends_at, is_all_day=self.is_all_day)

    @property
    def due_at(self) -> datetime:
        return due_at_of(self.kind, self.at, is_all_day=self.is_all_day)


def plan_reminders(*, now: datetime, course: Course | None = None) -> int:
    """Put every reminder whose time has come, or comes within the hour, into the outbox; return how many are new.

    What is no longer so is taken away. Any number of sweeps may run at once, and a second one plans nothing.
    One statement per date whose reminders are due, for any number of people.
    """
    running = Course.objects.filter(state=Course.State.RUNNING).select_related("mail_settings")
    courses = list(running if course is None else running.filter(pk=course.pk))
    for running_course in courses:
        if not hasattr(running_course, "mail_settings"):
            ensure_rules(running_course)
    rules: dict[int, list[ReminderRule]] = defaultdict(list)
    for rule in ReminderRule.objects.filter(course__in=courses, is_paused=False):
        rules[rule.course_id].append(rule)
    moments = _moments(courses, now)
    unsent = Notice.objects.filter(kind=KIND, state__in=[Notice.State.DUE, Notice.State.DROPPED])
    _forget(unsent if course is None else unsent.filter(course=course), moments, rules, now)
    return sum(
        _plan(running_course, moment, rules[running_course.pk], now)
        for running_course in courses
        for moment in moments[running_course.pk]
    )


def _moments(courses: Sequence[Course], now: datetime) -> dict[int, list[_Moment]]:
    """Return what is still to come of what people are reminded of, each moment once, by course: 1 query."""
    items = AgendaItem.objects.filter(kind__in=REMINDED, status="confirmed", is_removed=False, is_done=False)
    # Of what is for who takes part only they are reminded, by their variants.
    items = items.exclude(is_for_participants=True, enrolment__isnull=True)
    rows = items.filter(course__in=courses, ends_at__gt=now - timedelta(minutes=1)).order_by()
    named = rows.annotate(is_shared=Q(enrolment__isnull=True)).values_list(
        "course", "key", "kind", "starts_at", "ends_at", "is_all_day", "is_shared"
    )
    moments: dict[int, list[_Moment]] = defaultdict(list)
    for course_pk, *values in named.distinct():
        moments[course_pk].append(_Moment(*values))
    return moments


def _forget(
    unsent: NoticeQuerySet, moments: dict[int, list[_Moment]], rules: dict[int, list[ReminderRule]], now: datetime
) -> None:
    """Take away what is planned for a time or by a rule that is no longer so; it may be planned again if that returns."""
    so = {(pk, moment.key, moment.due_at) for pk in moments for moment in moments[pk] if moment.due_at > now}
    active = {rule.pk for of_course in rules.values() for rule in of_course}
    names = ("course", "references__item", "references__rule", "due_at")
    for values in unsent.order_by().values_list(*names).distinct():
        course_pk, key, rule_pk, due_at = values
        if (course_pk, key, due_at) not in so or rule_pk not in active:
            unsent.filter(**dict(zip(names, values, strict=True))).delete()


def _plan(course: Course, moment: _Moment, rules: Sequence[ReminderRule], now: datetime) -> int:
    """Put the reminders of one moment into the outbox if it is time for them; return how many are new.

    Of several rules whose time has come the latest is told: one reminder of an item at a time.
    """
    if moment.due_at <= now:
        return 0
    times = [(remind_at_of(moment.at, rule, course), rule.pk) for rule in rules if moment.kind in rule.kinds]
    ripe = [(remind_at, pk) for remind_at, pk in times if remind_at <= now + _AHEAD]
    if not ripe:
        return 0
    remind_at, rule_pk = max(ripe)
    own = AgendaItem.objects.filter(enrolment=OuterRef("pk"), course=course, key=moment.key, is_removed=False)
    students = Enrolment.objects.filter(role=Role.STUDENT, created_at__lte=remind_at)
    if moment.is_shared:
        people = students.exclude(Exists(own))
    else:
        then = {"starts_at": moment.starts_at, "ends_at": moment.ends_at}
        people = students.filter(Exists(own.filter(**then, status="confirmed", is_done=False)))
    return notify_enrolled(
        people,
        course=course,
        key=f"reminder:{rule_pk}:{{person}}:{moment.key}:{int(moment.due_at.timestamp())}",
        kind=KIND,
        now=now,
        references={"rule": rule_pk, "item": moment.key},
        grouping_key=f"reminders:{course.pk}",
        not_before=remind_at,
        due_at=moment.due_at,
    )


def due_at_of(kind: str, moment: datetime, *, is_all_day: bool = False) -> datetime:
    """Return until when a reminder of something of this kind is of use: the whole minute of a deadline counts."""
    return deadline_closes_at(moment) if kind == ItemKind.DEADLINE and not is_all_day else moment


@dataclass(frozen=True, slots=True)
class Reminder:
    """What was found out about a planned reminder shortly before it is sent; the title in its person's language."""

    title: str
    moment: datetime
    place: str
    path: str
    kind: str
    is_still_so: bool
    is_time_open: bool = False


def prepare_reminders(notices: Sequence[Notice], now: datetime) -> None:
    """Look up, in a fixed number of queries per course and item, whether each is still so."""
    by_course: dict[int, list[Notice]] = defaultdict(list)
    for notice in notices:
        if notice.course_id is not None:
            by_course[notice.course_id].append(notice)
    for course_pk, batch in by_course.items():
        _prepare_course(course_pk, batch, now)


def _prepare_course(course_pk: int, notices: Sequence[Notice], now: datetime) -> None:
    course = Course.objects.get(pk=course_pk)
    enrolments = Enrolment.objects.filter(
        course=course, role=Role.STUDENT, user__in=[notice.recipient_id for notice in notices]
    )
    by_user = {enrolment.user_id: enrolment for enrolment in enrolments.select_related("user", "course")}
    keys = {str(notice.references["item"]) for notice in notices}
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
            [
                by_user[notice.recipient_id]
                for notice in notices
                if notice.references["item"] == key and notice.recipient_id in by_user
            ],
            now=now,
        )
        for key in keys
    }
    for notice in notices:
        enrolment = by_user.get(notice.recipient_id or 0)
        key = str(notice.references["item"])
        row = (variants.get((enrolment.pk, key)) if enrolment else None) or shared.get(key)
        reminder: Reminder | None = None
        if enrolment is not None and row is not None:
            is_so = (
                course.state == Course.State.RUNNING
                and not (row.is_removed or row.is_cancelled or row.is_done)
                and due_at_of(row.kind, row.moment, is_all_day=row.is_all_day) == notice.due_at
                and notice.references["rule"] in unpaused
                and enrolment.pk in still_open[key]
            )
            language = language_of(notice)
            title, place = name_of(row.title, row.titles, language), name_of(row.place, row.places, language)
            reminder = Reminder(title, row.moment, place, row.path, row.kind, is_so, row.is_time_open)
        notice.reminder = reminder  # type: ignore[attr-defined]


def merge_reminders(letters: Sequence[tuple[Notice, Letter]], now: datetime) -> Letter:
    """Return one letter of several reminders, in the order of their dates."""
    ordered = sorted(letters, key=lambda pair: (pair[0].due_at or now, pair[0].pk))
    # One item may be planned by two rules after a standstill: it is told once.
    lines = list(dict.fromkeys(letter.line for _notice, letter in ordered))
    if len(lines) == 1:
        return ordered[0][1]
    first = ordered[0][1]
    subject = ngettext("%(count)d date is coming up: %(first)s", "%(count)d dates are coming up: %(first)s", len(lines))
    course = ordered[0][0].course
    zone = course.timezone if course is not None else "UTC"
    text = bullet_list([f"{line} ({zone})" for line in lines])
    if any(_is_of_deadline(notice) for notice, _letter in ordered):
        text += "\n\n" + _("What is due here is still open for you. If it is done by now, all is well.")
    return Letter(
        subject=subject % {"count": len(lines), "first": first.line},
        text=text,
        action=(_("See my dates"), f"/{course.slug}/me/") if course is not None else None,
        reason=first.reason,
    )


def _is_of_deadline(notice: Notice) -> bool:
    reminder: Reminder | None = getattr(notice, "reminder", None)
    return reminder is not None and reminder.kind == ItemKind.DEADLINE


def write_reminder(notice: Notice, now: datetime) -> Letter | None:
    """Write a reminder, or None if the date is another by now, over, done, or of no concern to the person."""
    reminder: Reminder | None = getattr(notice, "reminder", None)
    if reminder is None or not reminder.is_still_so:
        return None
    return letter_of(reminder, notice.course, now)


def letter_of(reminder: Reminder, course: Course | None, now: datetime) -> Letter:
    """Return how a reminder reads, in the active language and zone."""
    # To many people within the same minute it reads the same.
    place = (str(get_language()), timezone.get_current_timezone_name())
    zone = course.timezone if course is not None else "UTC"
    return _alike(reminder, str(course), zone, now.replace(second=0, microsecond=0), place)


@lru_cache(maxsize=64)
def _alike(reminder: Reminder, course: str, zone: str, now: datetime, _place: tuple[str, str]) -> Letter:
    when = (
        f"{say_day(reminder.moment, now=now)}, {_('time open')}"
        if reminder.is_time_open
        else say_moment(reminder.moment, now=now)
    )
    line = f"{reminder.title}: {when}"
    text = f"**{escape_markdown(reminder.title)}**: {escape_markdown(when)} ({zone}), {_how_far(reminder, now)}."
    if reminder.place:
        text += "\n\n" + _("Place: %(place)s") % {"place": escape_markdown(reminder.place)}
    if reminder.kind == ItemKind.DEADLINE:
        text += "\n\n" + _("You get this because it is still open for you. If it is done by now, all is well.")
    return Letter(
        subject=line,
        line=line,
        text=text,
        action=(_("Open the page"), reminder.path) if reminder.path else None,
        reason=_("You get this mail because %(course)s reminds you of its dates.") % {"course": course},
    )


def _how_far(reminder: Reminder, now: datetime) -> str:
    # Hours to a time that nobody knows would be wrong.
    return say_distance(reminder.moment, now) if reminder.is_time_open else how_long(reminder.moment, now)


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
    students = Enrolment.objects.students().reachable().filter(course=course)
    people = list(wanting(students, topic=REMINDERS).select_related("user", "course").order_by("user__sort_name", "pk"))
    items = AgendaItem.objects.filter(course=course, kind__in=REMINDED, status="confirmed", is_removed=False)
    shared: list[AgendaItem] = []
    variants: dict[str, dict[int, AgendaItem]] = defaultdict(dict)
    for row in items.filter(ends_at__gt=now):
        if row.enrolment_id is None:
            shared.append(row)
        else:
            variants[row.key][row.enrolment_id] = row
    planned: list[Planned] = []
    for item in shared:
        still_open = still_due_for(course, item.key, people, now=now)
        own = variants[item.key]
        groups: dict[datetime, tuple[AgendaItem, list[Enrolment]]] = {item.moment: (item, [])}
        for person in people:
            row = own.get(person.pk, item)
            if person.pk in still_open and not row.is_done:
                groups.setdefault(row.moment, (row, []))[1].append(person)
        for row, told in groups.values():
            planned += _planned(course, row, told, rules, now, until)
    return sorted(planned, key=lambda planned: (planned.remind_at, planned.item.key))


def _planned(
    course: Course,
    row: AgendaItem,
    people: Sequence[Enrolment],
    rules: Sequence[ReminderRule],
    now: datetime,
    until: datetime,
) -> list[Planned]:
    due_at = due_at_of(row.kind, row.moment, is_all_day=row.is_all_day)
    planned = []
    for rule in rules:
        remind_at = remind_at_of(row.moment, rule, course)
        if row.kind in rule.kinds and now <= remind_at <= until:
            told = tuple(person for person in people if person.created_at <= remind_at)
            planned.append(Planned(remind_at, due_at, row, rule, told))
    return planned


def remind_at_of(moment: datetime, rule: ReminderRule, course: Course) -> datetime:
    """Return when a rule reminds of a moment: days back by the course's wall clock, then hours by the stopwatch."""
    local = moment.astimezone(course.zone).replace(tzinfo=None) - timedelta(days=rule.days)
    # An hour that comes twice means the second, one that is skipped means an hour later.
    instant = local.replace(tzinfo=course.zone, fold=1).astimezone(UTC)
    if instant.astimezone(course.zone).replace(tzinfo=None) != local:
        instant = local.replace(tzinfo=course.zone, fold=0).astimezone(UTC)
    return instant - timedelta(hours=rule.hours)
