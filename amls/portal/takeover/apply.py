"""A course file into the database: compared first, applied in one transaction, or not at all."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amls.courses.models import Course, StaffMember
from amls.courses.services import finish_course_change, lock_course
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.exams import ExamImport
from amls.portal.takeover.labels import (
    address_taken,
    slot_count,
    teams_have,
    topic_label,
)
from amls.portal.takeover.rows import Wanted
from amls.portal.takeover.spec import CourseFileError, CourseSpec, ProjectSpec
from amls.portal.takeover.timetable import TimetableImport
from projects.models import Assignment, Project, Topic
from projects.services.assignments import title_of_project


def import_course(
    *, spec: CourseSpec, now: datetime, slug: str | None = None, dry_run: bool = False, must_be_new: bool = False
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

    Raises:
        CourseFileError: it breaks a rule; nothing was written.
    """
    chosen = slug or spec.slug
    try:
        with transaction.atomic():
            existing = Course.objects.filter(slug=chosen).first()
            if existing is not None and must_be_new:
                raise address_taken(chosen)
            course = lock_course(existing.pk) if existing is not None else Course(slug=chosen)
            run = _Import(course, spec, now)
            run.apply()
            if run.problems:
                raise CourseFileError(run.problems)
            if run.diff and not dry_run:
                finish_course_change(course, now=now)
            if dry_run:
                transaction.set_rollback(True)
    except IntegrityError as error:
        # Pressed twice, both found the address free.
        if must_be_new and Course.objects.filter(slug=chosen).exists():
            raise address_taken(chosen) from error
        raise
    run.diff.warnings.extend(spec.warnings)
    return run.diff


class _Import(TimetableImport, ExamImport):
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
            key=lambda row: row.name,
            wanted_key=lambda wanted: wanted.values["name"],
            page_keeps={"email", "url"},
        )  # fmt: skip
        self.timetable()
        self._project()
        self._topics({row.name: row for row in staff})
        self._without_project()
        self._assignments()
        self.exam_rules()
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

    # ── lists ──

    def _project(self) -> None:
        spec = self.spec.projects
        existing = Assignment.objects.filter(course=self.course, is_main=True)
        if spec is None:
            if self.spec.is_complete and Project.objects.filter(assignment__in=existing).exists():
                self.problems.append(
                    _(
                        "[projects] is missing, but teams have registered: without it their deadlines would be lost. Put it back."
                    )
                )
                return
            if not self.spec.topics or existing.exists():
                return
            # Topics are those of a project, also in a file that says nothing more of it.
            spec = ProjectSpec()
        self.sync(
            existing,
            [
                Wanted(
                    _("Projects"),
                    {
                        **{
                            name: self.instant(getattr(spec, said), _("Projects"))
                            for said, name in _PROJECT_TIMES.items()
                        },
                        "late_cutoff_hours": spec.late_cutoff_hours, "hours": spec.hours, "ects": spec.ects,
                        "is_mandatory": spec.mandatory, "description": spec.description, "takes_own_ideas": spec.takes_own_ideas,
                        "topics_given": spec.topics_given, "wishes_min": spec.wishes_min, "wishes_max": spec.wishes_max,
                        "kinds_of_files": [kind.strip().lower().lstrip(".") for kind in spec.kinds_of_files],
                        "max_files": spec.max_files, "max_file_megabytes": spec.max_file_megabytes,
                        "max_total_megabytes": spec.max_total_megabytes,
                    },
                    self.when(spec.submission_deadline),
                )
            ],
            parent={"course": self.course, "is_main": True, "title": title_of_project(self.course)},
            key=lambda _row: 0,
            wanted_key=lambda _wanted: 0,
            page_keeps={
                "opens_at", "registration_closes_at", "late_cutoff_hours", "assessed_by", "description",
                "takes_own_ideas", "topics_given", "wishes_close_at", "wishes_min", "wishes_max", "kinds_of_files", "max_files", "max_file_megabytes", "max_total_megabytes",
            },
        )  # fmt: skip

    def _assignments(self) -> None:
        """Make what there is beside the course's project, each known by its title."""
        if not self.spec.is_complete:
            return
        wanted = []
        for position, spec in enumerate(self.spec.assignments, start=1):
            label = _("Assignment %(title)s") % {"title": spec.title}
            values = {name: getattr(spec, name) for name in _ASSIGNMENT_FIELDS}
            values |= {
                name: self.instant(getattr(spec, name), label) for name in ("due_at", "opens_at", "visible_from")
            }
            values |= {
                "kinds_of_files": [kind.strip().lower().lstrip(".") for kind in spec.kinds_of_files],
                "topics_given": "first-come" if spec.kind == Assignment.Kind.PROJECT else "",
                "position": position,
            }
            wanted.append(Wanted(label, values, self.when(spec.due_at)))
        self.sync(
            Assignment.objects.filter(course=self.course, is_main=False),
            wanted,
            key=lambda row: row.title,
            wanted_key=lambda wanted: wanted.values["title"],
        )

    def _without_project(self) -> None:
        """Take a course's project away of which a complete file says nothing, once its topics are gone."""
        spec = self.spec
        main = Assignment.objects.main_of(self.course)
        if main is not None and spec.is_complete and spec.projects is None and not spec.topics and not self.problems:
            self.diff.removed(_("Projects"))
            main.delete()

    def _topics(self, staff: dict[str, StaffMember]) -> None:
        if not self.spec.is_complete:
            return
        main = Assignment.objects.main_of(self.course)
        # Locked, because a team may take a slot while this counts them; registering locks the same rows.
        own = Topic.objects.filter(assignment=main).select_for_update(no_key=True, of=("self",)).order_by("pk")
        taken = {(row.track, row.title): row for row in own}
        wanted = []
        for position, topic in enumerate(self.spec.topics):
            namesake = taken.get((topic.track, topic.title))
            if namesake is not None and namesake.proposal:
                self.problems.append(
                    _(
                        "Topic %(title)s: a student has proposed an idea with this title in this track. Give the topic another title."
                    )
                    % {"title": topic.title}
                )
                return
            if namesake is not None and topic.slots < namesake.taken:
                self.problems.append(
                    _(
                        "Topic %(title)s: %(teams)s it, so it can't have %(slots)s. Give it at least %(taken)d, or close it with open = false."
                    )
                    % {
                        "title": topic.title,
                        "teams": teams_have(namesake.taken),
                        "slots": slot_count(topic.slots),
                        "taken": namesake.taken,
                    }
                )
            if topic.mentor and topic.mentor not in staff:
                why = _("Topic %(title)s: the mentor '%(mentor)s' is not on the staff.")
                self.problems.append(why % {"title": topic.title, "mentor": topic.mentor})
                return
            values = {
                name: getattr(topic, name)
                for name in (
                    "track",
                    "title",
                    "description",
                    "team_min",
                    "team_max",
                    "slots",
                    "fewest_teams",
                    "must_be_held",
                )
            }
            values |= {
                "mentor": staff.get(topic.mentor), "skills": list(topic.skills), "links": list(topic.links),
                "is_open": topic.open, "position": position,
            }  # fmt: skip
            wanted.append(Wanted(topic_label(topic), values))
        self.sync(
            Topic.objects.of_staff().filter(assignment=main),
            wanted,
            parent={"course": self.course, "assignment": main},
            key=lambda row: (row.track, row.title),
            wanted_key=lambda wish: (wish.values["track"], wish.values["title"]),
            keep_instead=self._close_topic,
        )

    def _close_topic(self, topic: Topic) -> bool:
        """Close a topic that the file no longer names but that teams have or had: their work hangs on it."""
        if not topic.projects.exists() and not topic.switched_from.exists():
            return False
        if topic.is_open:
            self.update(topic, Wanted(topic_label(topic), {"is_open": False}))
            teams = teams_have(topic.taken) if topic.taken else _("a team had")
            self.diff.warnings.append(
                _(
                    "Topic %(title)s is not in the file, but %(teams)s it: it is closed rather than removed, and its teams keep it. If it only got another name, rename it at the desk before you import."
                )
                % {"title": topic.title, "teams": teams}
            )
        return True


_COURSE_FIELDS = (
    "title", "term", "institution", "ects", "language", "timezone", "description", "first_day", "last_day",
    "contact_email", "enrolment_policy", "enrolment_code",
)  # fmt: skip
# What a page can't say, so that its reader's defaults must not overwrite it.
_NOT_ON_PAGES = {"language", "enrolment_policy", "description"}
_ASSIGNMENT_FIELDS = (
    "title", "kind", "series", "number", "late_cutoff_hours", "teaming", "team_min", "team_max", "hand_in", "grading",
    "max_points", "counts", "description", "max_files", "max_file_megabytes", "max_total_megabytes",
)  # fmt: skip
# What files call the times of a project, with the fields that hold them.
_PROJECT_TIMES = {
    "submission_deadline": "due_at",
    "registration_opens_at": "opens_at",
    "registration_closes_at": "registration_closes_at",
    "assessed_by": "assessed_by",
    "wishes_close_at": "wishes_close_at",
}
