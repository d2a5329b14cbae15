"""What a search found, as pages show it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from amls.core.text import spoken_in
from amls.courses.models import Course
from amls.portal.search.query import Typed
from lectures.models import Lecture

_NOTHING = SafeString()
# So many places of a lecture are shown at once.
_FIRST = 5
_ROW = '<li><a href="{}"{}>{}<span><span class="where">{}</span>{}{}</span></a></li>\n'
_PICTURE = '<img src="{}" width="{}" height="{}" alt="" loading="lazy">'
# Roughly what a place, and what several of them stand under, take in memory besides their texts, as objects and as HTML.
_BYTES_OF_A_HIT, _BYTES_OF_A_GROUP = 1500, 1500


@dataclass(frozen=True, slots=True)
class Picture:
    """A slide's small picture, its size in pixels."""

    url: str
    width: int
    height: int


@dataclass(slots=True)
class Hit:
    """One place: a slide, a second of a recording, a topic.

    Attributes:
        where: such as 'Slide 23' or 'Recording, 12:30'.
    """

    url: str
    where: str
    title: SafeString
    snippet: SafeString
    rank: float
    place: tuple[str, int]
    picture: Picture | None = None

    def row(self, lang: SafeString) -> SafeString:
        """Return its row. There are thirty on a page: by a template they would take longer than the search itself.

        Args:
            lang: the attribute that says in which language its texts are.
        """
        picture = self.picture
        return format_html(
            _ROW,
            self.url,
            format_html(' class="{}"', "with-picture") if picture else _NOTHING,
            format_html(_PICTURE, picture.url, picture.width, picture.height) if picture else _NOTHING,
            self.where,
            format_html("\n<strong{}>{}</strong>", lang, self.title) if self.title else _NOTHING,
            format_html('<span class="text"{}>{}</span>', lang, self.snippet) if self.snippet else _NOTHING,
        )

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return _BYTES_OF_A_HIT + 2 * (len(self.url) + len(self.where) + len(self.title) + len(self.snippet))


@dataclass(slots=True)
class Group:
    """The hits of one lecture, or of what belongs to none, best first.

    Attributes:
        course: None of what belongs to the whole site.
        is_quoted: its texts are the course's own words, and not the site's.
    """

    course: Course | None
    lecture: Lecture | None
    title: SafeString
    url: str
    label: str = ""
    hits: list[Hit] = field(default_factory=list)
    abstract: SafeString = _NOTHING
    rank: float = 0.0
    is_quoted: bool = False

    @property
    def language(self) -> str:
        """In which language its texts are written; empty where in the page's own."""
        return self.course.language if self.is_quoted and self.course is not None else ""

    @property
    def first(self) -> SafeString:
        """The rows that are shown at once."""
        return self._rows(self.hits[:_FIRST])

    @property
    def more(self) -> SafeString:
        """The rows that are shown on demand."""
        return self._rows(self.hits[_FIRST:])

    @property
    def more_count(self) -> int:
        """How many these are."""
        return len(self.hits[_FIRST:])

    def _rows(self, hits: Iterable[Hit]) -> SafeString:
        lang = spoken_in(self.language)
        return format_html_join("", "{}", ((hit.row(lang),) for hit in hits))

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return _BYTES_OF_A_GROUP + 2 * (len(self.title) + len(self.abstract)) + sum(hit.size for hit in self.hits)


@dataclass
class Found:
    """What a search found.

    Attributes:
        shown: what was searched for in the end.
        corrected: whether that is another word than was typed.
        is_partial: whether nothing has all of the words, so that these have some.
        is_capped: whether there is more than what is shown.
        is_across: whether it says of each place in which course that is.
    """

    typed: Typed
    shown: Typed
    groups: list[Group] = field(default_factory=list)
    corrected: bool = False
    is_partial: bool = False
    is_capped: bool = False
    is_across: bool = False

    @property
    def count(self) -> int:
        """How many places were found."""
        return sum(max(1, len(group.hits)) for group in self.groups)

    @cached_property
    def rows(self) -> SafeString:
        """The places as HTML: made without the request, so that nothing of whoever asks is within reach."""
        return SafeString() if not self.groups else render_to_string("portal/search/_list.html", {"found": self})

    @cached_property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return _BYTES_OF_A_GROUP + sum(group.size for group in self.groups)
