"""A site with something of every kind in it, and the addresses at which it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone

from amls.courses.models import RosterEntry
from amls.exports.models import Export
from amls.mail.models import Announcement, MailSettings, Notice, ReminderRule
from exams.models import Accommodation, AdmissionDecision, Exam, ExamRules, Registration, Result, ResultChange, Room
from exams.services.registration import staff_register
from lectures.models import Material
from lectures.services.materials import upload_for_lecture
from projects.models import EarlierPass, Extension, ExtensionRequest, Project
from tests.cast import Cast
from tests.factories import LectureFactory, OfficeHourFactory, OpenExamFactory, PartFactory, TopicFactory
from tests.test_addresses import TABLE

ROOT = Path(__file__).resolve().parent.parent.parent
_READ = re.compile(
    r"""\.GET(?:\.get|\.getlist)?[(\[]\s*f?"(?P<read>[\w-]+)"|"(?P<asked>[\w-]+)"\s+(?:not\s+)?in\s+request\.GET"""
)
# Every list of the desk reads these; what filters it offers, its page says.
_OF_LISTS = (
    "q", "p", "o", "all", "e", "_popup", "_to_field", "_changelist_filters", "_facets", "pk__in", "id__exact", "id__in",
    "pk__isnull", "course__id__exact", "course__slug__regex", "course__enrolments__user__password__startswith", "__", "id__year",
    "created_at__gte", "starts_at__date", "starts_at__year", "state__in", "app_label", "model_name", "field_name", "term", "s", "page", "extended",
)  # fmt: skip
_OF_FORMS = ("_popup", "_to_field", "_changelist_filters")
_LIST_OF_THE_DESK = re.compile(r"/admin/(\w+/\w+|search|autocomplete)/")
# Of the desk, where all models have the same pages, these stand for all.
_KIND_OF_THE_DESK = re.compile(r"/admin/(\w+/|lectures/lecture/.*|projects/project/.*|courses/user/.*)?")


def stands_for_its_kind(path: str) -> bool:
    """Return whether what is read before any view is tried at this address, for all that are like it."""
    return _KIND_OF_THE_DESK.fullmatch(path) is not None if path.startswith("/admin/") else True


def furnish(cast: Cast, places: dict[str, str]) -> dict[str, str]:
    """Add what `places` lacks: an exam that is graded, one that is open, and a row of every kind of the desk.

    Returns:
        the addresses of the two exams, and `invited`'s.
    """
    now, course = timezone.now(), cast.course
    for user in filter(None, cast.users().values()):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    graded = OpenExamFactory.create(
        course=course, starts_at=now + timedelta(hours=1), opens_at=now - timedelta(days=9), closes_at=now - timedelta(hours=4),
        withdraw_until=now - timedelta(hours=4),
    )  # fmt: skip
    Room.objects.create(exam=graded, name="H 0105")
    staff_register(enrolment=cast.other_student, exam_pk=graded.pk, reason="By hand", now=now)
    held = Registration.objects.get(exam=graded)
    Exam.objects.filter(pk=graded.pk).update(starts_at=now - timedelta(hours=3))
    Registration.objects.filter(pk=held.pk).update(state="attended", arrived_at=now)
    Result.objects.create(registration=held, points=50)
    ResultChange.objects.create(registration=held, at=now, what="points", after="50")
    open_exam = OpenExamFactory.create(
        course=course, starts_at=now + timedelta(days=30), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=20), withdraw_until=now + timedelta(days=25),
    )  # fmt: skip
    ExamRules.objects.get_or_create(course=course)
    Accommodation.objects.create(course=course, enrolment=cast.student, extra_minutes=9)
    AdmissionDecision.objects.create(
        course=course, enrolment=cast.student, verdict="admitted", reason="Passed in 2022", decided_at=now
    )
    RosterEntry.objects.create(course=course, email="roster@example.org")
    OfficeHourFactory.create(course=course)
    PartFactory.create(course=course)
    Announcement.objects.create(course=course, title="A", publish_at=now)
    ReminderRule.objects.create(course=course, days=5)
    MailSettings.objects.get_or_create(course=course)
    Notice.objects.create(
        key="odd", kind="tests", course=course, address="a@example.org", not_before=now, created_at=now
    )
    Export.objects.create(
        fingerprint="f", kind="tests", course=course, language="en", not_before=now, created_at=now, expires_at=now
    )
    project = Project.objects.get(topic__isnull=False)
    about = {"project": project, "enrolment": cast.student}
    ExtensionRequest.objects.create(**about, reason="Ill", asked_at=now)
    Extension.objects.create(
        course=course,
        assignment=project.assignment,
        project=project,
        delta=timedelta(days=1),
        reason="Ill",
        granted_at=now,
    )
    EarlierPass.objects.create(enrolment=cast.other_student, term="SS2023")
    TopicFactory.create(course=cast.other_course)
    TopicFactory.create(course=course, proposal="open", proposed_by=cast.other_student, proposed_at=now)
    recorded = LectureFactory.create(course=course, number="07")
    upload = SimpleUploadedFile("07.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")
    upload_for_lecture(lecture=recorded, kind=Material.Kind.CAPTIONS, upload=upload, by=None, now=now)
    return {"graded": f"/amls/exams/{graded.pk}/", "open": f"/amls/exams/{open_exam.pk}/"}


def addresses(places: dict[str, str], exams: dict[str, str]) -> list[str]:
    """Return every address of the site with what stands in it: the apps' own, accounts, the desk."""
    paths = [path.format(**places) for path, _expected in TABLE.values()]
    paths += [
        path.format(**places | {"exam": exam})
        for path, _expected in TABLE.values()
        if "{exam}" in path
        for exam in exams.values()
    ]
    paths += [path for path in _others(get_resolver().url_patterns) if path.startswith(("/accounts/", "/admin/"))]
    # What one course has, asked of another.
    foreign = [path.replace("/amls/", "/databases/", 1) for path in paths if path.startswith("/amls/")]
    return list(dict.fromkeys([*paths, *foreign]))


def _others(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[str]:
    for pattern in patterns:
        route = str(pattern.pattern).removeprefix("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _others(pattern.url_patterns, before + route)
            continue
        name = (pattern.name or "").rsplit("_", 1)[0]
        key = str(_row_of(name) or 1)
        route = re.sub(r"\(\?P<\w+>[^()]*(\([^()]*\))?[^()]*\)", "account", route)
        yield before + re.sub(r"<(?:\w+:)?\w+>", key, route)


def _row_of(name: str) -> Any:
    for model in admin.site._registry:
        if f"{model._meta.app_label}_{model._meta.model_name}" == name:
            return model._default_manager.order_by("pk").values_list("pk", flat=True).first()
    return None


def parameters_of(path: str) -> set[str]:
    """Return the names of the query that an address may read beside those which a plain look at it reads."""
    if path.startswith("/admin/"):
        return {*_OF_LISTS, "next"} if _LIST_OF_THE_DESK.fullmatch(path) else {*_OF_FORMS, "next"}
    if path.startswith("/accounts/"):
        return {"next", "page", "_continue", "provider", *_names_in("amls/portal"), *_names_in("amls/exports")}
    return _names_in(_home_of(path)) | _names_in("amls/files") | _names_in("amls/courses") | {"next"}


def _home_of(path: str) -> str:
    """Return the folder of the app that answers an address; of those that nobody answers, that of the pages' own."""
    try:
        module = resolve(path).func.__module__.split(".")
    except Resolver404:
        return "amls/portal"
    return "/".join(module[:2]) if module[0] == "amls" else module[0]


_NAMES: dict[str, set[str]] = {}


def _names_in(folder: str) -> set[str]:
    if folder not in _NAMES:
        texts = (path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py"))
        _NAMES[folder] = {read["read"] or read["asked"] for text in texts for read in _READ.finditer(text)}
    return _NAMES[folder]
