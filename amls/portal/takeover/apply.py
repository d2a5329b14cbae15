"""A course file into the database: compared first, applied in one transaction, or not at all."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amls.core.times import say_day, say_span
from amls.courses.models import Course, StaffMember
from amls.courses.services import finish_course_change, lock_course
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.exams import ExamImport
from amls.portal.takeover.labels import (
    address_taken,
    lecture_label,
    office_hour_label,
    slot_count,
    teams_have,
    topic_label,
)
from amls.portal.takeover.rows import Wanted
from amls.portal.takeover.spec import CourseFileError, CourseSpec, LectureSpec, SlotSpec
from amls.portal.takeover.understanding.links import is_whole
from amls.portal.takeover.understanding.slots import WEEKDAYS
from lectures.models import Lecture, Material, MaterialFile, OfficeHour, OfficeHourException, Part
from projects.models import Project, ProjectRules, Topic


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


class _Import(ExamImport):
    """One import: all that a file says of a course."""

    def apply(self) -> None:
        self._course()
        if self.problems:
            return
        staff = self.sync(
            StaffMember.objects.filter(course=self.course),
            [
                Wanted(s.name, {"name": s.name, "role": s.role, "affiliation": s.affiliation, "email": s.email, "url": s.url, "position": n})
                for n, s in enumerate(self.spec.staff)
            ],
            key=lambda row: row.name,
            wanted_key=lambda wanted: wanted.values["name"],
            page_keeps={"email", "url"},
        )  # fmt: skip
        self._parts_and_lectures()
        self._office_hours()
        self._project()
        self._topics({row.name: row for row in staff})
        self.exam_rules()
        self.exams()

    # ── the course itself ──

    def _course(self) -> None:
        spec = self.spec
        slot = spec.slots[0] if spec.slots else SlotSpec()
        values: dict[str, Any] = {
            **{name: getattr(spec, name) for name in _COURSE_FIELDS},
            "codes": list(spec.codes),
            "kinds": list(spec.kinds),
            "grading": spec.grading.text,
            "slot_weekday": WEEKDAYS.index(slot.weekday) if slot.weekday in WEEKDAYS else None,
            "slot_start": slot.start,
            "slot_end": slot.end,
            "slot_room": slot.room,
            "slot_mode": slot.mode,
            "slot_call_in": slot.call_in,
        }
        if slot.weekday and slot.weekday not in WEEKDAYS:
            self.problems.append(_not_a_weekday("slot.weekday", slot.weekday))
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

    def _parts_and_lectures(self) -> None:
        parts = self.sync(
            Part.objects.filter(course=self.course),
            [Wanted(_("Part %(name)s") % {"name": p.letter or p.title}, {"letter": p.letter, "title": p.title, "position": n}) for n, p in enumerate(self.spec.parts)],
            key=lambda row: row.letter or row.title,
            wanted_key=lambda wanted: wanted.values["letter"] or wanted.values["title"],
        )  # fmt: skip
        by_name = {part.letter or part.title: part for part in parts}
        wanted = [w for lecture in self.spec.lectures if (w := self._lecture(lecture, by_name)) is not None]
        rows = self.sync(
            Lecture.objects.filter(course=self.course),
            wanted,
            key=lambda row: row.number or f"{row.part}|{row.title}",
            wanted_key=lambda w: w.values["number"] or f"{w.values['part']}|{w.values['title']}",
            page_keeps={"abstract", "call_in", "is_call_in_public", "state"},
            may_remove=_has_no_files,
        )
        if len(rows) == len(self.spec.lectures):
            for row, lecture in zip(rows, self.spec.lectures, strict=True):
                self._materials(row, lecture)

    def _lecture(self, spec: LectureSpec, parts: dict[str, Part]) -> Wanted | None:
        label = lecture_label(spec)
        if spec.part and spec.part not in parts:
            why = _("%(what)s: there is no part '%(part)s'; parts are %(parts)s.")
            self.problems.append(why % {"what": label, "part": spec.part, "parts": ", ".join(parts) or _("none")})
            return None
        starts_at, ends_at = self.instant(spec.starts_at, label), self.instant(spec.ends_at, label)
        if starts_at is None or ends_at is None:
            return None
        return Wanted(
            label,
            {
                "number": spec.number, "part": parts.get(spec.part), "title": spec.title, "abstract": spec.abstract,
                "starts_at": starts_at, "ends_at": ends_at, "room": spec.room, "mode": spec.mode, "call_in": spec.call_in,
                "is_call_in_public": spec.call_in_public, "state": spec.state,
            },
            self.when(spec.starts_at, spec.ends_at, spec.room),
        )  # fmt: skip

    def _materials(self, lecture: Lecture, spec: LectureSpec) -> None:
        label = lecture_label(spec)
        wanted = []
        for position, material in enumerate(spec.materials):
            # What a page links within its own site stays announced: the reading has warned of it.
            url = material.url if self.spec.is_complete or is_whole(material.url) else ""
            values = {
                "kind": material.kind, "title": material.title, "url": url, "audience": material.audience,
                "visible_from": self.instant(material.visible_from, label), "position": position,
            }  # fmt: skip
            wanted.append(Wanted(f"{label}, {material.title or material.kind}", values))
        rows = self.sync(
            Material.objects.filter(lecture=lecture).select_related("current"),
            wanted,
            key=lambda row: f"{row.kind}|{row.title}",
            wanted_key=lambda w: f"{w.values['kind']}|{w.values['title']}",
            parent={"lecture": lecture},
            page_keeps={"title", "audience", "visible_from", "position"},
            may_remove=lambda row: _has_no_file(row, label),
            removes=self.spec.is_complete,
        )  # fmt: skip
        for row, material in zip(rows, spec.materials, strict=False):
            if material.sha256:
                self._file(row, material.sha256, material.file, label)

    def _file(self, material: Material, sha256: str, filename: str, label: str) -> None:
        """Give a material the file with this hash, where this installation has it already."""
        if material.current is not None and material.current.sha256 == sha256:
            return
        known = MaterialFile.objects.filter(sha256=sha256).order_by("pk").first()
        if known is None:
            why = _("%(what)s: upload '%(file)s' yourself; this installation does not have it.")
            self.diff.warnings.append(why % {"what": label, "file": filename})
            return
        newest = material.files.order_by("-version").values_list("version", flat=True).first() or 0
        copy = MaterialFile.objects.create(
            material=material, version=newest + 1, file=known.file.name, filename=filename or known.filename,
            content_type=known.content_type, size=known.size, sha256=sha256, pages=known.pages, seconds=known.seconds,
            uploaded_at=known.uploaded_at,
        )  # fmt: skip
        material.current = copy
        material.save(update_fields=["current"])
        self.diff.added(_("%(what)s, file") % {"what": label}, copy.filename)

    def _office_hours(self) -> None:
        wanted = []
        for hour in self.spec.office_hours:
            if hour.weekday not in WEEKDAYS:
                self.problems.append(_not_a_weekday("office_hours", hour.weekday))
                return
            values = {
                name: getattr(hour, name) for name in ("start", "end", "room", "mode", "call_in", "first", "last")
            }
            values |= {"weekday": WEEKDAYS.index(hour.weekday)}
            span = [say_day(one) for one in (hour.first, hour.last) if one]
            note = ", ".join([say_span(hour.start, hour.end), *filter(None, [" – ".join(span), hour.room])])
            wanted.append(Wanted(office_hour_label(hour), values, note))
        rows = self.sync(
            OfficeHour.objects.filter(course=self.course),
            wanted,
            key=lambda row: row.weekday,
            wanted_key=lambda w: w.values["weekday"],
            page_keeps={"call_in", "first", "last"},
        )
        if not self.spec.is_complete:
            return
        for row, hour in zip(rows, self.spec.office_hours, strict=False):
            self.sync(
                OfficeHourException.objects.filter(office_hour=row),
                [
                    Wanted(
                        f"{office_hour_label(hour)} {one.day}",
                        {
                            "day": one.day, "is_cancelled": one.cancelled, "room": one.room,
                            "moved_to_start": self.instant(one.starts_at, office_hour_label(hour)),
                            "moved_to_end": self.instant(one.ends_at, office_hour_label(hour)),
                        },
                        _("cancelled") if one.cancelled else self.when(one.starts_at, one.ends_at, one.room),
                    )
                    for one in hour.exceptions
                ],
                key=lambda exception: exception.day,
                wanted_key=lambda w: w.values["day"],
                parent={"office_hour": row},
            )  # fmt: skip

    def _project(self) -> None:
        spec = self.spec.projects
        existing = ProjectRules.objects.filter(course=self.course)
        if spec is None:
            if self.spec.is_complete and existing.exists():
                if Project.objects.active().of_course(self.course).exists():
                    self.problems.append(
                        _(
                            "[projects] is missing, but teams have registered: without it their deadlines would be lost. Put it back."
                        )
                    )
                    return
                self.diff.removed(_("Projects"))
                existing.delete()
            return
        self.sync(
            existing,
            [
                Wanted(
                    _("Projects"),
                    {
                        **{name: self.instant(getattr(spec, name), _("Projects")) for name in _PROJECT_TIMES},
                        "late_cutoff_hours": spec.late_cutoff_hours, "hours": spec.hours, "ects": spec.ects,
                        "is_mandatory": spec.mandatory, "description": spec.description, "takes_own_ideas": spec.takes_own_ideas,
                        "kinds_of_files": [kind.strip().lower().lstrip(".") for kind in spec.kinds_of_files],
                        "max_files": spec.max_files, "max_file_megabytes": spec.max_file_megabytes,
                        "max_total_megabytes": spec.max_total_megabytes,
                    },
                    self.when(spec.submission_deadline),
                )
            ],
            key=lambda _row: 0,
            wanted_key=lambda _wanted: 0,
            page_keeps={
                "registration_opens_at", "registration_closes_at", "late_cutoff_hours", "assessed_by", "description",
                "takes_own_ideas", "kinds_of_files", "max_files", "max_file_megabytes", "max_total_megabytes",
            },
        )  # fmt: skip

    def _topics(self, staff: dict[str, StaffMember]) -> None:
        if not self.spec.is_complete:
            return
        # Locked, because a team may take a slot while this counts them; registering locks the same rows.
        own = Topic.objects.filter(course=self.course).select_for_update(no_key=True, of=("self",)).order_by("pk")
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
                for name in ("track", "title", "description", "team_min", "team_max", "slots")
            }
            values |= {
                "mentor": staff.get(topic.mentor), "skills": list(topic.skills), "links": list(topic.links),
                "is_open": topic.open, "position": position,
            }  # fmt: skip
            wanted.append(Wanted(topic_label(topic), values))
        self.sync(
            Topic.objects.of_staff().filter(course=self.course),
            wanted,
            key=lambda row: (row.track, row.title),
            wanted_key=lambda w: (w.values["track"], w.values["title"]),
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


def _not_a_weekday(where: str, word: str) -> str:
    return _("%(where)s: '%(word)s' is not a weekday such as 'thursday'.") % {"where": where, "word": word}


def _has_no_file(material: Material, label: str) -> str:
    if material.current is None:
        return ""
    why_not = _("%(what)s: its file '%(file)s' would be lost; remove it at the desk first.")
    return why_not % {"what": label, "file": material.current.filename}


def _has_no_files(lecture: Lecture) -> str:
    if lecture.materials.filter(current__isnull=False).exists():
        why_not = _(
            "Lecture %(lecture)s is no longer in the file but has uploaded files. Cancel it, or remove its files at the desk first."
        )
        return why_not % {"lecture": lecture}
    return ""


_COURSE_FIELDS = (
    "title", "term", "institution", "ects", "language", "timezone", "description", "first_day", "last_day",
    "contact_email", "enrolment_policy", "enrolment_code",
)  # fmt: skip
# What a page can't say, so that its reader's defaults must not overwrite it.
_NOT_ON_PAGES = {"language", "enrolment_policy", "description", "slot_call_in"}
_PROJECT_TIMES = ("submission_deadline", "registration_opens_at", "registration_closes_at", "assessed_by")
