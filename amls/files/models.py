"""What was imported from tables, for as long as it can be taken back; and uploads that wait for the next try."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField

KEPT_FOLDER = "kept"


class KeptUpload(models.Model):
    """A file that somebody sent with a form which was not done with; `amls.files.shelf` writes and deletes it.

    Attributes:
        purpose: for what it was sent; for another one it is not there.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("sent by"))
    purpose = models.CharField(_("purpose"), max_length=100)
    file = models.FileField(_("file"), max_length=200)
    filename = LineField(_("name"), max_length=200)
    size = models.PositiveBigIntegerField(_("bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    kept_at = models.DateTimeField(_("kept"))

    class Meta:
        verbose_name = _("kept upload")
        verbose_name_plural = _("kept uploads")
        ordering = ["pk"]
        indexes = [models.Index(fields=["owner", "purpose"], name="keptupload_owner_purpose")]

    def __str__(self) -> str:
        return self.filename

    def place(self) -> str:
        """Return where it is stored: under a name that says nothing, and that nobody guesses."""
        return f"{KEPT_FOLDER}/{uuid.uuid4().hex}"


class MissingFile(models.Model):
    """A stored file that a row names and that was not there when it was looked for; see `amls.files.rollcall`."""

    name = models.CharField(max_length=300, unique=True)
    noticed_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class StorageMark(models.Model):
    """What stands in the storage of this installation, so that no other is taken for it; see `amls.files.marks`."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    token = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [RowCheck(name="storagemark_is_the_only_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return self.token[:8]


class TableImport(models.Model):
    """A table that was imported into a course."""

    course = models.ForeignKey("courses.Course", models.CASCADE, related_name="+", verbose_name=_("course"))
    kind = models.CharField(_("kind"), max_length=40)
    subject = LineField(_("subject"), max_length=200, blank=True)
    filename = LineField(_("file"), max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("imported by")
    )
    at = models.DateTimeField(_("imported"))

    class Meta:
        verbose_name = _("import of a table")
        verbose_name_plural = _("imports of tables")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.filename or self.kind


class ImportedRow(models.Model):
    """One row that an import added or changed, with what was there before.

    Attributes:
        object_id: of what was added or changed; the kind of the import says of what.
        before: its values; None where it was added.
        after: what the import made of them.
        person: whose row it is, so that it is forgotten with them.
    """

    table_import = models.ForeignKey(TableImport, models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField(_("line"))
    label = LineField(_("what"), max_length=300)
    object_id = models.BigIntegerField()
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    undone_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    class Meta:
        verbose_name = _("imported row")
        verbose_name_plural = _("imported rows")
        ordering = ["table_import", "line", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["table_import", "object_id"], name="importedrow_once"),
            RowCheck(
                name="importedrow_changes_something",
                condition=Q(before__isnull=True) | ~Q(before=F("after")),
            ),
        ]

    def __str__(self) -> str:
        return str(self.label)
