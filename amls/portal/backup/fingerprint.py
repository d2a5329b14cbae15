"""What a database holds, in a few numbers that are equal where all rows are."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.db import connection

from amls.agenda.feeds import generation_of
from amls.agenda.tokens import make_token
from amls.courses.models import Course, Enrolment
from projects.models import Submission
from projects.receipts import receipt_code

# What a restored installation writes by itself, before anybody uses it.
PASSING = frozenset({"core_runningprocess", "django_cache", "django_session", "files_missingfile", "mail_pulse"})


def fingerprint(*, key: str) -> dict[str, Any]:
    """Return how many rows each table has with a sum over their contents, and digests of what the key makes of them.

    What changes between two queries is not noticed: within one snapshot nothing does.

    Args:
        key: from which receipts and feeds are made: with another one they differ where all rows are equal.
    """
    with connection.cursor() as cursor:
        # Rows are compared as text.
        cursor.execute("SET LOCAL TimeZone = 'UTC'")
        tables = {name: _rows(cursor, name) for name in connection.introspection.table_names(cursor)}
    receipts = (
        receipt_code(pk, key=key) for pk in Submission.objects.order_by("pk").values_list("pk", flat=True).iterator()
    )
    enrolments = Enrolment.objects.order_by("pk").select_related("feed_token").iterator()
    courses = Course.objects.order_by("pk").values_list("slug", "revision", "revised_at").iterator()
    return {
        "tables": {name: rows for name, rows in sorted(tables.items()) if name not in PASSING},
        "receipts": _digest(receipts),
        "feeds": _digest(make_token(enrolment.pk, generation_of(enrolment), key=key) for enrolment in enrolments),
        "revisions": _digest(f"{slug} {revision} {at.timestamp()}" for slug, revision, at in courses),
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return in which things two fingerprints differ, in words."""
    said = []
    old, new = before["tables"], after["tables"]
    for name in sorted({*old, *new}):
        if name not in new:
            said.append(f"table {name} is gone")
        elif name not in old:
            said.append(f"table {name} is new")
        elif old[name][0] != new[name][0]:
            said.append(f"table {name}: {old[name][0]} rows then, {new[name][0]} now")
        elif old[name] != new[name]:
            said.append(f"table {name}: as many rows, with other contents")
    said += [f"{name} are others" for name in ("receipts", "feeds", "revisions") if before[name] != after[name]]
    return said


def _rows(cursor: Any, table: str) -> list[Any]:
    quoted = connection.ops.quote_name(table)
    cursor.execute(f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {quoted} t")  # noqa: S608
    return list(cursor.fetchone())


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()
