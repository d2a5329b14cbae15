"""What a term of 1,000 people leaves in the database, table by table, what the purge leaves of it, and how long it locks.

The rows are made as many as services make for a course with twelve sheets, a project in teams of four and two exams, their
histories by the database's own triggers. Run alone: `python -m tests.bench growth`.
"""

import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from tests.bench.stage import stage

PEOPLE, TEAM, SHEETS, LECTURES = 1000, 4, 12, 24
# Of each person in a term: mails, sign-ins and the like, devices, dates of their own, times that a feed was fetched.
MAILS, EVENTS, DEVICES, DATES = 40, 30, 3, 6
BATCH = 5000
_LISTED = 14


def measure() -> list[dict[str, object]]:
    """Return the largest tables after the term, at the end of each period, and the longest transaction of the purges."""
    with stage():
        from django.conf import settings

        from amls.exports.cleaning import purge_everything

        then = _term()
        rows = [_table(f"after the term: {label}", count, size) for label, count, size in _largest()]
        total = _bytes()
        rows.append(_table("all tables after the term", PEOPLE, total))
        for name, years in (
            ("100 days", 0.27),
            ("a year", 1.1),
            (f"{settings.KEEP_HISTORY_YEARS:g} years", settings.KEEP_HISTORY_YEARS + 0.6),
            (f"{settings.KEEP_COURSE_YEARS:g} years", settings.KEEP_COURSE_YEARS + 1),
        ):
            with _longest_transaction() as longest:
                started, deleted = time.process_time(), purge_everything(now=then + timedelta(days=365.25 * years))
                used = time.process_time() - started
            _vacuum()
            rows.append(
                {
                    "case": f"purge {name} later",
                    "value": deleted,
                    "ratio": round(_bytes() / total, 2),
                    "aim": f"rows; {_bytes() / 1024**2:.0f} MiB left; {used:.0f} s of a processor; longest transaction {max(longest):.2f} s",
                }
            )
        rows += [_table(f"after all purges: {label}", count, size) for label, count, size in _largest()[:8]]
        return rows


def _table(case: str, rows: int, size: int) -> dict[str, object]:
    return {
        "case": case,
        "value": rows,
        "ratio": "",
        "aim": f"rows, {size / 1024**2:.1f} MiB, {size / PEOPLE / 1024:.1f} KiB a person",
    }


def _largest() -> list[tuple[str, int, int]]:
    from amls.portal.growth import table_sizes

    _vacuum()
    return [(table.label, table.rows, table.size) for table in table_sizes() if table.rows][:_LISTED]


def _bytes() -> int:
    from amls.portal.growth import table_sizes

    return sum(table.size for table in table_sizes())


def _vacuum() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL ANALYZE")


@contextmanager
def _longest_transaction() -> Iterator[list[float]]:
    """Look at the server 50 times a second: how old is the oldest transaction that writes?"""
    from django.db import connection

    parameters = connection.get_connection_params()
    words = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if parameters.get(name)}
    found, ended = [0.0], threading.Event()

    def look() -> None:
        with psycopg.connect(**words, autocommit=True) as watcher:
            while not ended.wait(0.02):
                row = watcher.execute(
                    "SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::float FROM pg_stat_activity "
                    "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
                ).fetchone()
                if row and row[0] is not None:
                    found.append(row[0])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _all(model: Any, rows: Iterator[Any]) -> list[Any]:
    return list(model.objects.bulk_create(rows, batch_size=BATCH))


def _term() -> datetime:
    """Make the term, which has ended and is archived; return when."""
    from allauth.usersessions.models import UserSession
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from amls.agenda.models import AgendaItem
    from amls.courses.models import AccountEvent, Course, Enrolment, RosterEntry, User
    from amls.mail.models import Notice
    from exams.models import Registration, Result
    from tests.factories import CourseFactory, LectureFactory, OpenExamFactory

    now = timezone.now()
    course = CourseFactory.create(
        slug="growth", state="running", first_day=(now - timedelta(days=120)).date(), last_day=now.date()
    )
    for number in range(LECTURES):
        LectureFactory.create(course=course, number=f"{number:02}", starts_at=now - timedelta(days=5 * number))
    users = _all(
        User,
        (
            User(
                email=f"p{n}@growth.example.org", display_name=f"Ștefan Größe {n}", matriculation_number=str(500000 + n)
            )
            for n in range(PEOPLE)
        ),
    )
    people = _all(Enrolment, (Enrolment(user=user, course=course) for user in users))
    _all(
        RosterEntry,
        (
            RosterEntry(
                course=course,
                email=user.email,
                name=user.display_name,
                matriculation_number=user.matriculation_number,
                enrolment=person,
            )
            for user, person in zip(users, people, strict=True)
        ),
    )
    _all(
        AccountEvent,
        (
            AccountEvent(user=user, what="signed-in", at=now, network="192.0.2.0/24", browser="Firefox on Linux")
            for user in users
            for _n in range(EVENTS)
        ),
    )
    _all(
        Session,
        (
            Session(session_key=secrets.token_hex(16), session_data="x" * 300, expire_date=now)
            for _user in users
            for _n in range(DEVICES)
        ),
    )
    _all(
        UserSession,
        (
            UserSession(
                user=user,
                ip="192.0.2.0",
                user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
                session_key=secrets.token_hex(16),
                last_seen_at=now,
            )
            for user in users
            for _n in range(DEVICES)
        ),
    )
    _all(
        Notice,
        (
            Notice(
                key=f"growth:{n}:{user.pk}",
                kind="agenda.reminder",
                course=course,
                recipient=user,
                references={"item": n},
                not_before=now,
                created_at=now,
                sent_at=now,
                state="sent",
                attempts=1,
                sent_to=user.email,
                subject="Reminder: Sheet 7 is due tomorrow, 23:59",
            )
            for user in users
            for n in range(MAILS)
        ),
    )
    _all(
        AgendaItem,
        (
            AgendaItem(
                course=course,
                enrolment=person,
                key=f"own:{n}:{person.pk}",
                kind="deadline",
                title="Sheet 7",
                path="/growth/",
                starts_at=now,
                ends_at=now,
                created_at=now,
                changed_at=now,
            )
            for person in people
            for n in range(DATES)
        ),
    )
    for exam in (OpenExamFactory.create(course=course, title=title, capacity=PEOPLE) for title in ("Exam", "Retake")):
        part = people if exam.title == "Exam" else people[: PEOPLE // 3]
        signed = _all(
            Registration,
            (
                Registration(
                    course=course,
                    exam=exam,
                    enrolment=person,
                    state="attended" if exam.title == "Exam" else "withdrawn",
                    created_at=now,
                    changed_at=now,
                    closed_at=None if exam.title == "Exam" else now,
                )
                for person in part
            ),
        )
        if exam.title == "Exam":
            _all(Result, (Result(registration=each, points=55, grade="2.3") for each in signed))
    for number in range(SHEETS + 1):
        _piece_of_work(number, course, people, now)
    Course.objects.filter(pk=course.pk).update(state="archived")
    return now


def _piece_of_work(number: int, course: Any, people: list[Any], now: datetime) -> None:
    """Make the project, or a sheet of everyone alone: teams, hand-ins in two attempts, what they were given for it."""
    from projects.models import Membership, Project, Submission, SubmissionFile
    from tests.factories import AssignmentFactory, TopicFactory

    size = 1 if number else TEAM
    kinds = (
        {"kind": "sheet", "title": f"Sheet {number}", "topics_given": "", "teaming": "alone", "is_main": False}
        if number
        else {}
    )
    assignment = AssignmentFactory.create(course=course, due_at=now - timedelta(days=1), **kinds)
    topic = None if number else TopicFactory.create(course=course, slots=PEOPLE)
    teams = [people[start : start + size] for start in range(0, PEOPLE, size)]
    projects = _all(Project, (Project(assignment=assignment, topic=topic, registered_at=now) for _team in teams))
    _all(
        Membership,
        (
            Membership(project=project, assignment=assignment, enrolment=person, joined_at=now)
            for project, team in zip(projects, teams, strict=True)
            for person in team
        ),
    )
    attempts = _all(
        Submission,
        (
            Submission(
                project=project,
                attempt=attempt,
                submitted_by=team[0],
                began_at=now,
                received_at=now,
                request_key=uuid.uuid4(),
            )
            for project, team in zip(projects, teams, strict=True)
            for attempt in (1, 2)
        ),
    )
    _all(
        SubmissionFile,
        (
            SubmissionFile(
                submission=each,
                file=f"submissions/{each.pk}.pdf",
                filename="sheet.pdf",
                content_type="application/pdf",
                size=200_000,
                sha256="0" * 64,
            )
            for each in attempts
        ),
    )


if __name__ == "__main__":
    for row in measure():
        print(row)
