"""Words where words belong: no page shows what only the code calls so, in neither language."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup, Comment
from django.contrib import admin
from django.db import DatabaseError, models, transaction
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from amls.exports.kinds import kinds
from amls.exports.models import Export
from amls.mail.letters import label_of, letter_kinds
from amls.mail.models import Notice
from tests.cast import Cast
from tests.odd.world import addresses, furnish
from tests.test_addresses import places  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
# What is no code although it looks like one: addresses, names of files, times, numbers with a point.
_NO_CODES = re.compile(
    r"""\S+@\S+|https?://\S+|webcal://\S+|(?:[\w-]+\.)+(?:example|org|com|edu|de|eu|net)\b\S*
    |[\w-]+\.(?:pdf|pptx|mp4|vtt|txt|md|csv|zip|tar|gz|tgz|ipynb|xlsx|ods|ics|html|toml|json)\b
    |\b(?:a|p)\.m\.|\b[a-z]\.[a-zB]\.?""",
    re.VERBOSE,
)
_CODES = re.compile(
    r"""\b[a-z]+\.[a-z]+(?:-[a-z]+)*\b         # exams.registered
    |\b[A-Za-z]+_[A-Za-z_]+\b                  # starts_at, Model_field
    |<[\w.]+\sobject|<[A-Z]\w+:|\[['"]|\{['"]|\b(?:None|True|False)\b|\b[A-Z]\w+\([\d'"]|datetime\.
    |\bP\d+DT|\b\d{4}-\d\d-\d\dT\d\d:|\bpgh\b|%\(\w+\)|\{\w+\}|(?<!\w)__\w+""",
    re.VERBOSE,
)
_SHOWN_IN = ("title", "alt", "placeholder", "aria-label", "aria-description", "label", "content")


def visible(page: bytes) -> Iterator[str]:
    """Yield what a page shows or reads aloud, piece by piece."""
    soup = BeautifulSoup(page, "html.parser")
    for hidden in soup(["script", "style", "template", "code", "pre", "svg"]):
        hidden.decompose()
    # Names of pictures, which a font draws.
    for icon in soup.select(".material-symbols-outlined, [hidden] [type=hidden]"):
        icon.decompose()
    for tag in soup.find_all(True):
        if tag.name != "meta":
            yield from (str(tag[name]) for name in _SHOWN_IN if tag.get(name))
    yield from (str(one) for one in soup.find_all(string=True) if not isinstance(one, Comment))


def codes_in(page: bytes) -> set[str]:
    """Return what only the code calls so."""
    return {found.group() for text in visible(page) for found in _CODES.finditer(_NO_CODES.sub(" ", text))}


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("projects.not-handed-in", {"projects.not-handed-in"}),
        ("Sorted by starts_at", {"starts_at"}),
        ("['deadline', 'exam']", {"['"}),
        ("Grade: None", {"None"}),
        ("<b title='exams.results'>Result</b>", {"exams.results"}),
        ("Ada writes to ada@example.org of 05_Parallel.vtt, e.g. at 11.59 p.m.", set()),
    ],
)
def test_raw_codes_are_told_from_words(shown: str, found: set[str]) -> None:
    assert codes_in(shown.encode()) == found


@pytest.fixture
def pages(cast: Cast, places: dict[str, str], settings: Settings) -> list[str]:  # noqa: F811
    """Every page of a site with something of everything in it, a mail and an export of every kind among it."""
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    found, now = addresses(places, furnish(cast, places)), timezone.now()
    for kind in letter_kinds.names():
        failed = {"state": "failed", "failed_at": now, "last_error": "Mailbox full"}
        Notice.objects.create(
            key=f"raw {kind}", kind=kind, course=cast.course, recipient=cast.student.user, not_before=now,
            created_at=now, **(failed if kind.startswith("exams.") else {}),
        )  # fmt: skip
    for number, kind in enumerate(kinds.names()):
        Export.objects.create(
            fingerprint=f"raw {number}", kind=kind, course=cast.course, language="en", not_before=now, created_at=now,
            expires_at=now,
        )  # fmt: skip
    for model in admin.site._registry:
        row = model._default_manager.order_by("-pk").first()
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if row is not None:
            _change(row)
            found += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history", "delete")]
    return [path for path in dict.fromkeys(found) if not path.startswith(f"/{cast.other_course.slug}/")]


def _change(row: models.Model) -> None:
    """Change each field of a row that the database lets change, so that its history tells of it, and change it back."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    for field in row._meta.concrete_fields:
        before = getattr(row, field.attname)
        others = [value for value, _label in field.flatchoices if value not in (before, "")]
        for after in [*others, _other(field, before)]:
            with suppress(DatabaseError), transaction.atomic():
                rows.update(**{field.attname: after})
            with suppress(DatabaseError), transaction.atomic():
                rows.update(**{field.attname: before})


def _other(field: Any, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return value[:1]
    if isinstance(value, date | timedelta):
        return value + timedelta(minutes=1)
    if field.is_relation and value is None:
        return field.related_model._default_manager.values_list("pk", flat=True).first()
    return None if field.null and value is not None else value


@pytest.mark.parametrize(("part", "language"), [("student", "de"), ("lecturer", "de"), ("admin", "en")])
def test_no_page_shows_a_raw_code(cast: Cast, pages: list[str], part: str, language: str) -> None:
    client = cast.client(part)
    client.cookies["django_language"] = language
    seen, found = 0, []
    for path in [page for page in pages if part != "admin" or page.startswith("/admin/")]:
        answer = client.get(path)
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            seen += 1
            found += [f"{path}: {sorted(codes)}" for codes in [codes_in(answer.content)] if codes]
    assert not found, "\n".join(found)
    assert seen > (40 if part == "student" else 100)


def test_every_letter_has_a_name_in_german_too() -> None:
    with translation.override("de"):
        german = {kind: label_of(kind) for kind in letter_kinds.names()}
    with translation.override("en"):
        english = {kind: label_of(kind) for kind in letter_kinds.names()}
    assert len({*english.values()}) == len(english)
    assert {kind for kind in german if german[kind] == english[kind]} == set()
