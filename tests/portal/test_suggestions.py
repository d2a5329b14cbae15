"""What a mistyped search costs, and how words in German texts are marked."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from amls.portal.search.query import make_queries, read_typed
from amls.portal.search.snippets import marker
from tests.cast import Cast
from tests.factories import LectureFactory
from tests.lectures.files import pdf, read

pytestmark = pytest.mark.django_db


def test_twelve_mistyped_words_cost_a_bounded_number_of_queries(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course)
    words = ["buffer", "gradient", "matrix", "sparse", "tensor", "kernel", "vector", "lattice"]
    read(lecture, "pdf", "a.pdf", pdf(words))
    client = Client()
    client.get("/amls/search/?q=buffer")
    counts = []
    # The second time every word has near ones and none of them together stand anywhere.
    for typed in (
        ["bufefr"],
        ["bufefr", "gradeint", "marrix", "spasre", "tenosr", "kerenl", "vectro", "latitce", *["zzzzzzzz"] * 4],
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/amls/search/", {"q": " ".join(typed)}).status_code == 200
        counts.append(len(queries))
    assert max(counts) <= 12
    # Four words are mended at most, by one look at the vocabulary and two at the files: what stands there, and what may.
    asked = [query["sql"] for query in queries if "AS typed" in query["sql"] and "lectures_passage" in query["sql"]]
    assert len(asked) == 2
    assert len([query for query in queries if "lectures_wordlist" in query["sql"]]) == 1


@pytest.mark.parametrize(
    ("typed", "word"), [("Ärzten", "ärzte"), ("arzt", "ärzte"), ("Übungen", "übung"), ("Optimierung", "optimierungen")]
)
def test_german_words_are_marked_whatever_their_ending(typed: str, word: str) -> None:
    marks = marker(make_queries(read_typed(typed), "de"), {word, "beispiel"}, "de")
    assert word in marks
    assert "beispiel" not in marks
