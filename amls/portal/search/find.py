"""The search itself: passages of files and short texts, ranked, grouped by lecture, with snippets."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from amls.core.statements import rows_of
from amls.pagecache.store import Key, PageStore
from amls.portal.search.hits import Found, Group, Hit, Picture
from amls.portal.search.query import (
    WORD,
    Queries,
    Typed,
    as_found,
    folded_words,
    in_their_courses,
    make_queries,
)
from amls.portal.search.readers import Reader
from amls.portal.search.snippets import marked, marker, snippet, words_of
from amls.portal.search.suggest import corrections
from amls.portal.search.texts import OpenFile, ShortText, Texts
from amls.portal.search.ways import Fit, ways_to
from amls.portal.search.whereabouts import spots_for
from lectures.models import Lecture, Passage
from lectures.targets import place_of

MAX_PASSAGES = 30
# Of a word that stands on more pages than this those of the newest files are ranked: it tells none from another.
MAX_RANKED = 1000
# Of pages with some of the words more: those with the rarest of them are not to be lost among the others.
MAX_RANKED_PARTLY = 3000
# Of these so many by how often and where they have the words; their order is also by how close the words stand.
_MAX_CLOSE = 150
MAX_ROWS = 30
_PASSAGE_COLUMNS = (
    "course_id", "file_id", "kind", "number", "title", "text", "notes", "cues", "thumb", "width", "height",
)  # fmt: skip
# Ways and whereabouts are few and meant: they stand before what mentions the words, but for those that are only begun.
_WAY_RANK, _SPOT_RANK, _BEGUN_RANK = 200.0, 100.0, -1.0
_NONE = SafeString()
# A title that says it weighs more than a slide that mentions it.
_WEIGHTS = "'{0.05, 0.2, 0.5, 1.0}'"


def search(reader: Reader, typed: Typed) -> Found:
    """Return what the reader may see of what was typed.

    Tried in turn: all the words; all the words after mending those that nothing has; any of
    the words. What the course itself answers, such as its dates and rooms, stands before what mentions the words.

    What was found in one course is kept for whoever sees as much of it and types the same in the same language.
    """
    if not typed.terms:
        return Found(typed, typed, is_across=reader.is_across)
    texts = Texts.of(reader)
    # Of what is kept for others none may know of this reader.
    reader = replace(reader, courses={pk: of_course.course for pk, of_course in texts.courses.items()})
    if reader.is_across:
        return _search(reader, texts, typed)
    key: Key = (reader.kind, get_language() or "", typed.text, *texts.version)
    hits = kept_searches.get(key, Found)
    if hits is None:
        hits = _search(reader, texts, typed)
        kept_searches.put(key, hits)
    return hits


# Beside the pages, so that whoever types without end drives none of them out.
kept_searches = PageStore(settings.PAGE_CACHE_BYTES // 8)


def _search(reader: Reader, texts: Texts, typed: Typed) -> Found:
    hits = _find(reader, texts, typed, typed, partly=False)
    if hits.groups or not reader.courses:
        return hits
    for mended in corrections(reader, texts, typed):
        # The words are there, but perhaps not together.
        corrected = _find(reader, texts, typed, mended, partly=False)
        if corrected.groups:
            return corrected
    return _find(reader, texts, typed, typed, partly=True) if len(typed.terms) > 1 else hits


def _way_groups(reader: Reader, typed: Typed) -> Iterator[Group]:
    marks = _marked_by(typed)
    for fit, led in ways_to(reader, typed):
        rank = _BEGUN_RANK if fit == Fit.BEGUN else _WAY_RANK
        label = _("Do") if led.way.does else _("Page")
        yield Group(led.course, None, marked(str(led.way.title), marks), led.url, label=label, rank=rank)


def _spot_groups(reader: Reader, typed: Typed) -> Iterator[Group]:
    marks = _marked_by(typed)
    for fit, course, spot in spots_for(reader, typed):
        rank = _BEGUN_RANK if fit == Fit.BEGUN else _SPOT_RANK
        title, note = marked(spot.title, marks), marked(spot.note, marks)
        yield Group(course, None, title, spot.url, label=spot.label, abstract=note, rank=rank)


@dataclass(frozen=True, slots=True)
class _AsTyped:
    """The words that were typed, as written, and what the last of them begins."""

    words: frozenset[str]
    begins: str

    def __contains__(self, word: object) -> bool:
        written = as_found(str(word))
        return written in self.words or bool(self.begins and written.startswith(self.begins))


def _marked_by(typed: Typed) -> _AsTyped:
    """Return what is marked of texts that are found by their words as written."""
    words = frozenset(word for term in typed.terms for word in folded_words(term.text))
    last = folded_words(typed.terms[-1].text)[-1:] if typed.is_last_open else []
    return _AsTyped(words, next((word for word in last if len(word) > 1), ""))


def _find(reader: Reader, texts: Texts, typed: Typed, shown: Typed, *, partly: bool) -> Found:
    hits = Found(
        typed,
        shown,
        corrected=shown is not typed,
        is_across=reader.is_across,
        names_zones=reader.has_several_zones,
    )
    if not partly:
        hits.groups += [*_way_groups(reader, shown), *_spot_groups(reader, shown)]
    for language in reader.languages:
        queries = make_queries(shown, language)
        if queries.all_terms.begun:
            of_language = reader.only(reader.in_language(language))
            groups, is_capped = _find_in(of_language, texts, queries, language, partly=partly)
            hits.groups += groups
            hits.is_capped |= is_capped
    hits.groups.sort(key=lambda group: -group.rank)
    hits.is_partial = partly and bool(hits.groups)
    return hits


@dataclass(slots=True)
class _Ranked:
    """A passage or a short text that was found."""

    rank: float
    of: Any


def _find_in(
    reader: Reader, texts: Texts, queries: Queries, language: str, *, partly: bool
) -> tuple[list[Group], bool]:
    passages, short = _hits(texts.only(reader.courses), queries, partly=partly)
    files = texts.open(reader, [hit.of.file_id for hit in passages])
    passages = [hit for hit in passages if hit.of.file_id in files]
    said = [part for hit in passages for part in (hit.of.title, hit.of.text, hit.of.notes)]
    said += [str(files[hit.of.file_id].material.lecture) for hit in passages]
    said += [part for hit in short for part in hit.of.parts]
    marks = marker(queries, words_of(said), language)
    groups: dict[Any, Group] = {}
    for hit in passages:
        file = files[hit.of.file_id]
        lecture = file.material.lecture
        group = groups.get(lecture.pk) or groups.setdefault(lecture.pk, _lecture_group(lecture, file.shown.page, marks))
        _add(group, _passage_hit(hit.of, hit.rank, file, marks))
    for hit in short:
        _add_row(groups, hit.of, hit.rank, marks)
    return list(groups.values()), len(passages) == MAX_PASSAGES


def _hits(texts: Texts, queries: Queries, *, partly: bool) -> tuple[list[_Ranked], list[_Ranked]]:
    """Return the best passages, and the best short texts of each source: 1 query for all of them."""
    asked, fits = (queries.any_term, any) if partly else (queries.all_terms, all)
    near = [
        text
        for text in texts.short
        if fits(any(word in text.vector for word in words) for words in queries.sought)
    ]  # fmt: skip
    given = {
        "query": asked.begun,
        "begun": in_their_courses(texts.courses, asked.begun),
        "whole": in_their_courses(texts.courses, asked.whole),
        "files": texts.files,
        "vectors": [text.vector for text in near],
    }
    passages: list[_Ranked] = []
    short: dict[str, list[_Ranked]] = {}
    for place, pk, rank, values in rows_of(_statement(MAX_RANKED_PARTLY if partly else MAX_RANKED), given):
        if place is None:
            passages.append(_Ranked(rank, Passage(pk=pk, **dict(zip(_PASSAGE_COLUMNS, values, strict=True)))))
        else:
            text = near[place - 1]
            short.setdefault(text.source.name, []).append(_Ranked(rank, text))
    passages.sort(key=lambda hit: (-hit.rank, hit.of.pk))
    for ranked in short.values():
        ranked.sort(key=lambda hit: (-hit.rank, hit.of.pk))
    order = dict.fromkeys(text.source.name for text in near)
    return passages, [hit for name in order for hit in short.get(name, [])[:MAX_ROWS]]


@cache
def _statement(most: int) -> str:
    """Return the statement of a search that ranks so many passages, those of the newest files first.

    It asks the index of words, and looks at files afterwards: neither which files count nor their order is written so that
    another index has it, or the planner would read every page of them. A last word that stands as a whole on so many pages
    is looked for as it is, and not also as a beginning. Only of the best the texts are read.
    """
    return f"""
SELECT NULL::bigint AS place, p.id, best.rank, json_build_array({", ".join(f"p.{name}" for name in _PASSAGE_COLUMNS)})
FROM (
  SELECT id, ts_rank_cd({_WEIGHTS}, vector, %(query)s::tsquery, 4) AS rank FROM (
    SELECT id, vector FROM (
      SELECT id FROM lectures_passage
      WHERE (file_id IN (SELECT unnest(%(files)s::bigint[]))) IS TRUE AND vector @@ CASE
        WHEN cardinality(ARRAY(SELECT id FROM lectures_passage WHERE vector @@ %(whole)s::tsquery LIMIT {most:d})) >= {most:d}
        THEN %(whole)s::tsquery ELSE %(begun)s::tsquery END
      ORDER BY file_id + 0 DESC LIMIT {most:d}
    ) AS newest JOIN lectures_passage USING (id)
    ORDER BY ts_rank({_WEIGHTS}, vector, %(query)s::tsquery) DESC, id LIMIT {_MAX_CLOSE:d}
  ) AS close ORDER BY rank DESC, id LIMIT {MAX_PASSAGES:d}
) AS best JOIN lectures_passage p USING (id)
UNION ALL
SELECT place, place, ts_rank_cd({_WEIGHTS}, vector::tsvector, %(query)s::tsquery, 4), NULL
FROM unnest(%(vectors)s::text[]) WITH ORDINALITY AS short (vector, place)
WHERE vector::tsvector @@ %(query)s::tsquery
"""  # noqa: S608 - of names and numbers of this module


def _lecture_group(lecture: Lecture, page: str, marks: Container[str]) -> Group:
    return Group(lecture.course, lecture, marked(str(lecture), marks), page, is_quoted=True)


def _add(group: Group, hit: Hit) -> None:
    """Add a hit; the same slide as PDF and as PPTX is one place, and the better of the two is shown."""
    group.rank = max(group.rank, hit.rank)
    for index, other in enumerate(group.hits):
        if other.place == hit.place:
            if hit.rank > other.rank:
                group.hits[index] = hit
            return
    group.hits.append(hit)


def _add_row(groups: dict[Any, Group], short: ShortText, rank: float, marks: Container[str]) -> None:
    source, row = short.source, short.row
    title, *others = short.parts
    # Where only the title has the words, the longest text says best what it is about.
    texts = others[: len(source.texts)]
    best = max(texts, key=lambda text: (sum(word in marks for word in WORD.findall(text)), len(text)), default="")
    text = snippet(best, marks)
    lecture = source.group(row)
    if lecture is not None:
        group = groups.get(lecture) or groups.setdefault(lecture, _lecture_group(row, source.address(row), marks))
        group.abstract = text
        group.rank = max(group.rank, rank * 1.5)
        return
    groups[source.name, row.pk] = Group(
        row.course, None, marked(title, marks), source.address(row), label=str(source.label), abstract=text, rank=rank,
        is_quoted=True,
    )  # fmt: skip


def _passage_hit(passage: Passage, rank: float, file: OpenFile, marks: Container[str]) -> Hit:
    cue = _best_cue(passage, marks)
    place = place_of(passage, cue=cue, lecture=file.material.lecture, material=file.material, shown=file.shown)
    if passage.kind == Passage.Kind.CAPTION:
        text = snippet(" ".join(str(spoken[2]) for spoken in passage.cues[max(0, cue - 1) :]), marks)
        return Hit(place.url, place.where, _NONE, text, rank, place.key)
    where, text = place.where, snippet("\n".join(passage.lines), marks)
    if passage.notes and not any(word in marks for word in WORD.findall(passage.text)):
        where, text = _("%(place)s, speaker notes") % {"place": where}, snippet(passage.notes, marks)
    return Hit(place.url, where, marked(passage.title, marks), text, rank, place.key, _picture(passage, file))


def _picture(passage: Passage, file: OpenFile) -> Picture | None:
    if not passage.thumb:
        return None
    material = file.material
    address = reverse("lectures:thumb", args=[material.lecture.course.slug, material.pk, passage.number])
    return Picture(address, passage.width, passage.height)


def _best_cue(passage: Passage, marks: Container[str]) -> int:
    """Return which caption has the most of the words, the first of several."""
    counts = [len({word for word in WORD.findall(cue[2]) if word in marks}) for cue in passage.cues]
    return counts.index(max(counts)) if counts else 0
