"""The demo is made where there is nothing else: real courses are never touched."""

import pytest
from django.core.management import CommandError, call_command

from amls.courses.models import Course, User
from tests.factories import CourseFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("slug", ["amls", "amls-ss2024", "algorithms", "compilers"])
def test_a_database_with_real_courses_gets_no_demo(slug: str) -> None:
    course = CourseFactory.create(slug=slug, state="archived", title="Größe")
    people = set(User.objects.values_list("pk", flat=True))
    with pytest.raises(CommandError, match=rf"courses that are not the demo's \({slug}\): nothing was made"):
        call_command("demo")
    assert list(Course.objects.values_list("slug", "state", "title")) == [(slug, "archived", "Größe")]
    assert Course.objects.get().revision == course.revision
    assert set(User.objects.values_list("pk", flat=True)) == people
