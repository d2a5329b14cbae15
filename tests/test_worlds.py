"""What tests begin with is the same when it is put back as when it was made."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from lectures.models import MaterialFile
from tests.cast import Cast, make_cast
from tests.factories import FIRST_NUMBER, LectureFactory, OpenExamFactory, UserFactory, count_from, next_numbers
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


@pytest.mark.django_db
@pytest.mark.parametrize("turn", ["first", "second"])
def test_people_have_the_same_names_whichever_tests_came_before(turn: str) -> None:
    assert str(UserFactory.create()) == f"Person {FIRST_NUMBER}"
    assert set(next_numbers().values()) == {FIRST_NUMBER, FIRST_NUMBER + 1}


@pytest.mark.django_db
def test_what_is_put_back_has_other_names_than_what_is_made_after_it(tmp_path: Path) -> None:
    worlds = Worlds(tmp_path / "worlds")
    with transaction.atomic():
        worlds.given("cast", make_cast)
        left = next_numbers()
        transaction.set_rollback(True)
    count_from({})
    worlds.given("cast", make_cast)
    assert next_numbers() == left
    # A kind of exam counts on with all exams.
    exam = OpenExamFactory.create()
    assert (exam.course.slug, left["CourseFactory"]) == ("amls-10402", FIRST_NUMBER + 2)
    assert next_numbers()["ExamFactory"] == FIRST_NUMBER + 1


@pytest.mark.xdist_group("done by one")
def test_what_belongs_together_is_done_by_one_worker(request: pytest.FixtureRequest) -> None:
    """A worker that is told of no group makes everything itself: pytest 9.2 has xdist 3.8 forget all groups, and say nothing."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("No workers share the tests by groups.")
    assert request.node.nodeid.endswith("@done by one")
