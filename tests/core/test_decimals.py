"""One way to write points, and one to write grades."""

from decimal import Decimal

import pytest
from django.conf import settings
from django.template import engines
from django.utils import translation

PAGE = "{% load amls %}{{ points|decimal }} · {{ grade|grade }} · {{ none|decimal }}{{ nothing|grade }}"


@pytest.mark.parametrize(
    ("language", "points", "grade", "said"),
    [
        ("en", "4.50", "1", "4.5 · 1.0 · "),
        ("de", "4.50", "1.3", "4,5 · 1,3 · "),
        # Points go by quarters.
        ("de", "0.25", "5.0", "0,25 · 5,0 · "),
        ("de", "100.00", "2.7", "100 · 2,7 · "),
    ],
)
def test_points_have_no_zeros_that_say_nothing_and_grades_one_decimal(
    language: str, points: str, grade: str, said: str
) -> None:
    with translation.override(language):
        values = {"points": Decimal(points), "grade": Decimal(grade), "none": None}
        assert engines["django"].from_string(PAGE).render(values) == said


@pytest.mark.parametrize(("language", "said"), [("en", "0.75 1.5"), ("de", "0,75 1,5")])
def test_numbers_of_a_template_itself_are_said_the_same_way(language: str, said: str) -> None:
    with translation.override(language):
        assert engines["django"].from_string("{% load amls %}{{ 0.75|decimal }} {{ 1.50|decimal }}").render() == said


def test_no_template_writes_numbers_in_a_way_of_its_own() -> None:
    own_ways = [
        path.name for path in (settings.BASE_DIR / "templates").rglob("*.html") if "|floatformat" in path.read_text()
    ]
    assert own_ways == []
