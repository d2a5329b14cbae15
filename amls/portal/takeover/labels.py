"""How an import calls what it changes, in the reader's language."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.times import say_day
from amls.courses.models import SessionKind, Weekday
from amls.portal.takeover.spec import CourseFileError, FreeDaySpec, LectureSpec, OfficeHourSpec, SlotSpec, TopicSpec
from amls.portal.takeover.understanding.slots import WEEKDAYS
from lectures.models import Lecture
from projects.models import Topic


def address_taken(slug: str) -> CourseFileError:
    """Return the refusal of an address that a course has."""
    return CourseFileError([_("'%(slug)s' is taken by another course. Choose another address.") % {"slug": slug}])


def teams_have(count: int) -> str:
    """Return '1 team has', '3 teams have'."""
    return ngettext("%(count)d team has", "%(count)d teams have", count) % {"count": count}


def slot_count(count: int) -> str:
    """Return '1 slot', '3 slots'."""
    return ngettext("%(count)d slot", "%(count)d slots", count) % {"count": count}


def topic_label(topic: Topic | TopicSpec) -> str:
    """Return how a topic is called in a diff."""
    return _("Topic %(title)s") % {"title": topic.title}


def lecture_label(spec: Lecture | LectureSpec) -> str:
    """Return how a session is called in a diff, such as 'Lecture 05'."""
    kind = SessionKind(spec.kind).label if spec.kind in SessionKind.values else spec.kind
    return f"{kind} {spec.number or spec.title}"


def slot_label(spec: SlotSpec) -> str:
    """Return how a weekly slot is called in a diff, such as 'Weekly slot Tuesday (Exercise)'."""
    weekday = Weekday(WEEKDAYS.index(spec.weekday)).label if spec.weekday else ""
    kind = f"({SessionKind(spec.kind).label})" if spec.kind != SessionKind.LECTURE else ""
    return " ".join(str(word) for word in (_("Weekly slot"), weekday, kind) if word)


def free_day_label(spec: FreeDaySpec) -> str:
    """Return how days without class are called in a diff."""
    days = " – ".join(say_day(day) for day in (spec.date, spec.last) if day)
    return _("No class on %(days)s") % {"days": days}


def not_a_weekday(where: str, word: str) -> str:
    """Return the refusal of a weekday."""
    return _("%(where)s: '%(word)s' is not a weekday such as 'thursday'.") % {"where": where, "word": word}


def not_offered(where: str, word: str, known: Sequence[str]) -> str:
    """Return the refusal of a kind that is none."""
    why = _("%(where)s: there is no kind '%(word)s'; kinds are %(known)s.")
    return why % {"where": where, "word": word, "known": ", ".join(known)}


def office_hour_label(spec: OfficeHourSpec) -> str:
    """Return how an office hour is called in a diff."""
    return _("Office hour %(weekday)s") % {"weekday": Weekday(WEEKDAYS.index(spec.weekday)).label}
