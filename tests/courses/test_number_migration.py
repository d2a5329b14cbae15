"""What counted as verified everywhere becomes each course's: nothing is lost, and two bearers are told apart by staff."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = [("courses", "0005_family_names")]


@pytest.mark.django_db(transaction=True)
def test_verified_numbers_move_into_the_courses_and_two_bearers_have_none() -> None:
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate(BEFORE)
    try:
        old = executor.loader.project_state(BEFORE).apps
        courses = [old.get_model("courses", "Course").objects.create(slug=slug, title=slug) for slug in ("a", "b")]
        numbers = {"anna": ("500001", True), "bernd": ("77", True), "carl": ("0077", True), "dora": ("8", False)}
        for name, (number, is_verified) in numbers.items():
            user = old.get_model("courses", "User").objects.create(
                email=f"{name}@example.org", matriculation_number=number, is_matriculation_verified=is_verified
            )
            for course in courses:
                old.get_model("courses", "Enrolment").objects.create(user=user, course=course)
        mine = old.get_model("courses", "Enrolment").objects.get(user__email="anna@example.org", course=courses[1])
        old.get_model("courses", "RosterEntry").objects.create(
            course=courses[1], email="anna@example.org", matriculation_number="999", enrolment=mine
        )
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(latest)
    new = executor.loader.project_state(latest).apps
    rows = new.get_model("courses", "Enrolment").objects.exclude(verified_number="")
    # The roster of the second course says otherwise: its staff see that.
    assert list(rows.values_list("user__email", "course__slug", "verified_number")) == [
        ("anna@example.org", "a", "500001")
    ]
    typed = new.get_model("courses", "User").objects.order_by("email").values_list("matriculation_number", flat=True)
    assert list(typed) == ["500001", "77", "0077", "8"]
