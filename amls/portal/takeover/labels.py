"""How an import calls what it changes, in the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.courses.models import Weekday
from amls.portal.takeover.spec import CourseFileError, LectureSpec, OfficeHourSpec, TopicSpec
from amls.portal.takeover.understanding.slots import WEEKDAYS
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


def lecture_label(spec: LectureSpec) -> str:
    """Return how a lecture is called in a diff."""
    return _("Lecture %(number)s") % {"number": spec.number or spec.title}


def office_hour_label(spec: OfficeHourSpec) -> str:
    """Return how an office hour is called in a diff."""
    return _("Office hour %(weekday)s") % {"weekday": Weekday(WEEKDAYS.index(spec.weekday)).label}
