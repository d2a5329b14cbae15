"""What can be read in files: the text of each page, slide and stretch of captions."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.fulltext import vector_sql
from amls.core.text import CleanTextField, LineField
from amls.courses.models import Course, Language, choices_hold
from lectures.managers import ExtractionQuerySet, PassageQuerySet
from lectures.models.materials import MaterialFile


class Problem(models.TextChoices):
    """Why a file can't be read, or not all of it."""

    NO_TEXT = "no_text", _("no text, only pictures (a scan)")
    ENCRYPTED = "encrypted", _("protected by a password")
    BROKEN = "broken", _("damaged")
    TOO_MANY_PAGES = "too_many_pages", _("too many pages")
    TOO_SLOW = "too_slow", _("takes too long")
    TOO_BIG = "too_big", _("needs too much memory")
    BROKEN_TIMES = "broken_times", _("captions with broken times")
    # Of the storage, not of the file: tried again until it is there.
    MISSING = "missing", _("not on this server at the moment")
    # Of the installation, such as while its packages are replaced: tried again, too.
    UNABLE = "unable", _("the reading of such files is out of order")


class Extraction(models.Model):
    """How far the reading of one file is: a row from its upload on."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        WORKING = "working", _("Being read")
        DONE = "done", _("Read")
        FAILED = "failed", _("Can't be read")

    file = models.OneToOneField(
        MaterialFile, models.CASCADE, primary_key=True, related_name="extraction", verbose_name=_("file")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    problem = models.CharField(_("problem"), max_length=20, choices=Problem, blank=True)
    pages_done = models.PositiveIntegerField(_("pages read"), default=0)
    pages_total = models.PositiveIntegerField(_("pages"), default=0)
    cues_dropped = models.PositiveIntegerField(_("captions left out"), default=0)
    is_tagged = models.BooleanField(_("tagged"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    created_at = models.DateTimeField(_("since"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects: ClassVar[ExtractionQuerySet] = ExtractionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("reading of a file")
        verbose_name_plural = _("readings of files")
        indexes = [
            models.Index(fields=["created_at"], condition=Q(state__in=["waiting", "working"]), name="extraction_open")
        ]
        constraints = [
            choices_hold("extraction_state_valid", "state", ["waiting", "working", "done", "failed"]),
            choices_hold("extraction_problem_valid", "problem", ["", *Problem.values]),
            RowCheck(name="extraction_failure_named", condition=~Q(state="failed") | ~Q(problem="")),
            RowCheck(
                name="extraction_lease_while_working",
                condition=Q(state="working", leased_until__isnull=False)
                | ~Q(state="working") & Q(leased_until__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file}: {self.get_state_display()}"


class PassageVector(Func):
    """What a passage is found by, computed by PostgreSQL.

    Stems of the title (A), text (B) and notes (C) in the course's language; every word as it
    is written, but folded (D), so that the beginning of a word finds it; and the course, which
    lets one index look into one course only.
    """

    output_field = SearchVectorField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        """Return the SQL; all of it is immutable, as a generated column asks for."""
        course, language, title, text, notes = (
            compiler.compile(expression)[0] for expression in self.get_source_expressions()
        )
        stems = f"CASE WHEN {language} = 'de' THEN 'german'::regconfig ELSE 'english'::regconfig END"
        words = vector_sql(stems, [(title, "A"), (text, "B"), (notes, "C")])
        return f"({words} || array_to_tsvector(ARRAY['course/' || {course}::text]))", ()


class Passage(models.Model):
    """A page, a slide, or a few captions in a row: what one search hit leads to."""

    class Kind(models.TextChoices):
        PAGE = "page", _("Page")
        SLIDE = "slide", _("Slide")
        CAPTION = "caption", _("Caption")

    course = models.ForeignKey(Course, models.CASCADE, related_name="+", verbose_name=_("course"))
    file = models.ForeignKey(MaterialFile, models.CASCADE, related_name="passages", verbose_name=_("file"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    number = models.PositiveIntegerField(_("number"))
    language = models.CharField(_("language"), max_length=5, choices=Language)
    title = LineField(_("title"), max_length=200, blank=True)
    text = CleanTextField(_("text"), blank=True)
    notes = CleanTextField(_("notes"), blank=True)
    # [[start, end, text], …] of captions, in milliseconds.
    cues = models.JSONField(_("captions"), default=list, blank=True)
    image = models.FileField(_("picture"), upload_to="slides", max_length=200, blank=True)
    thumb = models.FileField(_("small picture"), upload_to="slides", max_length=200, blank=True)
    width = models.PositiveSmallIntegerField(_("width"), default=0)
    height = models.PositiveSmallIntegerField(_("height"), default=0)
    vector = models.GeneratedField(
        expression=PassageVector(F("course"), F("language"), F("title"), F("text"), F("notes")),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects: ClassVar[PassageQuerySet] = PassageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("passage")
        verbose_name_plural = _("passages")
        ordering = ["file", "number"]
        indexes = [GinIndex(fields=["vector"], name="passage_vector", fastupdate=False)]
        constraints = [
            models.UniqueConstraint(fields=["file", "number"], name="passage_number_unique"),
            choices_hold("passage_kind_valid", "kind", ["page", "slide", "caption"]),
            choices_hold("passage_language_valid", "language", Language.values),
        ]

    def __str__(self) -> str:
        return f"{self.file} {self.number}"

    @property
    def starts_ms(self) -> int:
        """When its first caption begins, in milliseconds."""
        return int(self.cues[0][0]) if self.cues else 0

    @property
    def lines(self) -> list[str]:
        """The text line by line, without its title where that is the first of them."""
        lines = [line for line in self.text.split("\n") if line]
        for count in (1, 2, 3):
            if self.title and " ".join(lines[:count]) == self.title:
                return lines[count:]
        return lines


class WordList(models.Model):
    """The words of one length in a course's files, for suggestions when somebody mistypes one.

    Whoever looks for a word looks at all of about its length: they are read as a whole, thousands of words in one row.

    Attributes:
        words: one a line, those that stand in most passages first.
        passages: in how many each of them stands, in the same order.
    """

    course = models.ForeignKey(Course, models.CASCADE, related_name="+", verbose_name=_("course"))
    length = models.PositiveSmallIntegerField(_("length"))
    words = models.TextField(_("words"))
    passages = ArrayField(models.PositiveIntegerField(), verbose_name=_("passages"))

    class Meta:
        verbose_name = _("list of words")
        verbose_name_plural = _("lists of words")
        constraints = [models.UniqueConstraint(fields=["course", "length"], name="wordlist_unique")]

    def __str__(self) -> str:
        return f"{self.course} {self.length}"

    @property
    def counts(self) -> dict[str, int]:
        """In how many passages each word stands."""
        return dict(zip(self.words.split("\n"), self.passages, strict=True))
