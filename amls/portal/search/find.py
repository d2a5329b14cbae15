"""The search itself: passages of files and short texts, ranked, grouped by lecture, with snippets."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import models
from django.db.models import F, Func, QuerySet, Value
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from amls.core.statements import ModelStatement, Parameter, Statement, is_among
from amls.courses.models import Course
from amls.portal.search.query import (
    CONFIGURATIONS,
    WORD,
    Queries,
    RowVector,
    Typed,
    WordQuery,
    as_found,
    folded_words,
    in_their_courses,
    make_queries,
    matches,
    passages_matching,
)
from amls.portal.search.readers import Reader, sees_material
from amls.portal.search.snippets import Marked, marked, marker, snippet, words_of
from amls.portal.search.sources import Source, sources
from amls.portal.search.suggest import corrections
from amls.portal.search.ways import Fit, ways_to
from amls.portal.search.whereabouts import spots_for
from lectures.models import Lecture, Material, Passage
from lectures.targets import Shown, place_of, shown_of

MAX_PASSAGES = 30
# Of a word that stands on more pages than this those of the newest files are ranked: it tells none from another.
MAX_RANKED = 1000
# Of pages with some of the words more: those with the rarest of them are not to be lost among the others.
MAX_RANKED_PARTLY = 3000
MAX_ROWS = 30
_PASSAGE_COLUMNS = (
    "course_id", "file_id", "kind", "number", "title", "text", "notes", "cues", "thumb", "width", "height",
)  # fmt: skip
# Ways and whereabouts are few and meant: they stand before what mentions the words, but for those that are only begun.
_WAY_RANK, _SPOT_RANK, _BEGUN_RANK = 200.0, 100.0, -1.0
_NONE = SafeString()
# A title that says it weighs more than a slide that mentions it.
_WEIGHTS = "{0.05, 0.2, 0.5, 1.0}"


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
    abstract: SafeString = _NONE
    rank: float = 0.0
    is_quoted: bool = False

    @property
    def language(self) -> str:
        """In which language its texts are written; empty where in the page's own."""
        return self.course.language if self.is_quoted and self.course is not None else ""

    @property
    def first(self) -> list[Hit]:
        """What is shown at once."""
        return self.hits[:5]

    @property
    def more(self) -> list[Hit]:
        """What is shown on demand."""
        return self.hits[5:]


@dataclass(slots=True)
class Found:
    """What a search found.

    Attributes:
        shown: what was searched for in the end.
        corrected: whether that is another word than was typed.
        is_partial: whether nothing has all of the words, so that these have some.
        is_capped: whether there is more than what is shown.
    """

    typed: Typed
    shown: Typed
    groups: list[Group] = field(default_factory=list)
    corrected: bool = False
    is_partial: bool = False
    is_capped: bool = False

    @property
    def count(self) -> int:
        """How many places were found."""
        return sum(max(1, len(group.hits)) for group in self.groups)


def search(reader: Reader, typed: Typed) -> Found:
    """Return what the reader may see of what was typed.

    Tried in turn: all the words; all the words after mending those that nothing has; any of
    the words. What the course itself answers, such as its dates and rooms, stands before what mentions the words.
    """
    if not typed.terms:
        return Found(typed, typed)
    hits = _find(reader, typed, typed, partly=False)
    if hits.groups or not reader.courses:
        return hits
    for mended in corrections(reader, typed):
        # The words are there, but perhaps not together.
        corrected = _find(reader, typed, mended, partly=False)
        if corrected.groups:
            return corrected
    return _find(reader, typed, typed, partly=True) if len(typed.terms) > 1 else hits


def _way_groups(reader: Reader, typed: Typed) -> Iterator[Group]:
    is_marked = _marked_by(typed)
    for fit, led in ways_to(reader, typed):
        rank = _BEGUN_RANK if fit == Fit.BEGUN else _WAY_RANK
        label = _("Do") if led.way.does else _("Page")
        yield Group(led.course, None, marked(str(led.way.title), is_marked), led.url, label=label, rank=rank)


def _spot_groups(reader: Reader, typed: Typed) -> Iterator[Group]:
    is_marked = _marked_by(typed)
    for fit, course, spot in spots_for(reader, typed):
        rank = _BEGUN_RANK if fit == Fit.BEGUN else _SPOT_RANK
        title, note = marked(spot.title, is_marked), marked(spot.note, is_marked)
        yield Group(course, None, title, spot.url, label=spot.label, abstract=note, rank=rank)


def _marked_by(typed: Typed) -> Marked:
    """Return what marks the words that were typed, as written."""
    words = {word for term in typed.terms for word in folded_words(term.text)}
    last = folded_words(typed.terms[-1].text)[-1:] if typed.is_last_open else []
    begins = tuple(word for word in last if len(word) > 1)
    return lambda word: (written := as_found(word)) in words or bool(begins and written.startswith(begins))


def _find(reader: Reader, typed: Typed, shown: Typed, *, partly: bool) -> Found:
    hits = Found(typed, shown, corrected=shown is not typed)
    if not partly:
        hits.groups += [*_way_groups(reader, shown), *_spot_groups(reader, shown)]
    for language in reader.languages:
        queries = make_queries(shown, language)
        query = queries.any_term if partly else queries.all_terms
        if query.begun:
            ranked = MAX_RANKED_PARTLY if partly else MAX_RANKED
            groups, is_capped = _find_in(reader.only(reader.in_language(language)), queries, query, language, ranked)
            hits.groups += groups
            hits.is_capped |= is_capped
    hits.groups.sort(key=lambda group: -group.rank)
    hits.is_partial = partly and bool(hits.groups)
    return hits


def _find_in(
    reader: Reader, queries: Queries, query: WordQuery, language: str, ranked: int
) -> tuple[list[Group], bool]:
    passages, rows = _hits(reader, query, language, ranked)
    texts = [text for passage in passages for text in (passage.title, passage.text, passage.notes)]
    texts += [str(getattr(row, name)) for source, row in rows for name in (source.title, *source.texts, *source.named)]
    is_marked = marker(queries, words_of(texts), language)
    groups: dict[Any, Group] = {}
    opened = _opened(reader, passages)
    for passage in passages:
        if passage.file_id not in opened:
            # Replaced by a new version in this very moment.
            continue
        material, shown = opened[passage.file_id]
        lecture = material.lecture
        group = groups.get(lecture.pk) or groups.setdefault(lecture.pk, _lecture_group(lecture, shown.page, is_marked))
        _add(group, _passage_hit(passage, lecture, material, shown, is_marked))
    for source, row in rows:
        _add_row(groups, source, row, is_marked)
    return list(groups.values()), len(passages) == MAX_PASSAGES


def _hits(
    reader: Reader, query: WordQuery, language: str, ranked: int
) -> tuple[list[Passage], list[tuple[Source, Any]]]:
    """Return the best passages, and the best rows of each source: 1 query for all of them."""
    kinds = {source.name: source for source in sources}
    given = reader.given | {"query": query.begun} | in_their_courses(reader, query)
    passages: list[Passage] = []
    rows: list[tuple[Source, Any]] = []
    for name, pk, rank, values in _best_of_all(language, tuple(kinds.values()), ranked).run(given):
        if name:
            source = kinds[name]
            row: Any = source.model(pk=pk, **dict(zip(_columns_of(source), values, strict=True)))
            row.course = reader.courses[row.course_id]
            rows.append((source, row))
        else:
            row = Passage(pk=pk, **dict(zip(_PASSAGE_COLUMNS, values, strict=True)))
            passages.append(row)
        row.rank = rank
    passages.sort(key=lambda passage: (-passage.rank, passage.pk))  # type: ignore[attr-defined]
    order = list(kinds)
    rows.sort(key=lambda hit: (order.index(hit[0].name), -hit[1].rank, hit[1].pk))
    return passages, rows


@cache
def _best_of_all(language: str, kinds: tuple[Source, ...], ranked: int) -> Statement:
    """Make the statement of a search among texts in a language: it costs ten times as much as to run it."""
    parts = [_passages(ranked), *(_rows(source, language) for source in kinds)]
    return Statement.of(parts[0].union(*parts[1:], all=True))


def _passages(most: int) -> QuerySet[Any, Any]:
    """Return the best passages of so many that match."""
    # The courses are no part of the rank.
    ranked = Passage.objects.filter(pk__in=passages_matching(most).values("pk"))
    return _best(ranked, "", _PASSAGE_COLUMNS, _rank("vector"), MAX_PASSAGES)


def _rows(source: Source, language: str) -> QuerySet[Any, Any]:
    """Return the best rows of a source."""
    configuration, _dictionary = CONFIGURATIONS[language]
    vector = RowVector(source.title, *source.texts, *source.named, configuration=configuration)
    matching = source.rows().alias(search_vector=vector).filter(matches("search_vector", Parameter("query")))
    return _best(matching, source.name, _columns_of(source), _rank("search_vector"), MAX_ROWS)


def _columns_of(source: Source) -> tuple[str, ...]:
    return ("course_id", source.title, *source.texts, *source.named, *source.needed)


def _best(rows: QuerySet[Any], name: str, columns: Iterable[str], rank: Func, most: int) -> QuerySet[Any, Any]:
    """Return the best of some rows: the name of their source, primary key, rank, and the columns as one list in JSON."""
    values = Func(*columns, function="json_build_array", output_field=models.JSONField())
    described = rows.annotate(rank=rank, of=Value(name), values=values)
    best: QuerySet[Any, Any] = described.order_by("-rank", "pk").values_list("of", "pk", "rank", "values")[:most]
    return best


def _rank(vector: str) -> Func:
    # 4: words that stand close to each other count more.
    return Func(
        Value(_WEIGHTS),
        F(vector),
        Parameter("query"),
        template="ts_rank_cd(%(expressions)s::tsquery, 4)",
        output_field=models.FloatField(),
    )


def _opened(reader: Reader, passages: Iterable[Passage]) -> dict[int, tuple[Material, Shown]]:
    """Return the files that the reader may open of the lectures of some passages, with what the lecture's page shows.

    1 query.
    """
    wanted = {passage.file_id for passage in passages}
    if not wanted:
        return {}
    materials: list[Any] = _of_lectures().read(reader.given | {"files": list(wanted)})
    of_lecture: dict[Lecture, list[Any]] = {}
    for material in materials:
        material.lecture.course = reader.courses[material.lecture.course_id]
        of_lecture.setdefault(material.lecture, []).append(material)
    opened: dict[int, tuple[Material, Shown]] = {}
    for lecture, its_materials in of_lecture.items():
        files = {material.current_id: material for material in its_materials if material.current_id is not None}
        shown = shown_of(lecture, its_materials, {file: material.pages_read or 0 for file, material in files.items()})
        opened |= {file: (material, shown) for file, material in files.items()}
    return opened


def _lecture_group(lecture: Lecture, page: str, is_marked: Marked) -> Group:
    return Group(lecture.course, lecture, marked(str(lecture), is_marked), page, is_quoted=True)


def _add(group: Group, hit: Hit) -> None:
    """Add a hit; the same slide as PDF and as PPTX is one place, and the better of the two is shown."""
    group.rank = max(group.rank, hit.rank)
    for index, other in enumerate(group.hits):
        if other.place == hit.place:
            if hit.rank > other.rank:
                group.hits[index] = hit
            return
    group.hits.append(hit)


def _add_row(groups: dict[Any, Group], source: Source, row: Any, is_marked: Marked) -> None:
    title = marked(str(getattr(row, source.title)), is_marked)
    texts = [str(getattr(row, name)) for name in source.texts]
    # Where only the title has the words, the longest text says best what it is about.
    best = max(texts, key=lambda text: (sum(map(is_marked, WORD.findall(text))), len(text)), default="")
    text = snippet(best, is_marked)
    lecture = source.group(row)
    if lecture is not None:
        group = groups.get(lecture) or groups.setdefault(lecture, _lecture_group(row, source.address(row), is_marked))
        group.abstract = text
        group.rank = max(group.rank, row.rank * 1.5)
        return
    groups[source.name, row.pk] = Group(
        row.course, None, title, source.address(row), label=str(source.label), abstract=text, rank=row.rank,
        is_quoted=True,
    )  # fmt: skip


def _passage_hit(passage: Passage, lecture: Lecture, material: Material, shown: Shown, is_marked: Marked) -> Hit:
    rank: float = passage.rank  # type: ignore[attr-defined]
    cue = _best_cue(passage, is_marked)
    place = place_of(passage, cue=cue, lecture=lecture, material=material, shown=shown)
    if passage.kind == Passage.Kind.CAPTION:
        text = snippet(" ".join(str(spoken[2]) for spoken in passage.cues[max(0, cue - 1) :]), is_marked)
        return Hit(place.url, place.where, _NONE, text, rank, place.key)
    where, text = place.where, snippet("\n".join(passage.lines), is_marked)
    if passage.notes and not any(is_marked(word) for word in words_of([passage.text])):
        where, text = _("%(place)s, speaker notes") % {"place": where}, snippet(passage.notes, is_marked)
    return Hit(place.url, where, marked(passage.title, is_marked), text, rank, place.key, _picture(passage, material))


def _picture(passage: Passage, material: Material) -> Picture | None:
    if not passage.thumb:
        return None
    address = reverse("lectures:thumb", args=[material.lecture.course.slug, material.pk, passage.number])
    return Picture(address, passage.width, passage.height)


def _best_cue(passage: Passage, is_marked: Marked) -> int:
    """Return which caption has the most of the words, the first of several."""
    counts = [sum(1 for word in words_of([cue[2]]) if is_marked(word)) for cue in passage.cues]
    return counts.index(max(counts)) if counts else 0


@cache
def _of_lectures() -> ModelStatement[Material]:
    """Return what the reader may see of the lectures of some files, with how many pages were read of each."""
    lectures = Lecture.objects.filter(is_among("materials__current", Parameter("files")))
    seen = Material.objects.filter(sees_material(), lecture__in=lectures.values("pk"))
    rows = seen.annotate(pages_read=F("current__extraction__pages_done")).order_by("position", "pk")
    return ModelStatement.of(rows, along=("lecture", "current"), annotated=("pages_read",))
