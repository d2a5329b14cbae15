"""A deleted account leaves no name, address or number in any table."""

from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.urls import reverse

from amls.courses.models import Enrolment, RosterEntry, User
from amls.courses.participation import verify_number
from amls.held.models import HeldAct
from amls.mail.models import Notice
from amls.mail.outbox import notify
from amls.privacy.registry import delete_account
from projects.models import Invitation
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


def sent(key: str, subject: str, kind: str = "projects.member-joined", **values: Any) -> Notice:
    notify(key=key, kind=kind, now=NOW, **values)
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
    to_staff: dict[str, Any] = {"recipient": cast.lecturer.user, "course": cast.course}
    who = {"references": {"who": cast.student.pk}}
    sent("to-staff", "Grażyna Łępicka joined your project", **to_staff, **who)
    sent("to-staff-then", "Grazyna Alt joined your project", **to_staff, **who)
    sent("address", "Invitation declined: Second@example.org", "projects.invitation-declined", **to_staff)
    kept = sent("kept", "Neugrażyna Łępickas Idee", **to_staff, **who)
    act = HeldAct.objects.create(
        course=cast.course, kind="exams.act", about=f"withdraw:1:{cast.student.pk}", title="Withdraw: Grażyna Łępicka",
        back="/", by=cast.lecturer.user, created_at=NOW, apply_at=NOW, state="done", ended_at=NOW,
        outcome="Grażyna Łępicka is withdrawn and was told.",
        references={"act": "withdraw", "values": {"enrolment": cast.student.pk, "reason": "Grażyna Łępicka is ill"}},
    )  # fmt: skip
    sent("refused", "Not done: Withdraw: Grażyna Łępicka", "held.refused", **to_staff, references={"act": act.pk})
    assert LogEntry.objects.filter(object_repr__contains="Łępicka").count() >= 2
    words = ("student@example.org", "second@example.org", "Grażyna Łępicka", "G Łępicka", "Grazyna Alt", "412345")
    delete_account(user=user, now=NOW)
    assert {place for place in where(*words) if "Neugra" not in place} == {
        "mail_notice.subject: Grażyna Łępicka", "mail_notice.reason: Grażyna Łępicka"
    }  # fmt: skip
    kept.refresh_from_db()
    # Whole names alone are taken out, and what others wrote stays as it is.
    assert kept.subject == "Neugrażyna Łępickas Idee"
    keys = ("to-staff", "to-staff-then", "address", "refused")
    assert [Notice.objects.get(key=key).subject for key in keys] == [
        "… joined your project", "… joined your project", "Invitation declined: …", "Not done: Withdraw: …"
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


def test_whose_name_is_an_ordinary_word_takes_no_word_of_others_along(cast: Cast) -> None:
    user = cast.student.user
    user.display_name = "Project"
    user.save()
    to_staff: dict[str, Any] = {"recipient": cast.lecturer.user, "course": cast.course}
    sent("of-others", "Project registered: Zebrafish", "projects.registered", **to_staff)
    sent("other-joined", "Project Aid joined your project", **to_staff, references={"who": cast.other_student.pk})
    sent("joined", "Project joined your project", **to_staff, references={"who": cast.student.pk})
    acts = [
        HeldAct.objects.create(
            course=cast.course, kind="exams.act", about=f"register:1:{person.pk}", title=f"Project: {person.user}",
            back="/", created_at=NOW, apply_at=NOW, state="done", ended_at=NOW,
            references={"values": {"enrolment": person.pk}},
        )
        for person in (cast.other_student, cast.student)
    ]  # fmt: skip
    course = ContentType.objects.get_for_model(Enrolment)
    for person in (cast.other_student, cast.student):
        LogEntry.objects.create(
            user=cast.lecturer.user, content_type=course, object_id=str(person.pk), object_repr=f"Project {person.pk}",
            action_flag=2,
        )  # fmt: skip
    delete_account(user=user, now=NOW)
    assert dict(Notice.objects.exclude(subject="").values_list("key", "subject")) == {
        "of-others": "Project registered: Zebrafish", "other-joined": "Project Aid joined your project",
        "joined": "… joined your project",
    }  # fmt: skip
    for act in acts:
        act.refresh_from_db()
    assert [act.title for act in acts] == [f"Project: {cast.other_student.user}", "…: …"]
    assert list(LogEntry.objects.order_by("pk").values_list("object_repr", flat=True)) == [
        f"Project {cast.other_student.pk}", f"… {cast.student.pk}"
    ]  # fmt: skip


def test_an_address_that_the_account_had_before_is_forgotten_too(cast: Cast) -> None:
    user = cast.student.user
    old, taken = user.email, "taken@example.org"
    AssignmentFactory.create(course=cast.course)
    topic = TopicFactory.create(course=cast.course, team_max=3)
    register_team(enrolment=cast.other_student, topic=topic, emails=[old, taken], now=NOW)
    RosterEntry.objects.create(course=cast.other_course, email=old, name="Anna")
    for address in (taken, "new@example.org"):
        user.email = address
        user.save()
    User.objects.create_user(taken)
    delete_account(user=user, now=NOW)
    assert where(old) == set()
    # What somebody else has by now is theirs.
    assert list(Invitation.objects.order_by("email").values_list("email", flat=True)) == [user_address(user), taken]


def user_address(user: User) -> str:
    return User.objects.get(pk=user.pk).email
