"""How pages speak of sessions: of lectures alone, or of what else there is."""

from collections import Counter
from collections.abc import Callable, Sequence

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.courses.models import SessionKind
from lectures.models import Lecture

register = template.Library()

_COUNTS: dict[str, Callable[[int], str]] = {
    SessionKind.LECTURE: lambda count: ngettext("%(count)d lecture", "%(count)d lectures", count),
    SessionKind.EXERCISE: lambda count: ngettext("%(count)d exercise", "%(count)d exercises", count),
    SessionKind.LAB: lambda count: ngettext("%(count)d lab", "%(count)d labs", count),
    SessionKind.TUTORIAL: lambda count: ngettext("%(count)d tutorial", "%(count)d tutorials", count),
    SessionKind.SEMINAR: lambda count: ngettext("%(count)d seminar", "%(count)d seminars", count),
    SessionKind.OTHER: lambda count: ngettext("%(count)d session", "%(count)d sessions", count),
}


@register.filter
def only_lectures(lectures: Sequence[Lecture]) -> bool:
    """Return whether these are lectures and nothing else: then nothing has to be told apart."""
    return all(lecture.kind == SessionKind.LECTURE for lecture in lectures)


@register.simple_tag
def sessions_heading(lectures: Sequence[Lecture]) -> str:
    """Return what sessions are called together."""
    return _("Lectures") if only_lectures(lectures) else _("Sessions")


@register.simple_tag
def count_of(lectures: Sequence[Lecture]) -> str:
    """Return how many there are of each kind, such as '12 lectures · 6 exercises'."""
    counts = Counter(lecture.kind for lecture in lectures)
    return " · ".join(say(counts[kind]) % {"count": counts[kind]} for kind, say in _COUNTS.items() if counts[kind])
