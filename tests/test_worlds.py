"""What tests begin with is the same when it is put back as when it was made."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from lectures.models import MaterialFile
from tests.cast import Cast, make_cast
from tests.factories import LectureFactory
from tests.lectures.files import put, vtt
from tests.tools.flushing import filled_tables
from tests.worlds import Worlds


def rows() -> dict[str, list[object]]:
    """Return all that the database holds, the histories of its rows among it."""
    held = {}
    for table in filled_tables():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT to_jsonb(kept)::text FROM {connection.ops.quote_name(table)} AS kept ORDER BY 1")
            held[table] = [row for (row,) in cursor.fetchall()]
    return held


@pytest.mark.django_db
def test_rows_and_files_are_put_back_as_they_were_made(tmp_path: Path) -> None:
    worlds, made = Worlds(tmp_path / "worlds"), list[Cast]()

    def make() -> Cast:
        made.append(cast := make_cast())
        put(LectureFactory.create(course=cast.course), "captions", "a.vtt", vtt(("00:01.000", "00:02.000", "Łódź")))
        return cast

    with transaction.atomic():
        worlds.given("captions", make)
        before = rows()
        transaction.set_rollback(True)
    assert filled_tables() == []
    shutil.rmtree(settings.MEDIA_ROOT)
    again = worlds.given("captions", make)
    assert len(made) == 1
    assert rows() == before
    assert {"courses_enrolment", "courses_enrolmentevent", "lectures_materialfile"} <= before.keys()
    with MaterialFile.objects.get().file.open() as file:
        assert "Łódź" in file.read().decode()
    # What one test changes of it, the next one doesn't see.
    assert (again.student, again.student.user) == (made[0].student, made[0].student.user)
    assert again.student is not made[0].student
    assert again.student.course is again.course
