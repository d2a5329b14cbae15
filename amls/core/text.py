"""Text as it comes in: cleaned once at the edge, so that calendars, mail and PDF stay whole."""

import re
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
    _EmailField = models.EmailField[str, str]
    _TextField = models.TextField[str, str]
else:
    _CharField = models.CharField
    _EmailField = models.EmailField
    _TextField = models.TextField

_BREAKS = re.compile("[\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029]")
# Controls (Cc) and halves of signs (Cs). Bidirectional overrides reorder what follows them on the page; isolates and marks are
# harmless.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]")
_UNWANTED_IN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]")

_NAME_CHARACTERS = str.maketrans("[]{}<>\\", "()()()/")


def clean_line(value: str) -> str:
    """Return `value` as one line: control characters dropped, white space folded, NFC.

    Control characters and line breaks in names crash iCalendar writers and corrupt
    what other programs read (RFC 5545, 3.3.11).
    """
    spaced = _BREAKS.sub(" ", unicodedata.normalize("NFC", value))
    return " ".join(_UNWANTED.sub("", spaced).split())


def say_some(words: Iterable[str], *, most: int = 10) -> str:
    """Return the first of some words or names in a row, and how many more there are: nobody reads hundreds in a sentence."""
    named = list(words)
    more, said = len(named) - most, ", ".join(named[:most])
    if more <= 0:
        return said
    return ngettext("%(said)s and %(count)d more", "%(said)s and %(count)d more", more) % {"said": said, "count": more}


def without_invisible(value: str) -> str:
    """Return `value` without signs that nobody sees (category Cf): copying from PDFs and pages leaves them around numbers.

    Not for names: in some scripts they tell letters apart.
    """
    if value.isascii():
        return value
    return "".join(sign for sign in value if unicodedata.category(sign) != "Cf")


def clean_name(value: str) -> str:
    """Return `value` as one line with round brackets only, and slashes for backslashes, as names may hold them.

    The others are markup in mails; universities put notes into them, such as 'Li Wei [Austausch]'.
    """
    return clean_line(value).translate(_NAME_CHARACTERS)


def no_markup(rendered: str) -> str:
    """Return what a template made of text without markup as text: Django takes whatever a template makes for HTML.

    A page that shows it would not escape it.
    """
    # Something safe and something that isn't are nothing safe together.
    return rendered + ""


def clean_text(value: str) -> str:
    """Return `value` with line feeds only as line ends and no other control characters."""
    unified = value.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    normal = unicodedata.normalize("NFC", unified)
    return _UNWANTED_IN_TEXT.sub("", normal).strip()


def mask_address(email: str) -> str:
    """Return an e-mail address as its owner knows it again and nobody else: 'l•••@e•••.org'."""
    local, _at, domain = email.lower().partition("@")
    name, _dot, end = domain.rpartition(".")
    return f"{local[:1]}•••@{name[:1]}•••.{end}"


class LineField(_CharField):
    """A CharField whose value is always one clean line, whoever writes it."""

    def get_prep_value(self, value: Any) -> Any:
        """Clean on the way into the database, so that services, shell and imports obey too."""
        prepared = super().get_prep_value(value)
        return clean_line(prepared) if isinstance(prepared, str) else prepared

    def to_python(self, value: Any) -> Any:
        """Clean what forms hand in, so that length is judged on what will be kept."""
        converted = super().to_python(value)
        return clean_line(converted) if isinstance(converted, str) else converted

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Keep the instance equal to its row."""
        value = getattr(model_instance, self.attname)
        if isinstance(value, str):
            value = clean_line(value)
            setattr(model_instance, self.attname, value)
        return value


class CleanTextField(_TextField):
    """A TextField without control characters other than line feeds and tabs."""

    def get_prep_value(self, value: Any) -> Any:
        """Clean on the way into the database."""
        prepared = super().get_prep_value(value)
        return clean_text(prepared) if isinstance(prepared, str) else prepared

    def to_python(self, value: Any) -> Any:
        """Clean what forms hand in."""
        converted = super().to_python(value)
        return clean_text(converted) if isinstance(converted, str) else converted

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Keep the instance equal to its row."""
        value = getattr(model_instance, self.attname)
        if isinstance(value, str):
            value = clean_text(value)
            setattr(model_instance, self.attname, value)
        return value


class LowerEmailField(_EmailField):
    """An EmailField in lower case, whoever writes it: an address with capitals is the same one to its owner."""

    def get_prep_value(self, value: Any) -> Any:
        """Lower it on the way into the database, and where rows are looked for."""
        prepared = super().get_prep_value(value)
        return prepared.lower() if isinstance(prepared, str) else prepared

    def to_python(self, value: Any) -> Any:
        """Lower what forms hand in."""
        converted = super().to_python(value)
        return converted.lower() if isinstance(converted, str) else converted

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Keep the instance equal to its row."""
        value = getattr(model_instance, self.attname)
        if isinstance(value, str):
            value = value.lower()
            setattr(model_instance, self.attname, value)
        return value


def spoken_in(language: str) -> SafeString:
    """Return the attribute that says in which language something is written, where the page is in another (WCAG 3.1.2)."""
    return format_html(' lang="{}"', language) if language and language != get_language() else SafeString()
