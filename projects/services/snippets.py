"""Comments that a course's staff use again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.courses.services import lock_course
from projects.models import CommentSnippet
from projects.services.locks import save_checked

MOST_SNIPPETS = 100
LONGEST_SNIPPET = 1000


def keep_snippets(*, course: Course, texts: list[str], now: datetime) -> list[CommentSnippet]:
    """Let a course have these snippets in this order, each once; those that stay keep their history.

    Raises:
        RuleViolation: they are too many, or one is too long.
    """
    wanted = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if len(wanted) > MOST_SNIPPETS:
        raise RuleViolation(_("A course has at most %(most)d snippets.") % {"most": MOST_SNIPPETS}, "too-many")
    longest = max(map(len, wanted), default=0)
    if longest > LONGEST_SNIPPET:
        raise RuleViolation(
            _("A snippet has at most %(most)d letters, one of these has %(found)d.")
            % {"most": LONGEST_SNIPPET, "found": longest},
            "too-long",
        )
    with transaction.atomic():
        lock_course(course.pk)
        standing = {row.text: row for row in CommentSnippet.objects.filter(course=course)}
        CommentSnippet.objects.filter(course=course).exclude(text__in=wanted).delete()
        kept = []
        for position, text in enumerate(wanted):
            # A new one stands nowhere yet.
            row = standing.get(text) or CommentSnippet(course=course, text=text, position=-1)
            if row.position != position:
                row.position = position
                save_checked(row)
            kept.append(row)
    return kept
