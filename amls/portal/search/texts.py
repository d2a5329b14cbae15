"""What a course has to be found besides the pages of its files, and which of these files somebody may open.

Read once per audience of a course and kept in memory until a write concerns the course or a boundary in time passes: a search
asks the database for the pages that have its words, and for nothing else. What is kept is read by what an audience may
see, so that it holds nothing of a person, and nothing that only others may see.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, QuerySet, Value
from django.db.models.functions import Cast

from amls.core.fulltext import joined, vector_sql
from amls.core.statements import ModelStatement, Parameter, Statement, is_among
from amls.courses.models import Course
from amls.pagecache.parts import boundary_of
from amls.pagecache.signed_in import Writes, writes_to
from amls.pagecache.store import Key, store
from amls.portal.search.query import CONFIGURATIONS
from amls.portal.search.readers import Reader, in_courses, sees_material
from amls.portal.search.sources import Source, sources
from lectures.models import Lecture, Material
from lectures.targets import Shown, shown_of

# Roughly what a short text takes in memory besides its words, and what a file with its lecture does.
_BYTES_OF_A_TEXT, _BYTES_OF_A_FILE = 500, 3000


@dataclass(frozen=True, slots=True)
class ShortText:
    """A row of a source.

    Attributes:
        course: whose row it is, as everybody sees the course.
        pk: of the row.
        vector: by which it is found, as PostgreSQL writes it.
        values: of the columns that its name, address and group are made of.
    """

    source: Source
    course: Course
    pk: int
    vector: str
    values: tuple[Any, ...]

    @property
    def row(self) -> Any:
        """The row itself, with these columns alone."""
        row: Any = self.source.model(pk=self.pk)
        for name, value in zip(_columns_of(self.source), self.values, strict=True):
            setattr(row, name, value)
        row.course = self.course
        return row

    @property
    def parts(self) -> list[str]:
        """Its texts, its title first."""
        source = self.source
        return list(map(str, self.values[: 1 + len(source.texts) + len(source.named)]))


@dataclass(frozen=True, slots=True)
class OpenFile:
    """The newest version of a material that may be opened, with what its lecture's page shows."""

    material: Material
    shown: Shown


@dataclass(frozen=True, slots=True)
class CourseTexts:
    """What one audience of a course finds there.

    Attributes:
        course: as everybody sees it: a reader's own may know of their part in it.
        writes: of which it is the outcome.
        valid_until: when it looks different without any.
        files: that may be opened, by their primary keys.
        opened: those of them that somebody found, with their lectures.
    """

    course: Course
    writes: Writes
    valid_until: datetime
    files: frozenset[int]
    short: tuple[ShortText, ...]
    opened: dict[int, OpenFile] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        said = sum(len(text.vector) + sum(map(len, text.parts)) + _BYTES_OF_A_TEXT for text in self.short)
        return said + _BYTES_OF_A_FILE * len(self.files)


@dataclass(frozen=True)
class Texts:
    """What a reader finds in some courses, by the courses' primary keys."""

    courses: dict[int, CourseTexts]

    @classmethod
    def of(cls, reader: Reader) -> "Texts":
        """Return what a reader finds: 1 query, and what has changed since somebody like them searched there is read anew."""
        writes = writes_to(reader.courses)
        kept: dict[int, CourseTexts] = {}
        for pk in reader.courses:
            texts = store.get(_key(reader, pk), CourseTexts)
            if texts is not None and texts.writes == writes[pk] and reader.now < texts.valid_until:
                kept[pk] = texts
        lacking = reader.only([pk for pk in reader.courses if pk not in kept])
        if lacking.courses:
            for pk, texts in _read(lacking, writes).items():
                kept[pk] = texts
                store.put(_key(reader, pk), texts)
        return cls({pk: kept[pk] for pk in reader.courses if pk in kept})

    def only(self, courses: Iterable[int]) -> "Texts":
        """Return what is found in some of these courses."""
        chosen = set(courses)
        return Texts({pk: texts for pk, texts in self.courses.items() if pk in chosen})

    @property
    def version(self) -> Key:
        """Return what is another one as soon as something else may be found."""
        return tuple(f"{pk} {texts.writes} {texts.valid_until.isoformat()}" for pk, texts in self.courses.items())

    @cached_property
    def files(self) -> list[int]:
        """The files that may be opened, by their primary keys."""
        return [pk for texts in self.courses.values() for pk in texts.files]

    def open(self, reader: Reader, files: Iterable[int]) -> dict[int, OpenFile]:
        """Return some of these files with their lectures: 1 query, none where others found them before."""
        wanted = set(files)
        known = {pk: file for texts in self.courses.values() for pk, file in texts.opened.items() if pk in wanted}
        lacking = wanted - known.keys()
        return known | self._read(reader, lacking) if lacking else known

    def _read(self, reader: Reader, files: set[int]) -> dict[int, OpenFile]:
        of_lecture: dict[Lecture, list[Any]] = {}
        for material in _of_lectures().read(reader.given | {"files": list(files)}):
            of_lecture.setdefault(material.lecture, []).append(material)
        opened: dict[int, OpenFile] = {}
        for lecture, materials in of_lecture.items():
            texts = self.courses[lecture.course_id]
            lecture.course = texts.course
            current = {material.current_id: material for material in materials if material.current_id is not None}
            for material in materials:
                material.lecture = lecture
            shown = shown_of(lecture, materials, {pk: material.pages_read or 0 for pk, material in current.items()})
            of_it = {pk: OpenFile(material, shown) for pk, material in current.items()}
            texts.opened.update(of_it)
            opened |= of_it
        return opened

    @cached_property
    def short(self) -> list[ShortText]:
        """The short texts."""
        return [text for texts in self.courses.values() for text in texts.short]


def _key(reader: Reader, course: int) -> Key:
    audience = "managers" if course in reader.managed else "enrolled" if course in reader.enrolled else "visitors"
    return "texts", str(course), audience


def _read(reader: Reader, writes: dict[int, Writes]) -> dict[int, CourseTexts]:
    courses = Course.objects.in_bulk(list(reader.courses))
    files: dict[int, set[int]] = {pk: set() for pk in courses}
    for course, file in _files().run(reader.given):
        files[course].add(file)
    short: dict[int, list[ShortText]] = {pk: [] for pk in courses}
    kinds = {source.name: source for source in sources}
    for language in reader.languages:
        given = reader.only(reader.in_language(language)).given
        for name, pk, vector, values in _short_texts(language, tuple(kinds.values())).run(given):
            of_course = courses[values[0]]
            short[of_course.pk].append(ShortText(kinds[name], of_course, pk, vector, tuple(values[1:])))
    return {
        pk: CourseTexts(course, writes[pk], boundary_of(course, reader.now), frozenset(files[pk]), tuple(short[pk]))
        for pk, course in courses.items()
    }


@cache
def _files() -> Statement:
    """Return which files the reader may open, and of which course they are."""
    seen = Material.objects.filter(sees_material(), in_courses("lecture__course"), current__isnull=False)
    return Statement.of(seen.order_by().values_list("lecture__course", "current"))


@cache
def _of_lectures() -> ModelStatement[Material]:
    """Return what the reader may see of the lectures of some files, with how many pages were read of each."""
    lectures = Lecture.objects.filter(is_among("materials__current", Parameter("files")))
    seen = Material.objects.filter(sees_material(), lecture__in=lectures.values("pk"))
    rows = seen.annotate(pages_read=F("current__extraction__pages_done")).order_by("position", "pk")
    return ModelStatement.of(rows, along=("lecture", "current"), annotated=("pages_read",))


@cache
def _short_texts(language: str, kinds: tuple[Source, ...]) -> Statement:
    first, *others = (_rows(source, language) for source in kinds)
    return Statement.of(first.union(*others, all=True))


def _rows(source: Source, language: str) -> QuerySet[Any, Any]:
    configuration, _dictionary = CONFIGURATIONS[language]
    vector = RowVector(source.title, *source.texts, *source.named, configuration=configuration)
    values = Func("course_id", *_columns_of(source), function="json_build_array", output_field=models.JSONField())
    described = source.rows().annotate(of=Value(source.name), vector=Cast(vector, models.TextField()), values=values)
    rows: QuerySet[Any, Any] = described.order_by().values_list("of", "pk", "vector", "values")
    return rows


def _columns_of(source: Source) -> tuple[str, ...]:
    return (source.title, *source.texts, *source.named, *source.needed)


class RowVector(Func):
    """What a short text is found by: its title (A) and its other columns (B), in a language's stems and as written."""

    output_field = SearchVectorField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        """Return the SQL."""
        title, *texts = (compiler.compile(expression)[0] for expression in self.get_source_expressions())
        configuration = f"'{self.extra['configuration']}'::regconfig"
        # As one text: a parser started for each column would cost as much again as what it reads.
        return f"({vector_sql(configuration, [(title, 'A'), (joined(texts), 'B')])})", ()
