"""Words where words belong: no page shows what only the code calls so, or words of another language than its own."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import DatabaseError, models, transaction
from django.urls import reverse
from django.utils import timezone, translation
from lxml import etree, html
from pytest_django import Settings

from amls.exports.kinds import kinds
from amls.exports.models import Export
from amls.mail.letters import label_of, letter_kinds
from amls.mail.models import Notice
from tests.cast import Cast
from tests.catalogues import entries
from tests.odd.world import addresses, furnish
from tests.test_addresses import furnished, places  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
# What is no code although it looks like one: addresses, names of files, times, numbers with a point, codes of receipts.
_NO_CODES = re.compile(
    r"""\S+@\S+|https?://\S+|webcal://\S+|(?:[\w-]+\.)+(?:example|org|com|edu|de|eu|net)\b\S*
    |[\w-]+\.(?:pdf|pptx|mp4|vtt|txt|md|csv|zip|tar|gz|tgz|ipynb|py|java|c|h|cpp|r|sql|tex|xlsx|ods|ics|html|toml|json)\b
    |(?<!\S)/(?:[\w.-]+/)*[\w.-]+|'(?:mail|default|exports)'  # folders, queues and settings, as operators name them
    |\b(?:EMAIL_URL|DEFAULT_FROM_EMAIL|TRUSTED_PROXIES)\b
    |\b(?:a|p)\.m\.|\b[a-z]\.[a-zB]\.?|\b\d+(?:-[A-Z0-9]{4}){4}\b""",
    re.VERBOSE,
)
_CODES = re.compile(
    r"""\b[a-z]+\.[a-z]+(?:-[a-z]+)*\b         # exams.registered
    |\b[A-Za-z]+_[A-Za-z_]+\b                  # starts_at, Model_field
    |<[\w.]+\sobject|<[A-Z]\w+:|\[['"]|\{['"]|\b(?:None|True|False)\b|\b[A-Z]\w+\([\d'"]|datetime\.
    |\bP\d+DT|\b\d{4}-\d\d-\d\dT\d\d:|\bpgh\b|%\(\w+\)|\{\w+\}|(?<!\w)__\w+""",
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]{3,}")
# Names of things, keys of the keyboard and ways to another language.
_SAME_EVERYWHERE = {"amls", "ects", "europe", "berlin", "deutsch", "english", "esc"}
# Allauth's model of second factors has no name of its own in any language.
_NAMELESS = {"authenticators"}
# Texts that are written in each language by themselves; pages in the language of the mail that led to them, and mails; what
# a device keeps in each language.
_IN_ANOTHER = re.compile(r"/legal/privacy/|/unsubscribe/|/\w+/staff/mail/\w+/|/offline\.")
_SHOWN_IN = ("title", "alt", "placeholder", "aria-label", "aria-description", "label", "content")


# The names of icons, which a font draws, and what nobody sees of a page.
_UNSEEN = etree.XPath(
    "//script | //style | //template | //code | //pre | //svg | //*[@hidden]//*[@type='hidden']"
    " | //*[contains(concat(' ', normalize-space(@class), ' '), ' material-symbols-outlined ')]"
)


def visible(page: bytes) -> Iterator[str]:
    """Yield what a page shows or reads aloud, piece by piece."""
    if not page:
        # What leads elsewhere.
        return
    root = html.document_fromstring(
        page, parser=html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    )
    for hidden in _UNSEEN(root):
        # What stands behind it stays.
        hidden.drop_tree()
    for element in root.iter():
        if element.tag != "meta":
            yield from (element.attrib[name] for name in _SHOWN_IN if element.attrib.get(name))
    yield from root.itertext()


def codes_in(texts: Iterable[str]) -> set[str]:
    """Return what only the code calls so."""
    return {code.group() for text in texts for code in _CODES.finditer(_NO_CODES.sub(" ", text))}


@pytest.mark.parametrize(
    ("shown", "codes"),
    [
        ("projects.not-handed-in", {"projects.not-handed-in"}),
        ("Sorted by starts_at", {"starts_at"}),
        ("['deadline', 'exam']", {"['"}),
        ("Grade: None", {"None"}),
        ("<b title='exams.results'>Result</b>", {"exams.results"}),
        ("Ada writes to ada@example.org of 05_Parallel.vtt, e.g. at 11.59 p.m.", set()),
    ],
)
def test_raw_codes_are_told_from_words(shown: str, codes: set[str]) -> None:
    assert codes_in(visible(shown.encode())) == codes


@pytest.fixture
def pages(cast: Cast, places: dict[str, str], settings: Settings) -> list[str]:  # noqa: F811
    """Every page of a site with something of everything in it, a mail and an export of every kind among it."""
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    paths, now = addresses(places, furnish(cast, places)), timezone.now()
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
            paths += [reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "history", "delete")]
    return [path for path in dict.fromkeys(paths) if not path.startswith(f"/{cast.other_course.slug}/")]


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


def of_rows() -> re.Pattern[str]:
    """Return what finds the texts of all rows, which are in the language of whoever wrote them."""
    texts: set[str] = set()
    for model in apps.get_models():
        kinds = (models.CharField, models.TextField, models.JSONField, models.UUIDField, ArrayField)
        names = [field.name for field in model._meta.concrete_fields if isinstance(field, kinds)]
        # pghistory's view of all events has no table of its own.
        if names and model._meta.managed and model._meta.app_label != "pghistory":
            for row in model._base_manager.values_list(*names):
                texts.update(chain.from_iterable(map(_texts_in, row)))
    return re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(text) for text in sorted(texts, key=len, reverse=True))})(?!\w)")


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(part)
    elif value is not None and len(str(value)) > 2:
        yield str(value)
        yield from (piece.strip() for piece in re.split(r"[\n,;]", str(value)) if len(piece.strip()) > 2)


@cache
def words_of(language: str) -> frozenset[str]:
    """Return the words that the site says in a language: those of the catalogues, as they stand or translated."""
    roots = [Path(django.__file__).parent / "conf", *(Path(config.path) for config in apps.get_app_configs())]
    folders = [*map(Path, settings.LOCALE_PATHS), *(root / "locale" for root in roots)]
    words = _SAME_EVERYWHERE | _NAMELESS
    for folder in dict.fromkeys(folders):
        for entry in entries(folder / "de" / "LC_MESSAGES" / "django.po"):
            texts = entry.translations if language == "de" else (entry.text, entry.plural)
            words.update(word.casefold() for text in texts for word in _WORD.findall(text))
    return frozenset(words)


def test_words_of_another_language_are_told_from_those_of_a_page() -> None:
    assert {"notenbuch", "frist", "januar"} <= words_of("de")
    assert {"gradebook", "deadline", "january"} <= words_of("en")
    assert not {"gradebooks", "reminder", "withdraw"} & words_of("de")
    assert not {"notenbuch", "frist"} & words_of("en")


def test_what_rows_say_is_in_whatever_language_it_is() -> None:
    rows = re.compile(r"(?<!\w)(?:Sheet about trees|Ștefan)(?!\w)")
    known = frozenset({"ihre", "frist"})
    assert strange_words("Ihre Frist: Sheet about trees, Ștefan", known, rows) == []
    assert strange_words("Ihre Frist: Sheet about trees, sheets", known, rows) == ["sheets"]
    assert strange_words("Ihre Frist", known, rows) == []


def test_every_text_is_collected_for_the_catalogue() -> None:
    """`makemessages` knows gettext by its own names and as '_' only."""
    renamed = [
        f"{path}: {line}"
        for app in ("amls", "lectures", "projects", "exams")
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py")
        for line in re.findall(r"\bn?p?gettext\w* as \w+", path.read_text(encoding="utf-8"))
        if not line.endswith(" as _")
    ]
    assert renamed == []


def strange_words(text: str, known: frozenset[str], rows: re.Pattern[str]) -> list[str]:
    """Return the words of a text that are neither known nor part of what a row says."""

    def unknown(part: str) -> set[str]:
        return {word for word in _WORD.findall(part) if word.casefold() not in known}

    said = _NO_CODES.sub(" ", text)
    # To take out what rows say, whole words of it, makes no new ones: most texts need no look at the rows.
    return sorted(unknown(rows.sub(" ", said))) if unknown(said) else []


# Who reads which pages in which language; the desk is one for all who work there.
READERS = (
    ("student", "de", "/"), ("student", "en", "/"), ("lecturer", "de", "/"), ("admin", "de", "/admin/"), ("lecturer", "en", "/admin/"),
)  # fmt: skip


def test_pages_say_words_of_their_language_and_no_codes(cast: Cast, pages: list[str]) -> None:
    faults: list[str] = []
    for part, language, below in READERS:
        client = cast.client(part)
        client.cookies["django_language"] = language
        rows, known, seen = of_rows(), words_of(language), 0
        # What stands on many pages is named with the first of them.
        read_for_codes, read_for_words = set[str](), set[str]()
        for path in [page for page in pages if page.startswith(below) and not _IN_ANOTHER.match(page)]:
            answer = client.get(path)
            if answer.status_code >= 500 or not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            seen += 1
            who, texts = f"{path} to {part} in {language}", set(visible(answer.content))
            if answer.status_code == 200:
                if codes := codes_in(texts - read_for_codes):
                    faults.append(f"{who}: {sorted(codes)}")
                read_for_codes |= texts
            faults += [
                f"{who}: {strange} of {' '.join(text.split())[:100]!r}"
                for text in texts - read_for_words
                if (strange := strange_words(text, known, rows))
            ]
            read_for_words |= texts
        assert seen > (40 if part == "student" else 100), (part, language)
    assert not faults, "\n".join(dict.fromkeys(faults))


def test_every_letter_has_a_name_in_german_too() -> None:
    with translation.override("de"):
        german = {kind: label_of(kind) for kind in letter_kinds.names()}
    with translation.override("en"):
        english = {kind: label_of(kind) for kind in letter_kinds.names()}
    assert len({*english.values()}) == len(english)
    assert {kind for kind in german if german[kind] == english[kind]} == set()
