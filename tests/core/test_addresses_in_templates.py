"""Addresses in templates are put together once, and are those of Django's tag."""

import pytest
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.test.utils import override_script_prefix
from django.urls import NoReverseMatch

CASES = [
    # what a template says, the address
    ('{% url "exams:exams" slug %}', "/amls/exams/"),
    (
        '{% url "projects:handout" slug 7 "Größe & co.pdf" %}',
        "/amls/assignments/files/7/Gr%C3%B6%C3%9Fe%20&amp;%20co.pdf",
    ),
    ('{% url "exams:register" slug 7 %}', "/amls/exams/7/register/"),
    ('{% url "exams:register" slug=slug pk=7 %}', "/amls/exams/7/register/"),
    ('{% url "exams:exams" slug as there %}<{{ there }}>', "</amls/exams/>"),
    ('{% url "exams:exam" slug as there %}<{{ there }}>', "<>"),
    ('{% url "projects:handout" slug 7 "a&b.pdf" as there %}<{{ there }}>', "</amls/assignments/files/7/a&amp;b.pdf>"),
    ("{% url name slug %}", "/amls/exams/"),
    (
        '{% autoescape off %}{% url "projects:handout" slug 7 "a&b.pdf" %}{% endautoescape %}',
        "/amls/assignments/files/7/a&b.pdf",
    ),
]


@pytest.mark.parametrize(("written", "address"), CASES)
def test_an_address_is_the_one_that_django_makes(written: str, address: str) -> None:
    page = Template(written)
    for _again in range(2):
        assert page.render(Context({"slug": "amls", "name": "exams:exams"})) == address


def test_an_address_follows_the_site_and_a_wrong_name_is_said_each_time() -> None:
    page, wrong = Template('{% url "exams:exams" "amls" %}'), Template('{% url "exams:exam" "amls" %}')
    assert page.render(Context()) == "/amls/exams/"
    with override_script_prefix("/courses/"):
        assert page.render(Context()) == "/courses/amls/exams/"
    with override_settings(ROOT_URLCONF="exams.urls"), pytest.raises(NoReverseMatch):
        page.render(Context())
    for _again in range(2):
        with pytest.raises(NoReverseMatch):
            wrong.render(Context())


@pytest.mark.parametrize(
    ("asked", "written", "address"),
    [
        ("/", '{% to_page "page" 2 %}', "?page=2"),
        ("/?q=a%26b&page=3", '{% to_page "page" 2 %}', "?q=a%26b&amp;page=2"),
        ("/?waiting=4", '{% to_page "holding" 2 "people" %}', "?waiting=4&amp;holding=2#people"),
        ('/?q="><script>', '{% to_page "page" 2 %}', "?q=%22%3E%3Cscript%3E&amp;page=2"),
    ],
)
def test_another_page_of_a_list_keeps_all_else_that_was_asked_for(asked: str, written: str, address: str) -> None:
    page = Template("{% load amls %}" + written)
    assert page.render(Context({"request": RequestFactory().get(asked)})) == address
