"""What is due, as a row says it."""

import re

from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.dates import WEEKDAY, find_days
from amls.portal.takeover.understanding.times import find_times

_I = re.IGNORECASE
_DUE_FILLER = re.compile(
    r"\b(?:of|is|are|am|by|at|on|the|for|bis|um|zum|zur|der|die|des|dem|spätestens|before class|before|beginning of class|start of class|in class|noon|midnight|eod|end of day|tonight|today|uhr|submission of|ist|(?:über|via|per|on|auf|in|through|to)\s+(?:git|mail|e-?mail|moodle|ilias|canvas|gradescope|isis|opal|stud\.?ip|blackboard|autolab|github|brightspace))\b",
    _I,
)


def due_title(text: str) -> str:
    """Return what is due, without that it is and when: 'Assignment 1' of 'Assignment 1 due at 11:59 PM'."""
    plain = text
    for mention in sorted([*find_days(text)], key=lambda mention: -mention.start):
        if (mention.days and not mention.is_loose) or re.search(
            r"\b(?:due|by|on|bis|am|until)\W+$", text[: mention.start], _I
        ):
            plain = f"{plain[: mention.start]} {plain[mention.end :]}"
    for clock in reversed(find_times(plain)):
        plain = f"{plain[: clock.start]} {plain[clock.end :]}"
    title = re.sub(r"\(\s*[^\w()]*\s*\)|\*\*", " ", kinds.DUE.sub(" ", plain))
    title = re.sub(
        rf"(?:^|(?<=[,(]))\s*(?:{WEEKDAY}|mo|di|mi|do|fr|sa|so)\b\.?\s*(?=$|[,)@])|[\s,]+{WEEKDAY}\W*$",
        " ",
        title,
        flags=_I,
    )
    title = re.sub(r"\s+", " ", title).strip(" :.,;–—-@()|*!")
    while (
        filler := re.search(rf"^(?:{_DUE_FILLER.pattern})\s*|\s*(?:{_DUE_FILLER.pattern})$", title, _I)
    ) is not None and filler.group():
        title = (title[filler.end() :] if filler.start() == 0 else title[: filler.start()]).strip(" :.,;–—-@()|")
    return title
