"""A deleted account leaves no name, address or number in any table."""

from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.urls import reverse

from amls.courses.models import RosterEntry, User
from amls.courses.participation import verify_number
from amls.held.models import HeldAct
from amls.mail.models import Notice
from amls.mail.outbox import notify
from amls.privacy.registry import delete_account
from projects.services.teams import register_team
from tests.cast import Cast
from tests.factories import AssignmentFactory, TopicFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = datetime(2024, 4, 20, 10, 0, tzinfo=UTC)
TEXTS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY')
"""


def where(*words: str) -> set[str]:
    """Return the columns in which one of the words stands, of all tables."""
    places = set()
    with connection.cursor() as cursor:
        cursor.execute(TEXTS)
        for table, column in cursor.fetchall():
            for word in words:
                cursor.execute(f'SELECT 1 FROM "{table}" WHERE "{column}"::text ILIKE %s LIMIT 1', [f"%{word}%"])
                if cursor.fetchone():
                    places.add(f"{table}.{column}: {word}")
    return places


def sent(key: str, subject: str, **values: Any) -> Notice:
    notify(key=key, kind="projects.idea-proposed", now=NOW, **values)
    Notice.objects.filter(key=key).update(state="sent", sent_at=NOW, subject=subject, reason=f"{subject}.")
    return Notice.objects.get(key=key)


def test_nothing_of_a_deleted_account_is_left_in_any_table(cast: Cast) -> None:
    user = cast.student.user
    client, desk, root = cast.client("student"), cast.client("lecturer"), cast.client("admin")
    user.display_name = "Grazyna Alt"
    user.save()
    user.display_name = "Grażyna Łępicka"
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    EmailAddress.objects.create(user=user, email="second@example.org", verified=True)
    RosterEntry.objects.create(course=cast.course, email="second@example.org", name="Grażyna Łępicka")
    verify_number(enrolment=cast.student, number="412345")
    page = reverse("admin:courses_enrolment_change", args=[cast.student.pk])
    assert desk.post(page, {"role": "student", "number": "0412345"}).status_code == 302
    page = reverse("admin:courses_user_change", args=[user.pk])
    answer = root.post(page, {"email": user.email, "display_name": "Grażyna Łępicka", "matriculation_number": "0412345", "language": "de", "is_active": "on"})  # fmt: skip
    assert answer.status_code == 302
    entry = {
        "course": cast.course.pk,
        "email": "second@example.org",
        "name": "G Łępicka",
        "matriculation_number": "0412345",
    }
    page = reverse("admin:courses_rosterentry_change", args=[RosterEntry.objects.get().pk])
    assert desk.post(page, entry).status_code == 302
    AssignmentFactory.create(course=cast.course)
    topic = TopicFactory.create(course=cast.course, team_max=2)
    register_team(enrolment=cast.other_student, topic=topic, emails=["second@example.org"], now=NOW)
    key = client.cookies["sessionid"].value
    UserSession.objects.create(user=user, session_key=key, ip="203.0.113.7")
    assert Session.objects.filter(session_key=key).exists()
    sent("to-second", "Your code", address="second@example.org")
    sent("to-staff", "Grażyna Łępicka proposes an idea", recipient=cast.lecturer.user, course=cast.course)
    sent("to-staff-then", "Grazyna Alt asks for more time", recipient=cast.lecturer.user, course=cast.course)
    kept = sent("kept", "Neugrażyna Łępickas Idee", recipient=cast.lecturer.user, course=cast.course)
    HeldAct.objects.create(
        course=cast.course, kind="tests", about="1", title="Withdraw: Grażyna Łępicka", back="/", by=cast.lecturer.user,
        created_at=NOW, apply_at=NOW, state="done", ended_at=NOW, outcome="Grażyna Łępicka is withdrawn and was told.",
    )  # fmt: skip
    assert LogEntry.objects.filter(object_repr__contains="Łępicka").count() >= 2
    words = ("student@example.org", "second@example.org", "Grażyna Łępicka", "G Łępicka", "Grazyna Alt", "412345")
    delete_account(user=user, now=NOW)
    assert {place for place in where(*words) if "Neugra" not in place} == {
        "mail_notice.subject: Grażyna Łępicka", "mail_notice.reason: Grażyna Łępicka"
    }  # fmt: skip
    kept.refresh_from_db()
    # Whole names alone are taken out, and what others wrote stays as it is.
    assert kept.subject == "Neugrażyna Łępickas Idee"
    assert [Notice.objects.get(key=key).subject for key in ("to-staff", "to-staff-then")] == [
        "… proposes an idea", "… asks for more time"
    ]  # fmt: skip
    assert not Session.objects.filter(session_key=key).exists()


def test_who_only_entered_anothers_address_takes_nothing_of_theirs_along(cast: Cast) -> None:
    EmailAddress.objects.create(user=cast.student.user, email="anna@uni.example", verified=False)
    entry = RosterEntry.objects.create(course=cast.course, email="anna@uni.example", name="Anna")
    notify(key="a", kind="projects.invited", now=NOW, address="anna@uni.example", course=cast.course)
    delete_account(user=cast.student.user, now=NOW)
    assert RosterEntry.objects.get() == entry
    assert Notice.objects.get(key="a").address == "anna@uni.example"
    assert User.objects.get(pk=cast.student.user_id).email.endswith("@deleted.invalid")
