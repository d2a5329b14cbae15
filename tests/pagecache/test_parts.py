"""Parts of pages that are kept for everybody hold nothing of anybody, and are as fresh as the page."""

import re
from datetime import timedelta

import pytest
from django.http import HttpRequest
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from amls.agenda.models import AgendaItem, ItemKind
from amls.core.clock import database_clock
from amls.courses.access import Access
from amls.courses.models import Course, User
from amls.courses.services import touch
from amls.pagecache import store as pagecache
from amls.pagecache.parts import KeptPart, Shared
from amls.pagecache.store import Key
from tests.cast import Cast
from tests.demo import restore_demo
from tests.snapshots import Snapshots

pytestmark = pytest.mark.django_db

PAGES = (
    "",
    "lectures/05/",
    "lectures/05/?presentation=1&t=20",
    "schedule/",
    "schedule/?view=month",
    "projects/",
    "exams/",
    "me/",
)
_OWN_TO_EACH_ANSWER = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[Key, KeptPart]:
    """All parts that pages keep."""
    kept: dict[Key, KeptPart] = {}
    put = pagecache.store.put

    def note(key: Key, page: pagecache.Keepable) -> None:
        if isinstance(page, KeptPart):
            kept[key] = page
        put(key, page)

    monkeypatch.setattr(pagecache.store, "put", note)
    return kept


def page_of(user: User, path: str, language: str) -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    answer = client.get(path, follow=True)
    return _OWN_TO_EACH_ANSWER.sub("", answer.content.decode())


def test_nobody_sees_in_a_kept_part_what_is_anothers(parts: dict[Key, KeptPart], snapshots: Snapshots) -> None:
    restore_demo(snapshots, with_coursework=True)
    wanted = ("student", "assistant", "admin", "stranger")
    people = [User.objects.get(email=f"{name}@example.org") for name in wanted]
    teammates = User.objects.filter(enrolments__course__slug="amls").exclude(pk__in=[person.pk for person in people])
    people += list(teammates.order_by("pk")[:1])
    visits = [(person, f"/amls/{page}", person.language or "de") for person in people for page in PAGES]
    alone = []
    for visit in visits:
        pagecache.store.clear()
        alone.append(page_of(*visit))
    # Now everybody after everybody else, the other way round.
    pagecache.store.clear()
    after_others = [page_of(*visit) for visit in reversed(visits)][::-1]
    for visit, expected, got in zip(visits, alone, after_others, strict=True):
        assert got == expected, visit
    assert parts
    students = [user for user in User.objects.all() if not user.enrolments.exclude(role="student").exists()]
    for key, part in parts.items():
        for user in students:
            assert user.email not in part.html, key
            assert not user.display_name or user.display_name not in part.html, key


def access_of(cast: Cast, part: str) -> Access:
    enrolment = {"student": cast.student, "lecturer": cast.lecturer}.get(part)
    course = Course.objects.get(pk=cast.course.pk)
    return Access(course, enrolment, part == "lecturer", database_clock.now())


def render(text: str, access: Access, **more: object) -> str:
    request: HttpRequest = RequestFactory().get("/")
    names = {"shared": Shared(access), "access": access, "secret": "of one person", **more}
    return Template("{% load pagecache %}" + text).render(RequestContext(request, names))


def test_a_part_is_rendered_once_for_an_audience_a_revision_and_a_language(cast: Cast) -> None:
    def tick(count: list[int] = []) -> int:  # noqa: B006 - counts the renderings
        count.append(1)
        return len(count)

    Shared.tick = staticmethod(tick)  # type: ignore[attr-defined]
    text = '{% kept "ticks" shared %}{{ shared.tick }}{% endkept %}'
    try:
        student = access_of(cast, "student")
        assert [render(text, student), render(text, student)] == ["1", "1"]
        assert render(text, access_of(cast, "other student")) == "2"
        with translation.override("de"):
            assert render(text, student) == "3"
        assert render(text, student) == "1"
        touch(cast.course, now=timezone.now())
        assert render(text, access_of(cast, "student")) == "4"
        # Who manages the course sees what others don't: never kept.
        lecturer = access_of(cast, "lecturer")
        assert [render(text, lecturer), render(text, lecturer)] == ["5", "6"]
    finally:
        del Shared.tick  # type: ignore[attr-defined]


def test_a_part_is_made_anew_when_its_time_is_over(cast: Cast) -> None:
    text = '{% kept "time" shared %}{{ shared.now|date:"U" }}{% endkept %}'
    now = database_clock.now()
    AgendaItem.objects.create(
        course=cast.course, key="test", kind=ItemKind.LECTURE, title="Now", created_at=now, changed_at=now,
        starts_at=now - timedelta(minutes=50), ends_at=now + timedelta(seconds=40),
    )  # fmt: skip
    access = access_of(cast, "student")

    def at(seconds: int) -> Access:
        return Access(access.course, access.enrolment, False, now + timedelta(seconds=seconds))

    before = render(text, at(0))
    assert render(text, at(39)) == before
    assert render(text, at(40)) != before


def test_nothing_but_what_is_shared_is_within_reach_of_a_part(cast: Cast) -> None:
    text = '{% kept "reach" shared tab="home" %}{{ secret }}|{{ request }}|{{ user }}|{{ access.enrolment }}|{{ tab }}{% endkept %}'
    assert render(text, access_of(cast, "student")) == "|||None|home"


def test_a_part_depends_on_words_numbers_and_rows_never_on_people(cast: Cast) -> None:
    text = '{% kept "by" shared what=what %}{{ what }}{% endkept %}'
    access = access_of(cast, "student")
    assert [render(text, access, what=1), render(text, access, what=2), render(text, access, what=1)] == ["1", "2", "1"]
    now = database_clock.now()
    row = AgendaItem(kind="lecture", title="Today", starts_at=now, ends_at=now)
    assert render(text, access, what=row) == "Today"
    row.title = "Tomorrow"
    assert render(text, access, what=row) == "Tomorrow"
    with pytest.raises(TypeError, match="can't depend on User"):
        render(text, access, what=cast.student.user)


def test_a_part_can_be_put_into_a_name(cast: Cast) -> None:
    text = '{% kept "named" shared as html %} <b>x</b> {% endkept %}{% if html %}[{{ html }}]{% endif %}'
    assert render(text, access_of(cast, "student")) == "[<b>x</b>]"
    assert render(text.replace("<b>x</b>", ""), access_of(cast, "stranger")) == ""


@pytest.mark.parametrize("text", ["{% kept %}", "{% kept shared %}", "{% kept 'x' %}", "{% kept 'x' shared tab %}"])
def test_a_part_without_a_name_or_with_unnamed_words_is_refused(text: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="needs a name"):
        Template("{% load pagecache %}" + text + "{% endkept %}").render(Context())
