"""Rows that point to one of another course: the database has none of them."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model

from amls.courses.models import Role, StaffMember
from lectures.models import Lecture, Part
from projects.models import Topic
from tests.cast import Cast
from tests.factories import LectureFactory, TopicFactory

pytestmark = pytest.mark.django_db


def mentor(cast: Cast) -> tuple[Model, Model]:
    theirs = StaffMember.objects.create(course=cast.other_course, role=Role.LECTURER, name="Somebody")
    return TopicFactory.create(course=cast.course), theirs


def part(cast: Cast) -> tuple[Model, Model]:
    theirs = Part.objects.create(course=cast.other_course, letter="A", title="Theirs", position=1)
    return LectureFactory.create(course=cast.course), theirs


@pytest.mark.parametrize(
    ("model", "field", "make"), [(Topic, "mentor", mentor), (Lecture, "part", part)], ids=["mentor", "part"]
)
def test_what_belongs_to_another_course_is_refused(
    cast: Cast, model: type[Model], field: str, make: Callable[[Cast], tuple[Model, Model]]
) -> None:
    row, theirs = make(cast)
    name = f"{model._meta.model_name}_{field}_of_same_course"
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        model._default_manager.filter(pk=row.pk).update(**{field: theirs})
    assert model._default_manager.filter(pk=row.pk).update(**{field: None}) == 1
