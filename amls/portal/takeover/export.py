"""The database into a course file."""

from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from amls.core.clock import to_wall_clock
from amls.courses.models import Course, WeeklySlot
from amls.grading.extra import load_extra
from amls.grading.models import Roll
from amls.grading.tree import load
from amls.portal.takeover.references import blocks_of
from amls.portal.takeover.spec import (
    AssignmentSpec,
    BlockSpec,
    CourseSpec,
    DeadlineSpec,
    ExamRulesSpec,
    ExamSpec,
    ExceptionSpec,
    ExtraStepSpec,
    FreeDaySpec,
    GradingSpec,
    HandoutSpec,
    LectureSpec,
    ListSpec,
    MaterialSpec,
    MentorLimitSpec,
    OfficeHourSpec,
    PartSpec,
    ProjectSpec,
    RoomSpec,
    SlotSpec,
    StaffSpec,
    TaskSpec,
    TopicSpec,
)
from amls.portal.takeover.understanding.slots import WEEKDAYS
from exams.models import Exam, ExamRules
from exams.queries import exam_rules
from lectures.models import Lecture, Material, OfficeHour, Part
from lectures.queries import lectures_of
from projects.managers import AssignmentQuerySet
from projects.models import Assignment, Handout, MentorLimit, Topic
from projects.services.assignments import title_of_project


def export_course(course: Course) -> CourseSpec:
    """Return all that the course is, without its people and what they did."""
    rules = exam_rules(course)
    return CourseSpec(
        slug=course.slug,
        title=course.title,
        term=course.term,
        codes=tuple(course.codes),
        kinds=tuple(course.kinds),
        institution=course.institution,
        ects=course.ects,
        language=course.language,
        timezone=course.timezone,
        description=course.description,
        first_day=course.first_day,
        last_day=course.last_day,
        contact_email=course.contact_email,
        enrolment_policy=course.enrolment_policy,
        enrolment_code=course.enrolment_code,
        comment_snippets=tuple(course.comment_snippets.values_list("text", flat=True)),
        slots=tuple(_slot(slot) for slot in course.slots),
        staff=_staff(course),
        office_hours=_office_hours(course),
        parts=_parts(course),
        lectures=tuple(
            _lecture(lecture, course)
            for lecture in lectures_of(course, Lecture.objects.prefetch_related("materials__current"))
        ),
        free_days=free_days_of(course),
        deadlines=_deadlines(course),
        projects=_projects(course),
        topics=_topics(course),
        assignments=tuple(
            _assignment(assignment, course)
            for assignment in _with_parts(course).filter(is_main=False).order_by("position", "pk")
        ),
        lists=tuple(
            ListSpec(title=roll.title, planned=roll.planned)
            for roll in Roll.objects.filter(course=course).order_by("pk")
        ),
        admission=_admission(course, rules),
        exams=tuple(
            _exam(exam, course)
            for exam in Exam.objects.filter(course=course).prefetch_related("rooms").order_by("starts_at", "pk")
        ),
        exam_rules=_exam_rules(rules),
        grading=GradingSpec(
            exam_percent=rules.exam_percent,
            project_is_prerequisite=rules.project_is_prerequisite,
            max_extra_points=rules.max_extra_points,
            text=course.grading,
        ),
    )


def free_days_of(course: Course) -> tuple[FreeDaySpec, ...]:
    """Return a course's days without class."""
    return tuple(
        FreeDaySpec(date=free_day.first, last=free_day.last, title=free_day.title)
        for free_day in course.free_days.all()
    )


def span_of_course(course: Course) -> tuple[date, date] | None:
    """Return the first and the last day of a course, as far as it or its sessions say them."""
    held = course.lectures.values_list("starts_at", "day")
    days = [timezone.localdate(starts_at, course.zone) if starts_at else day for starts_at, day in held]
    known = [day for day in (course.first_day, course.last_day, *days) if day]
    return (min(known), max(known)) if known else None


def _staff(course: Course) -> tuple[StaffSpec, ...]:
    return tuple(
        StaffSpec(
            role=member.role, name=member.name, affiliation=member.affiliation, email=member.email, url=member.url
        )
        for member in course.staff.order_by("position", "pk")
    )


def _parts(course: Course) -> tuple[PartSpec, ...]:
    parts = Part.objects.filter(course=course).order_by("position", "pk")
    return tuple(PartSpec(letter=part.letter, title=part.title) for part in parts)


def _deadlines(course: Course) -> tuple[DeadlineSpec, ...]:
    return tuple(
        DeadlineSpec(
            title=deadline.title,
            kind=deadline.kind,
            due_at=_local(deadline.due_at, course),
            day=deadline.day,
            url=deadline.url,
        )
        for deadline in course.deadlines.all()
    )


def _slot(slot: WeeklySlot) -> SlotSpec:
    return SlotSpec(
        kind=slot.kind,
        weekday=WEEKDAYS[slot.weekday] if slot.weekday is not None else "",
        start=slot.start,
        end=slot.end,
        room=slot.room,
        mode=slot.mode,
        call_in=slot.call_in,
    )


def _local(instant: datetime | None, course: Course) -> datetime | None:
    return None if instant is None else to_wall_clock(instant, course.zone)


def _office_hours(course: Course) -> tuple[OfficeHourSpec, ...]:
    hours = OfficeHour.objects.filter(course=course).prefetch_related("exceptions").order_by("weekday", "start")
    return tuple(_office_hour(hour, course) for hour in hours)


def _office_hour(hour: OfficeHour, course: Course) -> OfficeHourSpec:
    exceptions = tuple(
        ExceptionSpec(
            day=exception.day,
            cancelled=exception.is_cancelled,
            starts_at=_local(exception.moved_to_start, course),
            ends_at=_local(exception.moved_to_end, course),
            room=exception.room,
        )
        for exception in hour.exceptions.all()
    )
    return OfficeHourSpec(
        weekday=WEEKDAYS[hour.weekday],
        start=hour.start,
        end=hour.end,
        room=hour.room,
        mode=hour.mode,
        call_in=hour.call_in,
        first=hour.first,
        last=hour.last,
        exceptions=exceptions,
    )


def _lecture(lecture: Lecture, course: Course) -> LectureSpec:
    return LectureSpec(
        number=lecture.number,
        part=(lecture.part.letter or lecture.part.title) if lecture.part else "",
        title=lecture.title,
        kind=lecture.kind,
        starts_at=_local(lecture.starts_at, course),
        ends_at=_local(lecture.ends_at, course),
        day=lecture.day,
        room=lecture.room,
        mode=lecture.mode,
        call_in=lecture.call_in,
        call_in_public=lecture.is_call_in_public,
        state=lecture.state,
        abstract=lecture.abstract,
        materials=tuple(_material(material, course) for material in lecture.materials.all()),
    )


def _material(material: Material, course: Course) -> MaterialSpec:
    current = material.current
    return MaterialSpec(
        kind=material.kind,
        title=material.title,
        url=material.url,
        file=current.filename if current else "",
        sha256=current.sha256 if current else "",
        audience=material.audience,
        visible_from=_local(material.visible_from, course),
    )


def _handout(handout: Handout, course: Course) -> HandoutSpec:
    current = handout.current
    return HandoutSpec(
        title=handout.title,
        file=current.filename if current else "",
        sha256=current.sha256 if current else "",
        visible_from=_local(handout.visible_from, course),
    )


def _with_parts(course: Course) -> AssignmentQuerySet:
    limits = MentorLimit.objects.select_related("mentor").order_by("mentor__position", "pk")
    return Assignment.objects.filter(course=course).prefetch_related(
        "tasks", "handouts__current", Prefetch("mentor_limits", limits)
    )


def _projects(course: Course) -> ProjectSpec | None:
    main = _with_parts(course).filter(is_main=True).first()
    if main is None:
        return None
    return ProjectSpec(
        title="" if main.title == title_of_project(course) else main.title,
        submission_deadline=_local(main.due_at, course),
        registration_opens_at=_local(main.opens_at, course),
        topics_given=main.topics_given,
        **_work(main, course),
    )


def _assignment(assignment: Assignment, course: Course) -> AssignmentSpec:
    is_first_come = assignment.topics_given == Assignment.TopicsGiven.FIRST_COME
    return AssignmentSpec(
        title=assignment.title,
        kind=assignment.kind,
        series=assignment.series,
        number=assignment.number,
        due_at=_local(assignment.due_at, course),
        opens_at=_local(assignment.opens_at, course),
        topics_given="" if is_first_come else assignment.topics_given,
        **_work(assignment, course),
    )


def _work(assignment: Assignment, course: Course) -> dict[str, Any]:
    """Return what the course's project and every other assignment say by the same names."""
    tasks = tuple(TaskSpec(title=task.title, max_points=task.max_points) for task in assignment.tasks.all())
    return {
        **{name: _local(getattr(assignment, name), course) for name in _WORK_TIMES},
        **{name: getattr(assignment, name) for name in _WORK_FIELDS},
        "mandatory": assignment.is_mandatory,
        "kinds_of_files": tuple(assignment.kinds_of_files),
        "max_points": None if tasks else assignment.max_points,
        "tasks": tasks,
        "handouts": tuple(_handout(handout, course) for handout in assignment.handouts.all()),
        "mentor_limits": tuple(
            MentorLimitSpec(mentor=limit.mentor.name, most=limit.most) for limit in assignment.mentor_limits.all()
        ),
    }


_WORK_TIMES = ("registration_closes_at", "visible_from", "assessed_by", "wishes_close_at")
_WORK_FIELDS = (
    "late_policy", "late_cutoff_hours", "grace_minutes", "late_percent", "teaming", "team_min", "team_max", "hand_in", "grading", "pass_percent", "question_days", "counts", "hours", "ects",
    "description", "takes_own_ideas", "wishes_min", "wishes_max", "max_files", "max_file_megabytes",
    "max_total_megabytes",
)  # fmt: skip


def _admission(course: Course, rules: ExamRules) -> tuple[BlockSpec, ...]:
    rule = load(rules.rule)
    if not rule.parts:
        return ()
    assignments = dict(Assignment.objects.filter(course=course).values_list("pk", "title"))
    return blocks_of(rule, assignments, dict(Roll.objects.filter(course=course).values_list("pk", "title")))


def _topics(course: Course) -> tuple[TopicSpec, ...]:
    topics = Topic.objects.of_staff().filter(course=course).select_related("mentor", "assignment")
    return tuple(_topic(topic) for topic in topics.order_by("position", "pk"))


def _topic(topic: Topic) -> TopicSpec:
    return TopicSpec(
        track=topic.track,
        title=topic.title,
        assignment="" if topic.assignment.is_main else topic.assignment.title,
        description=topic.description,
        mentor=topic.mentor.name if topic.mentor else "",
        skills=tuple(topic.skills),
        links=tuple(topic.links),
        team_min=topic.team_min,
        team_max=topic.team_max,
        slots=topic.slots,
        fewest_teams=topic.fewest_teams,
        must_be_held=topic.must_be_held,
        open=topic.is_open,
    )


def _exam(exam: Exam, course: Course) -> ExamSpec:
    return ExamSpec(
        kind=exam.kind,
        title=exam.title,
        starts_at=to_wall_clock(exam.starts_at, course.zone),
        duration_minutes=exam.duration_minutes,
        place=exam.place,
        examiners=exam.examiners,
        capacity=exam.capacity,
        opens_at=_local(exam.opens_at, course),
        # What follows from the hours is not said besides.
        closes_at=_local(exam.closes_at, course) if exam.closes_hours_before is None else None,
        closes_hours_before=exam.closes_hours_before,
        withdraw_until=_local(exam.withdraw_until, course),
        review_at=_local(exam.review_at, course),
        review_minutes=exam.review_minutes,
        review_place=exam.review_place,
        max_points=exam.max_points,
        cancelled=exam.cancelled_because,
        rooms=tuple(
            RoomSpec(
                name=room.name,
                rows=room.rows,
                seats_per_row=room.seats_per_row,
                spacing=room.spacing,
                for_accommodations=room.is_separate,
            )
            for room in exam.rooms.all()
        ),
    )


def _exam_rules(rules: ExamRules) -> ExamRulesSpec:
    extra = load_extra(rules.extra_points_rule)
    return ExamRulesSpec(
        binding_name=rules.binding_name,
        binding_url=rules.binding_url,
        extra_points_lift_fail=rules.extra_points_lift_fail,
        needs_matriculation_number=rules.needs_matriculation_number,
        keeps_seat_while_waiting=rules.keeps_seat_while_waiting,
        shows_distribution=rules.shows_distribution,
        extra_points_leave_out=extra.leave_out if extra.steps else 0,
        extra_points=tuple(ExtraStepSpec(percent=step.percent, points=step.points) for step in extra.steps),
    )
