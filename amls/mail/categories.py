"""What people may switch off, by topic. What has no topic is transactional and always comes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class MailTopic:
    """One kind of mail that a person may have or not.

    Attributes:
        name: as it is stored.
        is_default: whether people get it who never said anything.
    """

    name: str
    label: "str | _StrPromise"
    description: "str | _StrPromise"
    is_default: bool


REMINDERS = MailTopic(
    "reminders", _("Reminders"), _("Before deadlines, openings and exams that still concern you."), is_default=True
)
CHANGES = MailTopic(
    "changes", _("Changes"), _("When a lecture, deadline or exam is moved or cancelled."), is_default=True
)
ANNOUNCEMENTS = MailTopic("announcements", _("Announcements"), _("What the staff tell everyone."), is_default=True)
MATERIALS = MailTopic(
    "materials", _("New slides and recordings"), _("When a file of a lecture can be opened."), is_default=False
)
TOPICS = {topic.name: topic for topic in (REMINDERS, CHANGES, ANNOUNCEMENTS, MATERIALS)}
