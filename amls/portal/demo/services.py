"""The demo: AMLS SS2024 as it was, a running copy in which today lies mid-term, and a course with weekly sheets."""

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Role, User
from amls.courses.participation import enrol
from amls.courses.services import finish_course_change
from amls.portal.demo.accounts import DEMO_ACCOUNTS, FELLOW_ADDRESSES, FELLOW_STUDENTS
from amls.portal.demo.coursework import COURSEWORK, make_coursework
from amls.portal.demo.exams import make_exams
from amls.portal.demo.projects import make_projects
from amls.portal.demo.slides import LectureText, load_texts, make_captions, make_pdf, make_pptx, recording
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.course_files import read_course_file
from amls.portal.takeover.export import export_course
from amls.portal.takeover.rollover import shift_course
from amls.portal.takeover.spec import CourseSpec, ExceptionSpec, TopicSpec
from lectures.models import Lecture, Material, MaterialCount
from lectures.services.materials import upload_for_lecture

ARCHIVED, RUNNING = "amls-ss2024", "amls"
_LECTURER = "lecturer@example.org"
_FOLDER = Path(__file__).resolve().parent
# How many weeks of the running copy lie behind today.
_WEEKS_BEHIND = 6


def make_demo(*, now: datetime, with_coursework: bool = True) -> None:
    """Make the demo's courses, materials and people; what is there already stays as it is.

    Args:
        now: by which the dates of the running courses go.
        with_coursework: whether the course with weekly sheets and wishes is made beside AMLS.

    Raises:
        RuleViolation: there are courses that are not the demo's (code 'real-courses'). Nothing is made then.
    """
    real = [course.slug for course in Course.objects.order_by("slug") if not _is_demo(course)]
    if real:
        raise RuleViolation(
            f"This database has courses that are not the demo's ({', '.join(real[:5])}): nothing was made. "
            "Make the demo in an installation of its own: AMLS_VAR_DIR=… manage.py serve, without DATABASE_URL.",
            code="real-courses",
        )
    people = make_people()
    texts = load_texts()
    with transaction.atomic():
        archived = _make_course(_archived_spec(texts), Course.State.ARCHIVED, now=now)
        running = _make_course(_running_spec(archived, now=now), Course.State.RUNNING, now=now)
    for course in (archived, running):
        _enrol_everyone(course, people)
        _upload(course, texts, now=now)
        make_projects(course, people, now=now)
        _count_uses(course, now=now)
    make_exams(archived, running, now=now)
    if with_coursework:
        make_coursework(people, now=now)


def _is_demo(course: Course) -> bool:
    """Return whether it is one of the demo's, and not one that only has its address."""
    lecturer = course.enrolments.filter(user__email=_LECTURER, role=Role.LECTURER)
    return course.slug in (ARCHIVED, RUNNING, COURSEWORK) and lecturer.exists()


def make_people() -> dict[str, User]:
    """Return the demo's accounts by address; those that are missing are made."""
    addresses = dict(DEMO_ACCOUNTS)
    addresses |= dict(zip(FELLOW_ADDRESSES, FELLOW_STUDENTS, strict=True))
    people = {}
    for address, name in addresses.items():
        user = User.objects.filter(email=address).first()
        if user is None:
            user = User.objects.create_user(
                address, settings.DEMO_PASSWORD, display_name=name, is_superuser=address.startswith("admin@")
            )
            EmailAddress.objects.create(user=user, email=address, verified=True, primary=True)
        people[address] = user
    return people


def _archived_spec(texts: dict[str, LectureText]) -> CourseSpec:
    # The page names its term, so that no year is guessed by today's.
    spec = read_course_file((_FOLDER / "amls-ss2024.txt").read_bytes(), slug=ARCHIVED, today=date(2024, 4, 15))
    lectures = tuple(replace(lecture, abstract=texts[lecture.number].abstract) for lecture in spec.lectures)
    exams = tuple(
        replace(exam, opens_at=exam.starts_at - timedelta(weeks=6), closes_at=exam.starts_at - timedelta(days=7),
                withdraw_until=exam.starts_at - timedelta(days=3), capacity=200)
        for exam in spec.exams
    )  # fmt: skip
    return replace(
        spec,
        is_complete=True,
        institution="TU Berlin",
        contact_email="amls@example.org",
        enrolment_policy="open",
        first_day=date(2024, 4, 15),
        last_day=date(2024, 7, 20),
        timezone="Europe/Berlin",
        slots=tuple(replace(slot, call_in="https://meet.example.org/amls") for slot in spec.slots),
        office_hours=tuple(
            replace(hour, call_in="https://meet.example.org/amls-office-hour") for hour in spec.office_hours
        ),
        lectures=tuple(
            replace(lecture, call_in_public=True) if lecture.number == "01" else lecture for lecture in lectures
        ),
        exams=exams,
        topics=_topics("M.Sc. Sebastian Baunsgaard"),
        description=(
            "How do the systems underneath machine learning work? The course follows a program from its "
            "language over compiler and runtime down to the hardware, and then the life of data and models around it.\n\n"
            "**Part A** is about the inside of ML systems, **part B** about the systems that data and models live in. "
            "You should know linear algebra, and databases or operating systems from your bachelor's studies."
        ),
    )


def _topics(mentor: str) -> tuple[TopicSpec, ...]:
    data = tomllib.loads((_FOLDER / "topics.toml").read_text(encoding="utf-8"))
    return tuple(
        TopicSpec(**{**entry, "skills": tuple(entry["skills"])}, mentor=mentor if entry["track"] != "Own idea" else "")
        for entry in data["topics"]
    )


def _running_spec(archived: Course, *, now: datetime) -> CourseSpec:
    today = now.astimezone(archived.zone).date()
    start = today - timedelta(weeks=_WEEKS_BEHIND)
    holidays = [
        date(year, 12, 22) + timedelta(days=number) for year in (start.year, start.year + 1) for number in range(14)
    ]
    spec = shift_course(export_course(archived), new_slug=RUNNING, start=start, skip=holidays)
    # Of the holidays only those within the course are its days without class.
    last = max(lecture.starts_at for lecture in spec.lectures if lecture.starts_at is not None)
    spec = replace(spec, free_days=tuple(day for day in spec.free_days if day.date <= last.date()))
    # Two weeks ahead the office hour is dropped once, so that a cancelled item can be seen.
    tuesday = today + timedelta(days=(1 - today.weekday()) % 7 + 14)
    office_hours = tuple(
        replace(hour, exceptions=(ExceptionSpec(day=tuesday, cancelled=True),)) for hour in spec.office_hours
    )
    return replace(spec, office_hours=office_hours)


def _make_course(spec: CourseSpec, state: str, *, now: datetime) -> Course:
    course = Course.objects.filter(slug=spec.slug).first()
    if course is None:
        import_course(spec=spec, now=now)
        course = Course.objects.get(slug=spec.slug)
        course.state = state
        course.save(update_fields=["state"])
        finish_course_change(course, now=now)
    return course


def _enrol_everyone(course: Course, people: dict[str, User]) -> None:
    roles = {"assistant@example.org": Role.ASSISTANT, _LECTURER: Role.LECTURER}
    for address, user in people.items():
        if not address.startswith(("admin@", "stranger@")):
            enrol(user=user, course=course, role=roles.get(address, Role.STUDENT))


def _upload(course: Course, texts: dict[str, LectureText], *, now: datetime) -> None:
    """Upload what the course announces: in the running copy only for lectures that have begun, or begin this week."""
    is_archived = course.state == Course.State.ARCHIVED
    for lecture in Lecture.objects.filter(course=course).prefetch_related("materials").order_by("starts_at"):
        slides_are_out = is_archived or (lecture.starts_at is not None and lecture.starts_at < now + timedelta(days=7))
        is_recorded = is_archived or lecture.is_over_at(now)
        announced = {material.kind for material in lecture.materials.all()}
        if lecture.number not in texts or not announced or not slides_are_out:
            continue
        for kind, name, content in _files(lecture, course, texts[lecture.number], announced):
            if kind in (Material.Kind.MP4, Material.Kind.CAPTIONS) and not is_recorded:
                continue
            upload = SimpleUploadedFile(name, content)
            upload_for_lecture(lecture=lecture, kind=kind, upload=upload, by=None, now=now)


def _count_uses(course: Course, *, now: datetime) -> None:
    """Let the course have been used: more around each lecture, less later in the term."""
    rows = []
    for index, lecture in enumerate(Lecture.objects.filter(course=course, starts_at__lt=now).order_by("starts_at")):
        for material in lecture.materials.filter(current__isnull=False, kind__in=["pdf", "pptx", "mp4"]):
            use = MaterialCount.Use.WATCHED if material.kind == Material.Kind.MP4 else MaterialCount.Use.DOWNLOADED
            first = lecture.held_on or now.date()
            for day in range(0, 21, 3):
                count = (180 - 9 * index) // (day + 2) // (3 if material.kind == Material.Kind.PPTX else 1)
                if first + timedelta(days=day) <= now.date():
                    rows.append(MaterialCount(material=material, day=first + timedelta(days=day), use=use, count=count))
    MaterialCount.objects.bulk_create(rows, ignore_conflicts=True)


def _files(
    lecture: Lecture, course: Course, text: LectureText, announced: set[str]
) -> Iterable[tuple[str, str, bytes]]:
    stem = "".join(word for word in lecture.title.replace("-", " ").replace(",", "").split() if word[0].isupper())
    name = f"{lecture.number}_{stem}"
    course_name = course.title
    if Material.Kind.PDF in announced:
        yield Material.Kind.PDF, f"{name}.pdf", _pdf(lecture.title, course_name, lecture.number)
    if Material.Kind.PPTX in announced:
        yield Material.Kind.PPTX, f"{name}.pptx", _pptx(lecture.title, course_name, lecture.number)
    video = recording(lecture.number) if Material.Kind.MP4 in announced else None
    if video is not None:
        yield Material.Kind.MP4, f"{name}.mp4", video
        yield Material.Kind.CAPTIONS, f"{name}.vtt", make_captions(lecture.title, text)


@cache
def _pdf(title: str, course: str, number: str) -> bytes:
    return make_pdf(title, course, load_texts()[number])


@cache
def _pptx(title: str, course: str, number: str) -> bytes:
    return make_pptx(title, course, load_texts()[number])
