"""`amls start`: an installation is set up once, and the same command again changes nothing."""

import io

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from amls.courses.models import Course, Role, User
from amls.courses.services import publish_course
from tests.factories import EnrolmentFactory, LectureFactory, UserFactory
from tests.seed import PAGE

pytestmark = pytest.mark.django_db
ADA = {"email": "ada@example.org", "name": "Ada", "password": "", "no_input": True}
COURSE = {"title": "Databases", "term": "SS2027", "slug": "db"}


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


def start(**options: object) -> str:
    out = io.StringIO()
    call_command("start", stdout=out, **options)
    return out.getvalue()


def test_it_makes_who_runs_the_installation_and_a_course() -> None:
    said = start(email="Ada@Example.org", name="Ada", password="", course=str(PAGE), no_input=True)
    course = Course.objects.get()
    enrolment = course.enrolments.get()
    assert (enrolment.user.email, enrolment.user.is_superuser, enrolment.role) == ("ada@example.org", True, "lecturer")
    assert EmailAddress.objects.get(user=enrolment.user).verified
    assert said.splitlines() == [
        "Account ada@example.org runs this installation.",
        "Course /amls-ss2024/ is a draft; publish it at the desk.",
    ]
    with pytest.raises(CommandError, match="not an e-mail address"):
        start(email="ada", no_input=True)


def test_the_same_command_again_changes_nothing_and_says_what_is_there() -> None:
    start(**ADA, **COURSE)
    course = Course.objects.get()
    publish_course(course=course, now=timezone.now())
    LectureFactory.create(course=course)
    before = Course.objects.values().get()
    assert start(**ADA, **COURSE).splitlines() == [
        "Account ada@example.org runs this installation already, and stays as it is.",
        "Course /db/ is there already (running), and stays as it is.",
    ]
    assert Course.objects.values().get() == before
    assert (course.lectures.count(), course.enrolments.get().role, User.objects.count()) == (1, Role.LECTURER, 1)


@pytest.mark.parametrize("options", [{"title": "Another", "term": "SS2028"}, {"course": str(PAGE)}])
def test_an_address_that_a_course_has_is_not_taken_from_it(options: dict[str, str]) -> None:
    there = LectureFactory.create(course__slug="db", course__title="Databases").course
    before, out = Course.objects.values().get(), io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("start", stdout=out, **ADA, **options, slug="db")
    assert out.getvalue() == ""
    assert str(refused.value) == "Nothing was written.\n'db' is taken by another course. Choose another address."
    assert (Course.objects.values().get(), there.lectures.count()) == (before, 1)
    assert not User.objects.filter(email="ada@example.org").exists()


def test_an_account_that_is_there_runs_the_installation_only_if_somebody_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, stranger = UserFactory.create(email="ada@example.org"), EnrolmentFactory.create().user
    with pytest.raises(CommandError, match=r"ada@example\.org has an account that does not run .* Give --promote"):
        start(**ADA, **COURSE)
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    with pytest.raises(CommandError, match="Nothing was written"):
        start(email="ada@example.org", **COURSE)
    user.refresh_from_db()
    assert (user.is_superuser, Course.objects.filter(slug="db").count()) == (False, 0)
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    start(email="ada@example.org", **COURSE)
    user.refresh_from_db()
    assert (user.is_superuser, Course.objects.get(slug="db").enrolments.get().user) == (True, user)
    start(email=stranger.email, promote=True, no_input=True)
    assert list(User.objects.filter(is_superuser=True)) == [user, stranger]


def test_a_locked_account_runs_no_installation() -> None:
    UserFactory.create(email="ada@example.org", is_active=False)
    with pytest.raises(CommandError, match=r"the account ada@example\.org is locked"):
        start(**ADA, promote=True)


def test_the_demo_s_password_opens_no_real_account() -> None:
    with pytest.raises(CommandError, match="the password of the demo, which everyone knows"):
        start(**{**ADA, "password": settings.DEMO_PASSWORD})
    assert not User.objects.exists()
