"""A course file into the database: compared first, applied in one transaction, or not at all."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amls.courses.models import Course, CourseAddress, StaffMember
from amls.courses.services import finish_course_change, lock_course
from amls.portal.takeover.coursework import CourseworkImport
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.exams import ExamImport
from amls.portal.takeover.labels import address_taken
from amls.portal.takeover.rows import Wanted, known_by
from amls.portal.takeover.spec import CourseFileError, CourseSpec
from amls.portal.takeover.timetable import TimetableImport


def import_course(
    *,
    spec: CourseSpec,
    now: datetime,
    slug: str | None = None,
    dry_run: bool = False,
    must_be_new: bool = False,
    removes: bool = True,
) -> Diff:
    """Make the course say what `spec` says, and return what that changes.

    Rows that the file still means are kept, and with them addresses and calendar
    identities. From a page only what it says is changed; a course.toml says everything.
    A second run changes nothing and gives the course no new revision.

    Args:
        spec: as read from a file.
        now: aware; the moment of the change.
        slug: of the course to make or update; by default the file's.
        dry_run: compare only.
        must_be_new: refuse an address that a course has, also one made at the same time.
        removes: whether what it does not name goes; otherwise sessions, parts and weekly slots stay and are noted, and
            with a page all else.

    Raises:
        CourseFileError: it breaks a rule; nothing was written.
    """
    chosen = slug or spec.slug
    try:
        with transaction.atomic():
            if must_be_new and CourseAddress.objects.filter(slug=chosen).exists():
                raise address_taken(chosen)
            existing = Course.objects.filter(slug=chosen).first()
            if existing is None:
                _refuse_former_address(chosen)
            course = lock_course(existing.pk) if existing is not None else Course(slug=chosen)
            run = _Import(course, spec, now, removes=removes)
            run.apply()
            if run.problems:
                raise CourseFileError(run.problems)
            if run.diff and not dry_run:
                finish_course_change(course, now=now)
            if dry_run:
                transaction.set_rollback(True)
    except IntegrityError as error:
        # Pressed twice, both found the address free.
        if must_be_new and CourseAddress.objects.filter(slug=chosen).exists():
            raise address_taken(chosen) from error
        raise
    run.diff.warnings.extend(spec.warnings)
    return run.diff


def _refuse_former_address(slug: str) -> None:
    moved = CourseAddress.objects.filter(slug=slug).select_related("course").first()
    if moved is not None:
        why = _(
            "'%(slug)s' is a former address of '%(course)s', whose address is '%(now)s'. Write slug = \"%(now)s\" to "
            "change that course, or an address that no course had."
        )
        raise CourseFileError([why % {"slug": slug, "course": moved.course, "now": moved.course.slug}])


class _Import(TimetableImport, CourseworkImport, ExamImport):
    """One import: all that a file says of a course."""

    def apply(self) -> None:
        self._course()
        if self.problems:
            return
        staff = self.sync(
            StaffMember.objects.filter(course=self.course),
            [
                Wanted(
                    person.name,
                    {
                        "name": person.name, "role": person.role, "affiliation": person.affiliation,
                        "email": person.email, "url": person.url, "position": position,
                    },
                )
                for position, person in enumerate(self.spec.staff)
            ],
            known_by(lambda get: get("name")),
            page_keeps={"email", "url"},
        )  # fmt: skip
        self.timetable()
        self.coursework({row.name: row for row in staff})
        self.exam_rules()
        self.admission()
        self.exams()

    # ── the course itself ──

    def _course(self) -> None:
        spec = self.spec
        values: dict[str, Any] = {
            **{name: getattr(spec, name) for name in _COURSE_FIELDS},
            "codes": list(spec.codes),
            "kinds": list(spec.kinds),
            "grading": spec.grading.text,
        }
        if not spec.timezone:
            del values["timezone"]
        is_new = self.course.pk is None
        if is_new:
            label = _("Course %(slug)s") % {"slug": self.course.slug}
            self.diff.added(label, f"{spec.title}, {spec.term}")
            for name, value in values.items():
                setattr(self.course, name, value)
            self.save(self.course, label)
        else:
            if not spec.is_complete:
                values = {name: value for name, value in values.items() if value or name in ("title", "term")}
                values = {name: value for name, value in values.items() if name not in _NOT_ON_PAGES}
            self.update(self.course, Wanted(_("Course"), values))


_COURSE_FIELDS = (
    "title", "term", "institution", "ects", "language", "timezone", "description", "first_day", "last_day",
    "contact_email", "enrolment_policy", "enrolment_code",
)  # fmt: skip
# What a page can't say, so that its reader's defaults must not overwrite it.
_NOT_ON_PAGES = {"language", "enrolment_policy", "description"}
