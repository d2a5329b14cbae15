"""People who are offered at the desk have an account."""

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse

from amls.privacy.registry import delete_account
from tests.cast import Cast
from tests.projects.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.mark.parametrize("part", ["lecturer", "admin"])
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("exams_accommodation", "enrolment"), ("exams_admissiondecision", "enrolment"),
        ("projects_earlierpass", "enrolment"), ("courses_enrolment", "user"),
    ],
)  # fmt: skip
def test_who_deleted_their_account_is_offered_for_nothing(cast: Cast, kind: str, field: str, part: str) -> None:
    address, client = reverse(f"admin:{kind}_add"), cast.client(part)

    def offered() -> set[str]:
        page = BeautifulSoup(client.get(address).content, "html.parser")
        return {str(option["value"]) for option in page.select(f"select[name={field}] option") if option["value"]}

    before = offered()
    gone = cast.other_student
    delete_account(user=gone.user, now=NOW)
    key = str(gone.pk if field == "enrolment" else gone.user_id)
    assert before - offered() == {key}
    page = BeautifulSoup(client.post(address, {field: key}).content, "html.parser")
    (refused,) = page.select(f"#id_{field}_error, [id$={field}_error]")
    assert "Select a valid choice" in refused.get_text()
