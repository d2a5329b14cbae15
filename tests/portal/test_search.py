"""Every slide and second is found, by those who may see it, however it is typed."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from amls.core.clock import database_clock
from amls.courses.models import Course
from amls.courses.services import touch
from amls.mail.models import Announcement
from amls.pagecache.store import store
from amls.portal.demo.slides import recording
from amls.portal.search.find import MAX_RANKED, kept_searches, search
from amls.portal.search.hits import Found
from amls.portal.search.query import make_queries, read_typed
from amls.portal.search.readers import Reader
from amls.portal.search.snippets import snippet
from lectures.models import Lecture, Material, Passage, WordList
from lectures.services.materials import add_material, upload_version
from lectures.tasks import extract
from tests.cast import Cast, make_cast
from tests.factories import CourseFactory, EnrolmentFactory, LectureFactory, TopicFactory
from tests.lectures.files import pdf, pptx, put, read, vtt
from tests.markup import shows
from tests.worlds import Worlds

pytestmark = pytest.mark.django_db


@pytest.fixture
def furnished(db: None, worlds: Worlds) -> tuple[Cast, Lecture]:
    """The cast, and a lecture whose files have been read, which takes longer than most of these tests."""
    return worlds.given("search", _make_fusion)


@pytest.fixture
def fusion(furnished: tuple[Cast, Lecture]) -> Lecture:
    return furnished[1]


def _make_fusion() -> tuple[Cast, Lecture]:
    cast = make_cast()
    lecture = LectureFactory.create(course=cast.course, number="04", title="Operator Fusion and Runtime Adaptation")
    read(
        lecture, "pdf", "04.pdf",
        pdf(["Operator Fusion", "Overview"], ["Why fuse operators", "Intermediates cost memory <b>bandwidth</b>"], ["Optimization", "of fusion plans"]),
    )  # fmt: skip
    put(lecture, "mp4", "04.mp4", recording("04") or b"")
    read(
        lecture, "captions", "04.vtt",
        vtt(("00:00:01.000", "00:00:05.000", "Welcome."), ("00:12:30.000", "00:12:34.000", "A template is a cell."), ("00:12:34.000", "00:12:38.000", "Here is the sparsity exploitation trick.")),
    )  # fmt: skip
    return cast, lecture


def find(client: Client, text: str, slug: str = "amls") -> Found:
    answer = client.get(f"/{slug}/search/?q={quote(text)}" if slug else f"/search/?q={quote(text)}")
    assert answer.status_code == 200
    results = answer.context["found"]
    assert isinstance(results, Found)
    return results


def urls(results: Found) -> list[str]:
    return [hit.url for group in results.groups for hit in group.hits]


def test_a_word_leads_to_its_slide_and_second(cast: Cast, fusion: Lecture) -> None:
    client = Client()
    assert urls(find(client, "bandwidth")) == ["/amls/lectures/04/#page=2"]
    assert urls(find(client, "sparsity")) == ["/amls/lectures/04/?t=754#recording"]
    assert find(client, "sparsity").groups[0].hits[0].where == "Recording, 12:34"
    # Stems of the language, and beginnings of the last word.
    assert urls(find(client, "operator")) == urls(find(client, "operators")) == ["/amls/lectures/04/#page=1", "/amls/lectures/04/#page=2"]  # fmt: skip
    for beginning in ("opt", "optimi", "optimizat", "OPTIMIZATION"):
        assert urls(find(client, beginning)) == ["/amls/lectures/04/#page=3"], beginning
    # Only the last word may be a beginning.
    assert urls(find(client, "sparsity exploi")) == ["/amls/lectures/04/?t=754#recording"]


def test_hits_are_marked_and_nothing_in_slides_is_markup(cast: Cast, fusion: Lecture) -> None:
    page = Client().get("/amls/search/?q=bandwidth+memory").content.decode()
    assert "Intermediates cost <mark>memory</mark> &lt;b&gt;<mark>bandwidth</mark>&lt;/b&gt;" in page
    assert '<input id="q" type="search" name="q" value="bandwidth memory"' in page
    Material.objects.filter(kind="pdf").update(kind="other", title="<i>Slides</i>")
    Course.objects.filter(pk=cast.course.pk).update(title="<i>Course</i>")
    page = Client().get("/search/?q=bandwidth+memory").content.decode()
    assert '<span class="where">&lt;i&gt;Slides&lt;/i&gt;, page 2</span>' in page
    assert "<i>" not in page
    evil = Client().get("/amls/search/?q=%3Cscript%3Ealert(1)%3C/script%3E").content.decode()
    assert "<script>alert" not in evil


def test_titles_abstracts_and_topics_are_found(cast: Cast, fusion: Lecture) -> None:
    Lecture.objects.filter(pk=fusion.pk).update(abstract="How **compilers** generate fused kernels.")
    TopicFactory.create(course=cast.course, title="Fused kernels for GPUs", description="CUDA code")
    TopicFactory.create(course=cast.other_course, title="Kernels elsewhere")
    results = find(Client(), "kernels")
    assert [(str(group.title), group.label) for group in results.groups] == [
        ("Fused <mark>kernels</mark> for GPUs", "Project topic"),
        ("04 Operator Fusion and Runtime Adaptation", ""),
    ]
    assert str(results.groups[1].abstract) == "How **compilers** generate fused <mark>kernels</mark>."
    assert [str(group.title) for group in find(Client(), "cuda").groups] == ["Fused kernels for GPUs"]
    assert find(Client(), "adaptation").groups[0].lecture == fusion


def test_own_ideas_of_students_are_found_by_their_staff_only(cast: Cast) -> None:
    TopicFactory.create(
        course=cast.course, title="My zebra idea", proposal="open", proposed_by=cast.student, proposed_at=timezone.now()
    )
    can_find = {part: bool(find(cast.client(part), "zebra").groups) for part in cast.users()}
    assert can_find == {
        "anonymous": False, "stranger": False, "student": False, "assistant": True, "lecturer": True, "foreign lecturer": False, "admin": True,
    }  # fmt: skip
    assert not find(cast.client("stranger"), "zebar").corrected


def test_announcements_are_found_while_they_stand_on_the_page(cast: Cast) -> None:
    now = timezone.now()
    row = Announcement.objects.create(
        course=cast.course, title="Room change", text="We meet in the zebra hall.", publish_at=now - timedelta(hours=1),
        on_page_until=now + timedelta(hours=1),
    )  # fmt: skip
    results = find(Client(), "zebra")
    assert [(str(group.title), group.label, group.url) for group in results.groups] == [
        ("Room change", "announcement", "/amls/#announcements")
    ]
    everyone = ("anonymous", "student", "assistant", "foreign lecturer")
    for changes, expected in (
        ({"audience": "students"}, {"assistant"}),
        ({"audience": "all", "is_withdrawn": True}, set()),
        ({"is_withdrawn": False, "publish_at": now + timedelta(minutes=30)}, set()),
        ({"publish_at": now - timedelta(hours=2), "on_page_until": now - timedelta(hours=1)}, set()),
        ({"on_page_until": None}, set()),
    ):
        Announcement.objects.filter(pk=row.pk).update(**changes)
        assert {part for part in everyone if find(cast.client(part), "zebra").groups} == expected, changes


def test_the_same_slide_as_pdf_and_pptx_is_one_place_and_notes_are_found(cast: Cast, fusion: Lecture) -> None:
    read(fusion, "pptx", "04.pptx", pptx(("Operator Fusion", "Overview", "remember the quizmaster"), ("Why fuse operators", "Intermediates cost memory bandwidth", ""), ("Optimization", "", "")))  # fmt: skip
    assert urls(find(Client(), "bandwidth")) == ["/amls/lectures/04/#page=2"]
    results = find(Client(), "quizmaster")
    assert urls(results) == ["/amls/lectures/04/#page=1"]
    assert results.groups[0].hits[0].where == "Slide 1, speaker notes"


def test_a_presentation_with_other_slides_than_the_pdf_is_a_place_of_its_own(cast: Cast, fusion: Lecture) -> None:
    read(fusion, "pptx", "04.pptx", pptx(("Hidden slide", "zebra", "quagga"), ("Operator Fusion", "bandwidth", "")))
    client = Client()
    assert urls(find(client, "zebra")) == ["/amls/lectures/04/?presentation#presentation=1"]
    results = find(client, "quagga")
    assert results.groups[0].hits[0].where == "Presentation, slide 1, speaker notes"
    assert set(urls(find(client, "bandwidth"))) == {"/amls/lectures/04/#page=2", "/amls/lectures/04/?presentation#presentation=2"}  # fmt: skip
    page = client.get("/amls/lectures/04/?presentation").content.decode()
    assert shows(page, '<details class="deck-text" open><summary>The presentation as text</summary><div><article id="presentation=1">')  # fmt: skip
    assert shows(page, '<figure id="page=2">')
    # Who may not open the PDF has the presentation's slides in its place.
    Material.objects.filter(kind="pdf").update(audience="enrolled")
    assert urls(find(client, "zebra")) == ["/amls/lectures/04/#page=1"]
    assert urls(find(cast.client("student"), "zebra")) == ["/amls/lectures/04/?presentation#presentation=1"]


def test_captions_lead_into_the_transcript_where_the_recording_is_not_in_the_page(cast: Cast, fusion: Lecture) -> None:
    there = ["/amls/lectures/04/transcript/#said-2-1"]
    for changes in ({"audience": "enrolled"}, {"audience": "public", "url": "https://video.example.org/4", "current": None}):  # fmt: skip
        Material.objects.filter(kind="mp4").update(**changes)
        touch(cast.course, now=timezone.now())
        results = find(Client(), "sparsity")
        assert (urls(results), results.groups[0].hits[0].where) == (there, "Transcript, 12:34")
        assert shows(Client().get("/amls/lectures/04/").content.decode(), '<a class="btn" href="/amls/lectures/04/transcript/">')  # fmt: skip
    page = Client().get("/amls/lectures/04/transcript/").content.decode()
    assert shows(page, '<span id="said-2-1" data-at="754.0">Here is the sparsity exploitation trick.</span>')


def test_a_second_deck_and_a_second_recording_lead_into_their_own_files(cast: Cast, fusion: Lecture) -> None:
    now = timezone.now()
    later = {}
    for kind, name, content in (
        ("pdf", "extra.pdf", pdf(["Backup"], ["The zebra"])),
        ("mp4", "part2.mp4", recording("05") or b""),
        ("captions", "part2.vtt", vtt(("00:00:09.000", "00:00:12.000", "About the quagga."))),
    ):
        later[kind] = add_material(lecture=fusion, kind=kind, now=now, title=name, position=9)
        upload_version(material=later[kind], upload=SimpleUploadedFile(name, content), by=None, now=now)
    extract()
    assert urls(find(Client(), "zebra")) == [f"/amls/materials/{later['pdf'].pk}/extra.pdf#page=2"]
    assert urls(find(Client(), "quagga")) == [f"/amls/materials/{later['captions'].pk}/part2.vtt"]
    assert urls(find(Client(), "sparsity")) == ["/amls/lectures/04/?t=754#recording"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("CPU/GPU kernels, Data/Task-Parallel", ["cpu", "gpu", "GPU/CPU", "task", "parallel", "data/task-par"]),
        ("numpy.dot and tf.data.Dataset", ["dot", "numpy", "numpy.dot", "dataset", "tf.da"]),
        ("List<String> &ref <zebra>", ["string", "list<string>", "ref", "zebra"]),
        ("tf_idf_vectorizer, see https://systemds.apache.org/docs", ["idf", "vectorizer", "tf_idf_vec", "systemds", "docs"]),
        ("version 2.0.1 or 3.14, see Fig.3", ["2.0.1", "2.0", "3.14", "fig"]),
    ],
)  # fmt: skip
def test_words_that_signs_join_are_found_one_by_one(cast: Cast, line: str, words: list[str]) -> None:
    read(
        LectureFactory.create(course=cast.course, number="05"), "pdf", "a.pdf", pdf(["Slide", line], ["Other", "none"])
    )
    TopicFactory.create(course=cast.course, title="Topic", description=line)
    for word in words:
        results = find(Client(), word)
        assert not results.is_partial
        assert not results.corrected
        assert sorted(group.url.rpartition("/amls/")[2].split("/")[0] for group in results.groups) == ["lectures", "projects"], word  # fmt: skip
        assert "<mark>" in str(results.groups[0].abstract or results.groups[0].hits[0].snippet), word


def test_hidden_words_are_no_reason_to_keep_a_slip(cast: Cast, fusion: Lecture) -> None:
    hidden = LectureFactory.create(course=cast.course, number="05")
    read(hidden, "pdf", "a.pdf", pdf(["Fision", "Fission", "Fusian", "Fushion"]))
    Material.objects.filter(lecture=hidden).update(audience="enrolled")
    # The same answer as if nobody had ever written these words.
    for word in ("fision", "fusian", "fushion", "fuson"):
        results = find(Client(), word)
        assert (results.corrected, results.shown.text) == (True, "fusion"), word
    assert urls(find(cast.client("student"), "fusian")) == ["/amls/lectures/05/#page=1"]


def test_other_pdfs_lead_into_the_file_itself(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="05")
    file = read(lecture, "other", "sheet.pdf", pdf(["Exercise"], ["Submit the zebra"]))
    assert urls(find(Client(), "zebra")) == [f"/amls/materials/{file.material_id}/sheet.pdf#page=2"]


def test_swapped_letters_still_find_the_word(cast: Cast, fusion: Lecture) -> None:
    results = find(Client(), "fusoin")
    assert (results.corrected, results.shown.text) == (True, "fusion")
    assert urls(results)[0] == "/amls/lectures/04/#page=1"
    page = Client().get("/amls/search/?q=operater+fusoin").content.decode()
    assert "Nothing has 'operater fusoin'. Shown instead: 'operator fusion'." in page
    # A word that is far from all is not replaced by anything.
    assert find(Client(), "xylophone").groups == []
    # Titles and topics lend their words too.
    TopicFactory.create(course=cast.course, title="Quantization")
    assert find(Client(), "quantizatoin").shown.text == "quantization"


def test_a_question_finds_what_has_most_of_its_words(cast: Cast, fusion: Lecture) -> None:
    results = find(Client(), "operator fusion zebra")
    assert results.is_partial
    assert urls(results)[0] == "/amls/lectures/04/#page=1"


@pytest.mark.parametrize(
    "question",
    ["Wo wird Optimization erklärt?", "where was optimization presented?", "Was ist optimiz", "How does the optimization", "optimization und"],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_question_finds_what_its_telling_words_find(
    cast: Cast, fusion: Lecture, question: str, language: str
) -> None:
    cast.course.language = language
    cast.course.save()
    asked, bare = find(Client(), question), find(Client(), "optimization")
    assert (asked.is_partial, asked.corrected) == (False, False)
    assert urls(asked) == urls(bare) == ["/amls/lectures/04/#page=3"]
    # A phrase stands as it is.
    assert read_typed('"the fusion"').terms[0].text == "the fusion"


def test_words_in_quotation_marks_stand_together(cast: Cast, fusion: Lecture) -> None:
    assert urls(find(Client(), '"fusion plans"')) == ["/amls/lectures/04/#page=3"]
    assert find(Client(), '"plans fusion"').groups == []
    assert urls(find(Client(), "“fusion plans”")) == ["/amls/lectures/04/#page=3"]


VISIBILITY = [
    ({}, dict.fromkeys(("anonymous", "stranger", "student", "assistant", "foreign lecturer", "admin"), True)),
    ({"audience": "enrolled"}, {"anonymous": False, "stranger": False, "student": True, "assistant": True, "foreign lecturer": False, "admin": True}),
    ({"visible_from": timedelta(hours=1)}, {"anonymous": False, "stranger": False, "student": False, "assistant": True, "foreign lecturer": False, "admin": True}),
    ({"visible_from": -timedelta(hours=1)}, dict.fromkeys(("anonymous", "stranger", "student", "assistant", "foreign lecturer", "admin"), True)),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), VISIBILITY)
def test_everyone_finds_what_they_may_open(
    cast: Cast, fusion: Lecture, change: dict[str, object], expected: dict[str, bool]
) -> None:
    values = {name: timezone.now() + value if isinstance(value, timedelta) else value for name, value in change.items()}
    Material.objects.filter(kind="pdf").update(**values)
    assert {part: bool(urls(find(cast.client(part), "bandwidth"))) for part in expected} == expected
    # Neither does a suggestion tell of it.
    assert {part: find(cast.client(part), "bandwidht").corrected for part in expected} == expected
    assert {part: "bandwidth" in cast.client(part).get("/amls/search/?q=bandwidht").content.decode() for part in expected} == expected  # fmt: skip
    # The same across courses; those who have courses of their own look into these first.
    across = {part: bool(urls(find(cast.client(part), "bandwidth", slug=""))) for part in expected}
    assert across == {**expected, "foreign lecturer": False}


def test_a_draft_is_found_by_its_staff_only(cast: Cast, fusion: Lecture) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    can_find = {part: bool(find(cast.client(part), "bandwidth", slug="").groups) for part in cast.users()}
    assert can_find == {
        "anonymous": False, "stranger": False, "student": False, "assistant": True, "lecturer": True, "foreign lecturer": False, "admin": True,
    }  # fmt: skip


def test_search_stays_in_its_course_and_reaches_across_them(cast: Cast, fusion: Lecture) -> None:
    other = LectureFactory.create(course=cast.other_course, number="01", title="Joins")
    read(other, "pdf", "01.pdf", pdf(["Joins need bandwidth", f"course/{cast.course.pk}"]))
    client = cast.client("student")
    assert urls(find(client, "bandwidth")) == ["/amls/lectures/04/#page=2"]
    assert urls(find(client, "bandwidth", slug="databases")) == ["/databases/lectures/01/#page=1"]
    assert urls(find(client, "bandwidth", slug="")) == ["/amls/lectures/04/#page=2"]
    every = client.get("/search/?all&q=bandwidth").context["found"]
    assert set(urls(every)) == {"/amls/lectures/04/#page=2", "/databases/lectures/01/#page=1"}
    EnrolmentFactory.create(course=cast.other_course, user=cast.student.user)
    assert len(urls(find(client, "bandwidth", slug=""))) == 2


def test_search_across_zones_names_them(cast: Cast, fusion: Lecture) -> None:
    read(LectureFactory.create(course=cast.other_course, number="01"), "pdf", "01.pdf", pdf(["Joins need bandwidth"]))

    def said() -> tuple[list[str], str]:
        page = BeautifulSoup(Client().get("/search/?q=bandwidth").text, "html.parser")
        named = sorted(line.text for line in page.select("ol p.small.soft, ul p.small.soft"))
        return named, page.select_one("footer span").text

    assert said() == ([str(cast.course), str(cast.other_course)], "All times are those of Europe/Berlin.")
    Course.objects.filter(pk=cast.other_course.pk).update(timezone="America/New_York")
    named = [f"{cast.course} (Europe/Berlin)", f"{cast.other_course} (America/New_York)"]
    assert said() == (named, "All times are those of their course.")
    Course.objects.filter(pk=cast.course.pk).update(timezone="America/New_York")
    assert said()[1] == "All times are those of America/New_York."


def test_german_courses_are_searched_in_german(cast: Cast) -> None:
    course = CourseFactory.create(slug="systeme", language="de")
    read(LectureFactory.create(course=course, number="01"), "pdf", "a.pdf", pdf(["Datenbankhäuser", "Die Häuser der Daten"]))  # fmt: skip
    for word in ("Haus", "häuser", "hauses"):
        assert urls(find(Client(), word, slug="systeme")) == ["/systeme/lectures/01/#page=1"], word
    assert "<mark>Häuser</mark>" in str(find(Client(), "haus", slug="systeme").groups[0].hits[0].snippet)
    # Read out in its own language where the page is in another; the site's own words are in the page's.
    page = Client().get("/systeme/search/?q=haus", headers={"accept-language": "en"}).content.decode()
    assert '<span class="text" lang="de">' in page.replace("\n   ", "")
    assert find(Client(), "schedule", slug="systeme").groups[0].language == ""


@pytest.mark.parametrize(
    "text",
    ["fusion & | !", "fusion:*", "!fusion", "'fusion", '"fusion', "(fusion", "fusion)", "fusion <-> ", "fusion \\", "%fusion%", "fusion\x00", "fusion;--"],
)  # fmt: skip
def test_operators_and_quotes_are_only_text(cast: Cast, fusion: Lecture, text: str) -> None:
    assert urls(find(Client(), text))[0] == "/amls/lectures/04/#page=1"


@pytest.mark.parametrize("text", ["", " ", "&|!", '"', '""', "'", "\x00", "-", "(:*)", "…"])
def test_what_holds_no_word_is_said(cast: Cast, fusion: Lecture, text: str) -> None:
    answer = Client().get("/amls/search/", {"q": text})
    assert answer.status_code == 200
    assert ("Type at least one word" in answer.content.decode()) == bool(answer.context["found"].typed.text)


def test_only_common_words_count_as_written(cast: Cast, fusion: Lecture) -> None:
    assert urls(find(Client(), "here is the")) == ["/amls/lectures/04/?t=754#recording"]
    assert make_queries(read_typed("the"), "en").all_terms.begun == "('the')"


def test_ten_thousand_characters_are_bounded_and_said(cast: Cast, fusion: Lecture) -> None:
    answer = Client().get("/amls/search/", {"q": "fusion " * 1428 + "rest"})
    page = answer.content.decode()
    assert "only its first 200 characters and 12 words count" in page
    assert len(answer.context["found"].typed.terms) == 12
    assert urls(answer.context["found"])[0] == "/amls/lectures/04/#page=1"
    assert Client().get("/amls/search/", {"q": "x" * 10_000}).status_code == 200
    assert Client().get("/amls/search/", {"q": "äöü🎓" * 2500}).status_code == 200


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=260))
def test_nothing_typed_breaks_the_search(cast: Cast, text: str) -> None:
    typed = read_typed(text)
    assert len(typed.text) <= 200
    assert len(typed.terms) <= 12
    for language in ("en", "de"):
        queries = make_queries(typed, language)
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::tsquery, %s::tsquery", [queries.all_terms.begun, queries.any_term.begun])
    search(Reader(timezone.now(), {cast.course.pk: cast.course}), typed)


def test_htmx_gets_the_results_alone(cast: Cast, fusion: Lecture) -> None:
    answer = Client().get("/amls/search/?q=fusion", headers={"hx-request": "true"})
    page = answer.content.decode()
    assert "<html" not in page
    assert 'hx-swap-oob="innerHTML"' in page
    # The title and the way on to all courses follow what is typed.
    assert page.startswith("<title>fusion · Search")
    assert shows(page, '<a href="/search/?q=fusion">')
    assert "HX-Request" in answer["Vary"]
    assert answer["Cache-Control"] == "private, no-store"


def test_a_word_that_stands_everywhere_shows_the_best_places_and_says_so(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course)
    read(
        lecture,
        "pdf",
        "a.pdf",
        pdf(
            *(["Fusion", f"q{chr(97 + number // 26)}{chr(97 + number % 26)}z"] for number in range(160)), size=(72, 40)
        ),
    )
    assert "The best 30 places are shown; more words find fewer." in Client().get("/amls/search/?q=fusion").content.decode()  # fmt: skip
    assert "1 place found." in Client().get("/amls/search/?q=fusion+qbaz").content.decode()


def test_of_a_word_on_very_many_pages_the_newest_are_looked_at(cast: Cast, fusion: Lecture) -> None:
    old = Passage.objects.first()
    assert old is not None
    Passage.objects.bulk_create(
        Passage(course=cast.course, file=old.file, kind="page", number=number, language="en", title="Gossip", text="")
        for number in range(100, 100 + MAX_RANKED)
    )
    newest = LectureFactory.create(course=cast.course, number="77", title="Peers")
    read(newest, "pdf", "peers.pdf", pdf(["Gossip"]))
    assert "/amls/lectures/77/#page=1" in Client().get("/amls/search/?q=gossip").content.decode()


def test_slides_are_found_with_their_picture(cast: Cast, fusion: Lecture) -> None:
    hit = find(Client(), "bandwidth").groups[0].hits[0]
    pdf_pk = Material.objects.get(kind="pdf").pk
    assert hit.picture
    assert hit.picture.url == f"/amls/materials/{pdf_pk}/thumbs/2.webp"
    assert Client().get(hit.picture.url).status_code == 200
    assert find(Client(), "sparsity").groups[0].hits[0].picture is None


def test_a_search_costs_the_same_with_9_lectures_as_with_3(cast: Cast) -> None:
    client, counts = cast.client("student"), list[tuple[int, int]]()
    client.get("/amls/search/?q=fusion")
    for batch in (3, 6):
        for _each in range(batch):
            lecture = LectureFactory.create(course=cast.course)
            read(lecture, "pdf", "a.pdf", pdf(["Fusion", "again"]))
        # What stands there for the first time is asked of the dictionary once, and so are titles and files.
        client.get("/amls/search/?q=fusion")
        kept_searches.clear()
        asked = []
        for _time in ("first", "again"):
            with CaptureQueriesContext(connection) as queries:
                assert len(client.get("/amls/search/?q=fusion").context["found"].groups) == len(counts) * 6 + 3
            asked.append(len(queries))
        counts.append((asked[0], asked[1]))
    # Session, person, course with the person's part in it, writes to the course; all that has the words.
    assert counts[0] == counts[1] == (5, 4)


def test_what_one_finds_others_get_who_see_as_much_and_no_more(cast: Cast, fusion: Lecture) -> None:
    now = timezone.now()
    TopicFactory.create(course=cast.course, title="Zebra", proposal="open", proposed_by=cast.student, proposed_at=now)
    announcement = {"title": "Zebra hall", "publish_at": timezone.now() - timedelta(hours=1), "on_page_until": timezone.now() + timedelta(hours=1)}  # fmt: skip
    Announcement.objects.create(course=cast.course, text="zebra", **announcement)
    Material.objects.filter(kind="pdf").update(audience="enrolled")

    def texts_for(part: str) -> list[str]:
        """Return the results of some searches, each in both of its shapes."""
        client, texts = cast.client(part), []
        for typed in ("zebra", "bandwidth", "bandwidht", "sparsity", "exam"):
            for headers in ({}, {"hx-request": "true"}):
                page = client.get(f"/amls/search/?q={typed}", headers=headers).content.decode()
                texts.append(page[page.index('<ol class="found">') if '<ol class="found">' in page else len(page) :])
        return texts

    alone = {}
    for part in cast.users():
        kept_searches.clear()
        store.clear()
        alone[part] = texts_for(part)
    # In every order: what is kept from one is given to all who come later, if to them it may be.
    for first in cast.users():
        kept_searches.clear()
        store.clear()
        texts_for(first)
        assert {part: texts_for(part) for part in cast.users()} == alone, first
    assert alone["stranger"] == alone["foreign lecturer"]
    assert alone["assistant"] == alone["lecturer"]
    # Who takes part finds more than who doesn't, and who runs the course more than these.
    assert alone["anonymous"] != alone["student"] != alone["assistant"]
    people = [
        str(value) for user in cast.users().values() if user for value in (user.email, user.display_name) if value
    ]
    rows = [text.partition("</ol>")[0] for texts in alone.values() for text in texts]
    assert not [person for person in people for text in rows if person in text]


def test_a_kept_search_ends_with_whatever_changes_what_is_found(cast: Cast, fusion: Lecture) -> None:
    client = cast.client("student")
    topic = TopicFactory.create(course=cast.course, title="Zebra")
    announcement = Announcement.objects.create(course=cast.course, title="Quagga", text="", publish_at=timezone.now() - timedelta(hours=1), on_page_until=timezone.now() + timedelta(hours=1))  # fmt: skip
    everything = ("bandwidth", "sparsity", "zebra", "quagga", "adaptation")
    assert [bool(find(client, typed).groups) for typed in everything] == [True] * 5
    # By whatever way: nothing but the rows tells of it.
    Material.objects.filter(kind="pdf").update(visible_from=timezone.now() + timedelta(hours=1))
    Passage.objects.filter(kind="caption").delete()
    topic.delete()
    Announcement.objects.filter(pk=announcement.pk).update(is_withdrawn=True)
    Lecture.objects.filter(pk=fusion.pk).update(title="Fusion")
    assert [bool(find(client, typed).groups) for typed in everything] == [False] * 5


def test_a_kept_search_ends_with_time(cast: Cast, fusion: Lecture) -> None:
    now = timezone.now()
    Material.objects.filter(kind="pdf").update(visible_from=now + timedelta(minutes=10))
    client = cast.client("student")
    assert not find(client, "bandwidth").groups
    database_clock.set(now + timedelta(minutes=11))
    assert urls(find(client, "bandwidth")) == ["/amls/lectures/04/#page=2"]


def test_snippets_show_the_densest_place() -> None:
    text = "alpha " + "filler " * 100 + "alpha beta gamma " + "filler " * 100
    shown = snippet(text, {"alpha", "beta", "gamma"})
    assert "<mark>alpha</mark> <mark>beta</mark> <mark>gamma</mark>" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 300


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("Pruef", "Prüfung"), ("pruefung", "Prüfung"), ("Uebung", "Übungsblatt"), ("Ubung", "Übungsblatt"),
        ("gross", "große"), ("groesse", "Größe"), ("lukasz", "Łukasz"), ("zolc", "Żółć"), ("soren", "Søren"),
        ("krueger matrix", "Krüger"), ("kruger matrix", "Krüger"), ('"Soren Kruger"', "Krüger"), ("Michael", "Michael"),
    ],
)  # fmt: skip
def test_words_are_found_however_they_are_typed(cast: Cast, language: str, typed: str, word: str) -> None:
    cast.course.language = language
    cast.course.save()
    lecture = LectureFactory.create(course=cast.course, title="Eins", abstract="")
    lines = ["Matrix", "Die Prüfung und das Übungsblatt", "große Größe", "Łukasz Żółć", "Søren Krüger", "Michael"]
    read(lecture, "captions", "1.vtt", vtt(("00:00:01.000", "00:00:05.000", " ".join(lines))))
    results = find(Client(), typed)
    assert (results.corrected, results.is_partial) == (False, False)
    (snippet_of_it,) = [hit.snippet for group in results.groups for hit in group.hits]
    assert f"<mark>{word}</mark>" in snippet_of_it


def test_suggested_words_keep_their_marks(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, title="Eins", abstract="")
    read(lecture, "captions", "1.vtt", vtt(("00:00:01.000", "00:00:05.000", "Die Prüfung im Sommer")))
    assert WordList.objects.get(length=len("prüfung")).counts == {"prüfung": 1}
    assert "<mark>Prüfung</mark>" in Client().get("/amls/search/?q=Prfuüng").content.decode()


def test_a_file_or_a_link_is_found_by_its_name_by_those_who_may_open_it(cast: Cast, fusion: Lecture) -> None:
    now = timezone.now()
    file = put(
        fusion, "other", "04 Übung_Größe.ipynb", b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    add_material(lecture=fusion, kind="other", title="Repo Łukasz", url="https://git.example.org/x", now=now)
    later = now + timedelta(days=1)
    address = "https://git.example.org/y"
    add_material(lecture=fusion, kind="other", title="Musterlösung", url=address, visible_from=later, now=now)

    def found(who: str, words: str) -> list[tuple[str, str]]:
        page = BeautifulSoup(cast.client(who).get("/amls/search/", {"q": words}).content, "html.parser")
        return [(link.get_text(), str(link["href"])) for link in page.select("main h2 a")]

    own = ("04 Übung_Größe.ipynb", file.material.get_absolute_url())
    for words in ("ipynb", "übung", "grosse", "Übung_Größe.ipynb"):
        assert own in found("anonymous", words), words
    assert ("Repo Łukasz", "https://git.example.org/x") in found("student", "repo lukasz")
    assert found("student", "Musterlösung") == []
    assert ("Musterlösung", "https://git.example.org/y") in found("lecturer", "Musterlösung")
