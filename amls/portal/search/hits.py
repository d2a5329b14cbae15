"""What a search found, as pages show it: thirty places would take longer by a template than the search itself."""

from dataclasses import dataclass, field
from functools import cached_property
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import ngettext

from amls.core.text import spoken_in
from amls.courses.models import Course
from amls.portal.search.query import Typed
from lectures.models import Lecture

_NOTHING = SafeString()
# So many places of a lecture are shown at once.
_FIRST = 5
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

    def row(self, lang: str) -> str:
        """Return its row as HTML.

        Args:
            lang: the attribute that says in which language its texts are.
        """
        picture = self.picture
        image = shape = ""
        if picture:
            shape = ' class="with-picture"'
            image = f'<img src="{escape(picture.url)}" width="{picture.width:d}" height="{picture.height:d}" alt="" loading="lazy">'
        title = f"\n<strong{lang}>{self.title}</strong>" if self.title else ""
        text = f'<span class="text"{lang}>{self.snippet}</span>' if self.snippet else ""
        where = f'<span class="where">{escape(self.where)}</span>'
        return f'<li><a href="{escape(self.url)}"{shape}>{image}<span>{where}{title}{text}</span></a></li>\n'

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

    def row(self, *, is_across: bool, names_zone: bool = False) -> str:
        """Return it with its places as HTML; where it is of one course of several, with that course's name, and its zone."""
        lang = spoken_in(self.language)
        label = f'\n<span class="chip">{escape(capfirst(self.label))}</span>' if self.label else ""
        course = ""
        if is_across and self.course:
            zone = f" ({self.course.timezone})" if names_zone else ""
            course = f'<p class="small soft">{escape(f"{self.course}{zone}")}</p>'
        abstract = f'<p class="soft"{lang}>{self.abstract}</p>' if self.abstract else ""
        places = [hit.row(lang) for hit in self.hits]
        first = f"<ul>{''.join(places[:_FIRST])}</ul>" if places else ""
        more = self._more(places[_FIRST:]) if places[_FIRST:] else ""
        head = f'<h2><a href="{escape(self.url)}"{lang}>{self.title}</a>{label}</h2>'
        return f"<li>{head}{course}{abstract}{first}{more}</li>\n"

    def _more(self, places: list[str]) -> str:
        count = len(places)
        if self.lecture is not None and self.lecture.label:
            said = ngettext(
                "%(count)s more place in this session", "%(count)s more places in this session", count
            )  # fmt: skip
        else:
            said = ngettext(
                "%(count)s more place in this lecture", "%(count)s more places in this lecture", count
            )  # fmt: skip
        return f"<details><summary>{escape(said % {'count': count})}</summary><ul>{''.join(places)}</ul></details>"

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
        names_zones: whether it says by whose clock the times of each are, as those of the courses differ.
    """

    typed: Typed
    shown: Typed
    groups: list[Group] = field(default_factory=list)
    corrected: bool = False
    is_partial: bool = False
    is_capped: bool = False
    is_across: bool = False
    names_zones: bool = False

    @property
    def count(self) -> int:
        """How many places were found."""
        return sum(max(1, len(group.hits)) for group in self.groups)

    @cached_property
    def rows(self) -> SafeString:
        """The places as HTML: made without the request, so that nothing of whoever asks is within reach."""
        if not self.groups:
            return _NOTHING
        rows = "".join(group.row(is_across=self.is_across, names_zone=self.names_zones) for group in self.groups)
        return mark_safe(f'<ol class="found">{rows}</ol>')  # noqa: S308 - all is escaped, or was where it was marked

    @cached_property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return _BYTES_OF_A_GROUP + sum(group.size for group in self.groups)
