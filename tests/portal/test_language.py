"""The other language of a page: at one click, but where what was typed in a form would be lost by it."""

import pytest
from bs4 import BeautifulSoup, Tag

from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
PAGE = "/amls/staff/snippets/"


def foot_of(content: bytes) -> Tag:
    """Return the form by which a page's language changes."""
    form = BeautifulSoup(content, "html.parser").select_one('footer form[action="/language/"]')
    assert form is not None
    return form


def test_a_page_changes_its_language_at_one_click(cast: Cast) -> None:
    foot = foot_of(cast.client("lecturer").get(PAGE).content)
    assert foot.select_one("details") is None
    assert [(way["value"], way["lang"], way.get_text()) for way in foot.select("button")] == [("de", "de", "Deutsch")]


@pytest.mark.parametrize(
    ("language", "other", "name", "asked"),
    [
        ("en", "de", "Deutsch", "Was Sie auf dieser Seite eingegeben haben, ist nicht gespeichert und geht verloren, wenn die Sprache wechselt."),
        ("de", "en", "English", "What you typed on this page is not saved, and is lost when the language changes."),
    ],
)  # fmt: skip
def test_what_was_typed_is_not_lost_unasked(cast: Cast, language: str, other: str, name: str, asked: str) -> None:
    client = cast.client("lecturer")
    answer = client.post(PAGE, {"lines": "ż" * 1001}, headers={"accept-language": language})
    assert answer.status_code == 422
    assert "ż" * 1001 in answer.content.decode()
    foot = foot_of(answer.content)
    # Without scripts: nothing is sent before the question is open, in the language of who asks for it.
    (question,) = foot.select("details")
    assert (question["lang"], question.has_attr("open")) == (other, False)
    assert [part.get_text() for part in question.select("summary, p")] == [name, asked]
    assert [(way["name"], way["value"]) for way in foot.select("button")] == [("language", other)]
    assert question.select("button") == foot.select("button")
    # It leads to the page, in that language.
    sent = {"language": other, "next": str(foot.select("input")[0]["value"])}
    led = client.post("/language/", sent, headers={"sec-fetch-site": "same-origin"}, follow=True)
    assert BeautifulSoup(led.content, "html.parser").select_one(f'html[lang="{other}"]') is not None
