"""What several writers of letters share."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.markdown import escape_markdown
from amls.mail.letters import Letter


def merge_letters(letters: Sequence[Letter]) -> Letter:
    """Return one letter that says what several say, in their order."""
    first = letters[0]
    more = len(letters) - 1
    subject = ngettext("%(first)s, and one more", "%(first)s, and %(count)d more", more)
    return Letter(
        subject=subject % {"first": first.line or first.subject, "count": more},
        text="\n\n".join(
            f"**{escape_markdown(letter.line or letter.subject)}**\n\n{letter.text}" for letter in letters
        ),
        action=next((letter.action for letter in letters if letter.action), None),
        reason=first.reason,
    )


def escaped(values: Mapping[str, object]) -> dict[str, str]:
    """Return what people typed, so that it stands in a letter's text, which is Markdown, as they typed it."""
    return {name: escape_markdown(str(value)) for name, value in values.items()}


def escaped_lines(text: str) -> str:
    """Return several lines that people typed, each a paragraph of a letter's text."""
    return "\n\n".join(escape_markdown(line.strip()) for line in text.splitlines() if line.strip())


def bullet_list(lines: Sequence[str], *, most: int = 12) -> str:
    """Return lines as a Markdown list; what is beyond `most` is counted."""
    shown = [f"- {escape_markdown(line)}" for line in lines[:most]]
    if len(lines) > most:
        rest = len(lines) - most
        shown.append("- " + ngettext("and one more", "and %(count)d more", rest) % {"count": rest})
    return "\n".join(shown)


def site_path(address: str) -> str:
    """Return an absolute or relative address of this site as a path, with its query."""
    _scheme, separator, rest = address.partition("://")
    return "/" + rest.partition("/")[2] if separator else address


def because_enrolled(course: object) -> str:
    """Return why a person in a course gets what everyone in it gets."""
    return _("You get this mail because you take part in %(course)s.") % {"course": course}
