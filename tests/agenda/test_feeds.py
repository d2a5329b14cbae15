"""Feeds over HTTP, as calendar programs fetch them for years."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from django.utils.http import http_date
from icalendar import Calendar
from pytest_django import DjangoAssertNumQueries, Settings

from amls.agenda import fetches
from amls.agenda.feeds import personal_feed_url
from amls.agenda.ical import vtimezone
from amls.agenda.models import FeedToken, FeedUse
from amls.agenda.services import reconcile, renew_feed
from amls.agenda.tasks import flush_feed_fetches, reconcile_running_courses
from amls.courses.models import Course, Enrolment, WeeklySlot
from lectures.models import Deadline, Lecture
from lectures.services.schedule import change_lecture, remove_lecture
from tests.cast import Cast
from tests.factories import EnrolmentFactory, LectureFactory, OfficeHourFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 4, 20, 12, tzinfo=UTC)


@pytest.fixture
def lecture(cast: Cast) -> Lecture:
    lecture = LectureFactory.create(course=cast.course, number="05", title="Data- and Task-Parallel Execution")
    reconcile(cast.course, now=timezone.now())
    return lecture


def path_of(enrolment: Enrolment) -> str:
    return personal_feed_url(enrolment).removeprefix("http://localhost:8000")


def events(client: Client, path: str) -> list:
    answer = client.get(path)
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).walk("VEVENT")


def test_a_feed_carries_what_standards_ask_for(client: Client, lecture: Lecture) -> None:
    answer = client.get("/amls/calendar.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache"
    assert "Set-Cookie" not in answer
    text = answer.content.decode()
    for line in (
        "VERSION:2.0", "CALSCALE:GREGORIAN", "X-WR-TIMEZONE:Europe/Berlin", "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H", "SOURCE;VALUE=URI:http://localhost:8000/amls/calendar.ics", "URL:http://localhost:8000/amls/",
    ):  # fmt: skip
        assert f"{line}\r\n" in text
    assert "METHOD" not in text
    assert "\r\nUID" not in text.split("BEGIN:VEVENT")[0]
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(event["SUMMARY"]) == "05 Data- and Task-Parallel Execution"
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt
    assert (str(event["STATUS"]), int(event["SEQUENCE"]), str(event["TRANSP"])) == ("CONFIRMED", 0, "OPAQUE")
    assert str(lecture.starts_at.year) not in str(event["UID"])


def test_the_berlin_rules_are_those_of_the_standard() -> None:
    text = vtimezone(Course(timezone="Europe/Berlin").zone).to_ical().decode()
    lines = text.split("\r\n")
    assert "DTSTART:19810329T020000" in lines
    assert "DTSTART:19961027T030000" in lines
    assert "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3" in lines
    assert "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10" in lines
    assert "RDATE" not in text


@pytest.mark.parametrize(
    "zone",
    [
        "America/New_York",
        "Australia/Sydney",
        "Asia/Kolkata",
        "UTC",
        "Africa/Casablanca",
        "America/Sao_Paulo",
        "Asia/Tehran",
    ],
)
def test_other_zones_give_the_same_instants(client: Client, cast: Cast, lecture: Lecture, zone: str) -> None:
    Course.objects.filter(pk=cast.course.pk).update(timezone=zone)
    (event,) = events(client, "/amls/calendar.ics")
    assert event["DTSTART"].dt.astimezone(UTC) == lecture.starts_at
    assert event["DTEND"].dt.astimezone(UTC) == lecture.ends_at


def test_the_second_fetch_costs_one_query_and_a_known_etag_gets_304(
    client: Client, cast: Cast, lecture: Lecture, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for path in ("/amls/calendar.ics", "/amls/lectures/05.ics", path_of(cast.student)):
        first = client.get(path)
        with django_assert_num_queries(1):
            assert client.get(path).content == first.content
        with django_assert_num_queries(1):
            known = client.get(path, headers={"if-none-match": first["ETag"]})
        assert (known.status_code, known.content) == (304, b"")
        # No date says when a feed changed last.
        assert "Last-Modified" not in first
        assert client.get(path, headers={"if-modified-since": http_date(time.time())}).content == first.content
        assert "Vary" not in first
        assert "Content-Encoding" not in client.get(path, headers={"accept-encoding": "gzip, br"})


def test_head_works_and_other_methods_do_not(client: Client, lecture: Lecture) -> None:
    head = client.head("/amls/calendar.ics")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head["Content-Length"]) > 500
    assert client.post("/amls/calendar.ics").status_code == 405
    assert client.delete("/amls/calendar.ics").status_code == 405
    # A calendar program that probes for more than a feed has no form token: that is no reason to ask it for a password.
    program = Client(enforce_csrf_checks=True)
    assert program.generic("PROPFIND", "/amls/calendar.ics").status_code == 405
    assert program.post("/amls/lectures/05.ics").status_code == 405
    assert program.post("/calendar/1-x.ics").status_code == 405


def test_a_moved_lecture_keeps_its_uid_with_a_higher_sequence(client: Client, lecture: Lecture) -> None:
    (before,) = events(client, "/amls/calendar.ics")
    an_hour_later = before["DTSTART"].dt + timedelta(hours=1)
    change_lecture(lecture_pk=lecture.pk, now=timezone.now(), starts_at=an_hour_later, room="H 0111")
    (after,) = events(client, "/amls/calendar.ics")
    assert before["UID"] == after["UID"]
    assert (int(before["SEQUENCE"]), int(after["SEQUENCE"])) == (0, 1)
    assert after["DTSTART"].dt - before["DTSTART"].dt == timedelta(hours=1)
    assert str(after["LOCATION"]) == "H 0111, online"


def test_a_deleted_lecture_stays_cancelled(client: Client, lecture: Lecture) -> None:
    (before,) = events(client, "/amls/calendar.ics")
    remove_lecture(lecture, now=timezone.now())
    (after,) = events(client, "/amls/calendar.ics")
    assert (str(after["STATUS"]), str(after["SUMMARY"])) == (
        "CANCELLED",
        "Cancelled: 05 Data- and Task-Parallel Execution",
    )
    assert after["UID"] == before["UID"]
    assert int(after["SEQUENCE"]) == 1


def test_call_in_links_are_for_enrolled_people(client: Client, cast: Cast, lecture: Lecture) -> None:
    assert b"zoom.example.org" not in client.get("/amls/calendar.ics").content
    assert b"zoom.example.org" not in client.get("/amls/lectures/05.ics").content
    (event,) = events(client, path_of(cast.student))
    assert str(event["CONFERENCE"]) == "https://zoom.example.org/lecture"
    (public,) = events(client, "/amls/calendar.ics")
    assert "once you have signed in" in public["DESCRIPTION"]
    change_lecture(lecture_pk=lecture.pk, now=timezone.now(), is_call_in_public=True)
    assert b"zoom.example.org" in client.get("/amls/calendar.ics").content


def test_no_calendar_promises_a_link_that_nobody_has(client: Client, cast: Cast, lecture: Lecture) -> None:
    WeeklySlot.objects.filter(course=cast.course).update(call_in="")
    change_lecture(lecture_pk=lecture.pk, now=timezone.now(), mode="virtual", call_in="")
    for path in ("/amls/calendar.ics", "/amls/lectures/05.ics", path_of(cast.student)):
        (event,) = events(client, path)
        assert "signed in" not in event["DESCRIPTION"]
        assert str(event["LOCATION"]) == "online"


def test_a_personal_feed_dies_with_its_address(client: Client, cast: Cast, lecture: Lecture) -> None:
    old = path_of(cast.student)
    assert client.get(old)["Cache-Control"] == "private, no-cache"
    renew_feed(enrolment=cast.student)
    assert client.get(old).status_code == 404
    fresh = Enrolment.objects.get(pk=cast.student.pk)
    assert client.get(path_of(fresh)).status_code == 200
    fresh.delete()
    assert client.get(path_of(cast.student)).status_code == 404


@pytest.mark.parametrize(
    "token", ["1", "1-", "x-y", "999999999999999999999-abc", "1-wrong", "٣-abc", "-", "1-" + "a" * 500]
)
def test_a_made_up_address_is_404(client: Client, cast: Cast, token: str) -> None:
    assert client.get(f"/calendar/{token}.ics").status_code == 404


def test_one_person_cannot_use_anothers_signature(client: Client, cast: Cast) -> None:
    signature = path_of(cast.student).partition("-")[2]
    assert client.get(f"/calendar/{cast.other_student.pk}-{signature}").status_code == 404


def test_drafts_have_no_feeds_but_for_staff(client: Client, cast: Cast, lecture: Lecture) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    assert client.get("/amls/calendar.ics").status_code == 404
    assert client.get(path_of(cast.student)).status_code == 404
    assert client.get(path_of(cast.lecturer)).status_code == 200


@pytest.mark.parametrize(
    "title",
    [
        "a\x0bb\x00c\r\nBEGIN:VEVENT",
        "هندسة نظم تعلم الآلة",
        "深層学習システム" * 20,
        "x" * 500,
        "semi;colon, comma\\slash",
    ],
)
def test_any_title_survives(client: Client, lecture: Lecture, title: str) -> None:
    change_lecture(lecture_pk=lecture.pk, now=timezone.now(), title=title)
    (event,) = events(client, "/amls/calendar.ics")
    lecture.refresh_from_db()
    assert str(event["SUMMARY"]) == f"05 {lecture.title}"


def test_fetches_are_counted_and_written_down_by_beat(client: Client, cast: Cast, lecture: Lecture) -> None:
    fetches.forget_noted()
    cache.clear()
    client.get(path_of(cast.student), headers={"user-agent": "Google-Calendar-Importer"})
    client.get(path_of(cast.student), headers={"user-agent": "Mozilla/5.0 Thunderbird/128"})
    assert not FeedToken.objects.exists()
    assert flush_feed_fetches() == 1
    token = FeedToken.objects.get(enrolment=cast.student)
    assert token.last_client == "Google Calendar"
    assert timezone.now() - token.last_fetched_at < timedelta(minutes=1)  # type: ignore[operator]
    assert flush_feed_fetches() == 0


def test_calendars_of_a_public_feed_are_counted_once_a_day_by_program(client: Client, lecture: Lecture) -> None:
    fetches.forget_noted()
    cache.clear()
    for address, program in (
        ("192.0.2.1", "Mozilla/5.0 Thunderbird/128"),
        ("192.0.2.2", "Mozilla/5.0 Thunderbird/128"),
        ("192.0.2.1", "Mozilla/5.0 Thunderbird/129"),
        ("192.0.2.1", "khal/0.11"),
        ("192.0.2.1", "made-up-1/1"),
        ("192.0.2.1", "made-up-2/1"),
    ):
        for _poll in range(2):
            # Another process knows nothing of what this one has noted.
            fetches.forget_noted()
            assert (
                client.get("/amls/calendar.ics", REMOTE_ADDR=address, headers={"user-agent": program}).status_code
                == 200
            )
    assert not FeedUse.objects.exists()
    flush_feed_fetches()
    today = datetime.now(UTC).date()
    counted = {(row.day, row.client): row.count for row in FeedUse.objects.filter(course=lecture.course)}
    assert counted == {(today, "Thunderbird"): 2, (today, "khal"): 1, (today, "?"): 1}
    # A cache that loses its memory takes nothing back; nothing in it or in the table names an address.
    cache.clear()
    fetches.forget_noted()
    client.get("/amls/calendar.ics", REMOTE_ADDR="192.0.2.1", headers={"user-agent": "Mozilla/5.0 Thunderbird/128"})
    flush_feed_fetches()
    assert FeedUse.objects.get(client="Thunderbird").count == 2
    # Whose address nobody knows is not counted, and gets the feed.
    assert client.get("/amls/calendar.ics", REMOTE_ADDR="").status_code == 200


def test_feeds_are_answered_while_the_cache_is_away(
    client: Client, cast: Cast, lecture: Lecture, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    fetches.forget_noted()
    assert client.get("/amls/calendar.ics").status_code == 200
    assert client.get(path_of(cast.student)).status_code == 200


def test_an_office_hour_is_an_event_per_week_with_its_exceptions(client: Client, cast: Cast) -> None:
    hour = OfficeHourFactory.create(course=cast.course, first="2024-04-23", last="2024-05-14")
    hour.exceptions.create(day="2024-04-30", is_cancelled=True)
    hour.exceptions.create(
        day="2024-05-07",
        moved_to_start=datetime(2024, 5, 8, 8, tzinfo=UTC),
        moved_to_end=datetime(2024, 5, 8, 9, tzinfo=UTC),
    )
    assert reconcile_running_courses() == 4
    kept = [
        (event["DTSTART"].dt.astimezone(UTC).strftime("%m-%d %H:%M"), str(event["STATUS"]))
        for event in events(client, "/amls/calendar.ics")
    ]
    assert kept == [
        ("04-23 14:00", "CONFIRMED"), ("04-30 14:00", "CANCELLED"), ("05-08 08:00", "CONFIRMED"), ("05-14 14:00", "CONFIRMED"),
    ]  # fmt: skip
    assert reconcile_running_courses() == 0


def test_titles_name_the_course_where_a_person_has_several(cast: Cast, client: Client, lecture: Lecture) -> None:
    path = path_of(cast.student)

    def titles() -> list[str]:
        return [str(event["SUMMARY"]) for event in events(client, path)]

    assert titles() == ["05 Data- and Task-Parallel Execution"]
    other = EnrolmentFactory.create(course=cast.other_course, user=cast.student.user)
    named = ["05 Data- and Task-Parallel Execution · Architecture of Machine Learning Systems"]
    # Kept feeds follow at once, by what happens in other courses.
    assert titles() == titles() == named
    Course.objects.filter(pk=cast.other_course.pk).update(state="archived")
    assert titles() == ["05 Data- and Task-Parallel Execution"]
    Course.objects.filter(pk=cast.other_course.pk).update(state="running")
    assert titles() == named
    other.delete()
    assert titles() == ["05 Data- and Task-Parallel Execution"]


def test_an_address_speaks_up_before_dates_where_it_asks_for_it(cast: Cast, client: Client, lecture: Lecture) -> None:
    Deadline.objects.create(course=cast.course, title="Essay", due_at=lecture.starts_at)
    reconcile(cast.course, now=timezone.now())
    path = path_of(cast.student)
    assert "VALARM" not in client.get(path).content.decode()
    for asked in ("7", "x", "-60", ""):
        assert "VALARM" not in client.get(f"{path}?alarm={asked}").content.decode(), asked
    text = client.get(f"{path}?alarm=60").content.decode()
    assert f"SOURCE;VALUE=URI:http://localhost:8000{path}?alarm=60" in text.replace("\r\n ", "")
    alarms = {str(event["SUMMARY"]): event.walk("VALARM") for event in Calendar.from_ical(text).walk("VEVENT")}
    (before_lecture,), (before_due,) = alarms["05 Data- and Task-Parallel Execution"], alarms["Essay"]
    assert (before_lecture["TRIGGER"].dt, dict(before_lecture["TRIGGER"].params)) == (timedelta(minutes=-60), {})
    assert (before_due["TRIGGER"].dt, before_due["TRIGGER"].params["RELATED"]) == (timedelta(minutes=-60), "END")
    assert before_lecture["ACTION"] == "DISPLAY"
    # The public feed is everyone's.
    assert "VALARM" not in client.get("/amls/calendar.ics?alarm=60").content.decode()
    page = cast.client("student").get("/amls/subscribe/?alarm=1440").content.decode()
    assert f"{path}?alarm=1440" in page
    change_lecture(lecture_pk=lecture.pk, state="cancelled", now=timezone.now())
    (event,) = [event for event in events(client, f"{path}?alarm=60") if "Parallel" in str(event["SUMMARY"])]
    assert event.walk("VALARM") == []
