"""The lecture page: slides, recording, versions, and what only staff see."""

import html
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.core.violations import RuleViolation
from amls.courses.services import touch
from amls.portal.demo.slides import recording
from lectures.counts import flush_counts
from lectures.hooks.privacy import forget, tell
from lectures.models import Chapter, LastDownload, Lecture, Material, MaterialCount, WatchPosition, WordList
from lectures.services.chapters import ChapterLine, Length, propose_chapters, read_chapters, stamp
from lectures.services.materials import add_material, remove_material, upload_version
from lectures.tasks import extract, flush_material_counts
from tests.cast import Cast, make_cast
from tests.factories import LectureFactory
from tests.lectures.files import pdf, pptx, put, read, vtt
from tests.markup import shows
from tests.worlds import Worlds

pytestmark = pytest.mark.django_db
MP4 = recording("05") or b""
SAME_SITE = {"sec-fetch-site": "same-origin"}
DECK = pdf(["Parameter servers", "Overview"], ["Stale updates", "What <b>staleness</b> costs"], ["Summary"])
CUES = vtt(("00:01.000", "00:03.000", "Parameter servers."), ("00:20.000", "00:23.000", "Now stale updates."), ("00:40.000", "00:44.000", "The summary."))  # fmt: skip


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def furnished(db: None, worlds: Worlds) -> tuple[Cast, Lecture]:
    """The cast, and a lecture whose files have been read, which takes longer than most of these tests."""
    return worlds.given("lecture page", _make_lecture)


@pytest.fixture
def lecture(furnished: tuple[Cast, Lecture]) -> Lecture:
    return furnished[1]


def _make_lecture() -> tuple[Cast, Lecture]:
    cast = make_cast()
    lecture = LectureFactory.create(course=cast.course, number="06", title="Parameter Servers")
    read(lecture, "pdf", "06.pdf", DECK)
    read(lecture, "mp4", "06.mp4", MP4)
    read(lecture, "captions", "06.vtt", CUES)
    return cast, lecture


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/amls/lectures/06/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def material(kind: str) -> Material:
    return Material.objects.select_related("current").get(kind=kind)


def test_words_of_the_course_are_marked_where_the_page_is_in_another_language(lecture: Lecture) -> None:
    addresses = ["/amls/", "/amls/lectures/06/", "/amls/lectures/06/transcript/"]
    for language, marked in (("en", []), ("de", ["en", "en", "en"])):
        client = Client(headers={"Accept-Language": language})
        pages = [BeautifulSoup(client.get(address).content, "html.parser") for address in addresses]
        parts = [page.select_one(selector) for page, selector in zip(pages, ("h1", "h1", ".said"), strict=True)]
        assert [part["lang"] for part in parts if part is not None and part.has_attr("lang")] == marked


def test_slides_stand_in_the_page_as_pictures_and_as_text(cast: Cast, lecture: Lecture) -> None:
    text = page(Client())
    pk = material("pdf").pk
    assert shows(text, f'<figure id="page=2"><img src="/amls/materials/{pk}/slides/2.webp?v=1"')
    assert shows(text, 'width="1200" height="675"')
    # What is said in attributes has no language of its own: the title stands in text that has one.
    assert 'alt="Slide 2"' in text
    assert shows(text, '<figcaption class="visually-hidden">Stale updates</figcaption>')
    assert shows(text, '<span class="visually-hidden">Go to slide 2: <span>Stale updates</span></span></a>')
    german = Client().get(lecture.get_absolute_url(), headers={"accept-language": "de"}).content.decode()
    assert shows(german, '<figcaption class="visually-hidden" lang="en">Stale updates</figcaption>')
    assert shows(german, '<span class="visually-hidden">Zu Folie 2: <span lang="en">Stale updates</span></span></a>')
    assert shows(
        text, '<h3><span class="num soft">2</span> Stale updates</h3><p>What &lt;b&gt;staleness&lt;/b&gt; costs</p>'
    )
    assert "<iframe" not in text


def test_before_they_are_read_the_file_itself_stands_there(cast: Cast) -> None:
    put(LectureFactory.create(course=cast.course, number="06"), "pdf", "06.pdf", DECK)
    assert '<iframe class="slides"' in page(Client())
    assert "&#x27;06.pdf&#x27; waits to be read." in page(cast.client("assistant"))
    assert "waits to be read" not in page(cast.client("student"))
    extract()
    assert "<iframe" not in page(Client())


def test_buttons_of_several_files_of_a_kind_say_which_is_which(cast: Cast, lecture: Lecture) -> None:
    def labels() -> list[str]:
        row = BeautifulSoup(cast.client("anonymous").get("/amls/").content, "html.parser").select_one(".files")
        assert row is not None
        return [label.get_text() for label in row.select("a.file > [aria-hidden]")]

    before = labels()
    assert "PDF" in before
    add_material(
        lecture=lecture, now=timezone.now(), kind="pdf", title="Größe und Übung", url="https://example.org/a.pdf"
    )
    assert sorted(labels()) == sorted([*before, "Größe und Übung"])


def test_speaker_notes_stand_with_their_slides(cast: Cast, lecture: Lecture) -> None:
    read(lecture, "pptx", "06.pptx", pptx(("Parameter servers", "a", ""), ("Stale updates", "b", "Ask who knows <SSP>."), ("Summary", "c", "")))  # fmt: skip
    assert "<b>Speaker notes:</b> Ask who knows &lt;SSP&gt;.</p>" in page(Client())
    Material.objects.filter(kind="pptx").update(audience="enrolled")
    touch(lecture.course, now=timezone.now())
    assert "Ask who knows" in page(cast.client("student"))
    assert "Ask who knows" not in page(cast.client("stranger"))


def test_a_presentation_without_pdf_can_be_read_and_linked(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="06")
    read(lecture, "pptx", "06.pptx", pptx(("Stale updates", "b", "")))
    text = page(Client())
    assert shows(text, '<article id="page=1">')
    assert "What the slides say" in text


@pytest.mark.parametrize("name", ["slide", "thumb"])
def test_pictures_are_for_those_who_may_open_the_file(cast: Cast, lecture: Lecture, name: str) -> None:
    address = reverse(f"lectures:{name}", args=["amls", material("pdf").pk, 2])
    answer = Client().get(f"{address}?v=1")
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert (answer["Content-Type"], content[8:12], answer["Cache-Control"]) == (
        "image/webp",
        b"WEBP",
        "private, max-age=3600",
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Client().get(address, headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert Client().get(address.replace("2.webp", "9.webp")).status_code == 404
    assert Client().get(address.replace("/amls/", "/databases/")).status_code == 404
    Material.objects.filter(kind="pdf").update(audience="enrolled")
    expected = {"anonymous": 404, "stranger": 404, "student": 200, "assistant": 200, "lecturer": 200, "foreign lecturer": 404, "admin": 200}  # fmt: skip
    assert {part: cast.client(part).get(address).status_code for part in expected} == expected
    Material.objects.filter(kind="pdf").update(visible_from=timezone.now() + timedelta(hours=1))
    assert cast.client("student").get(address).status_code == 404
    assert cast.client("assistant").get(address).status_code == 200


def test_chapters_lead_to_seconds_and_slides(cast: Cast, lecture: Lecture) -> None:
    text = page(Client())
    assert shows(
        text, '<a href="?t=20#recording" data-seek="20"><span class="num">0:20</span> <span>Stale updates</span></a>'
    )
    assert shows(text, '<a class="file" href="#page=2">Slide 2')
    german = Client().get(lecture.get_absolute_url(), headers={"accept-language": "de"}).content.decode()
    assert '<span lang="en">Stale updates</span>' in german
    assert "#t=20" in page(Client(), "?t=20")
    assert "#t=" not in page(Client(), "?t=-1%22onerror")


def test_staff_write_chapters_and_leave_them_to_the_captions_again(cast: Cast, lecture: Lecture) -> None:
    client, address = cast.client("lecturer"), "/amls/lectures/06/chapters/"
    assert client.get(address).context["form"].initial["chapters"] == "0:01 Parameter servers #1\n0:20 Stale updates #2\n0:40 Summary #3"  # fmt: skip
    wrong = client.post(address, {"chapters": "0:05 Start\nlater Something"})
    assert wrong.status_code == 422
    assert "Line 2, &#x27;later Something&#x27;, is no chapter." in wrong.content.decode()
    revision = lecture.course.revision
    for line, said in (
        ("99:00 End", "begins after the end of the recording, which is at 1:0"),
        ("0:09 End #4", "names a slide that there is not: the last one is #3."),
    ):
        wrong = client.post(address, {"chapters": f"0:05 Start\n{line}"})
        assert wrong.status_code == 422
        assert f"Line 2, &#x27;{line}&#x27;, {said}" in wrong.content.decode()
    assert client.post(address, {"chapters": "0:45 End\n0:05  Start #2 "}).status_code == 302
    assert list(Chapter.objects.values_list("seconds", "title", "page", "is_proposed")) == [(5, "Start", 2, False), (45, "End", None, False)]  # fmt: skip
    # New captions leave them alone.
    read(lecture, "captions", "06.vtt", CUES + b"\n")
    assert Chapter.objects.count() == 2
    lecture.course.refresh_from_db()
    assert lecture.course.revision > revision
    client.post(address, {"chapters": ""})
    assert list(Chapter.objects.values_list("seconds", "is_proposed")) == [(1, True), (20, True), (40, True)]


def test_of_chapters_only_what_differs_is_written_and_the_history_says_who_changed_what(
    cast: Cast, lecture: Lecture
) -> None:
    client, address = cast.client("lecturer"), "/amls/lectures/06/chapters/"
    rows = dict(Chapter.objects.values_list("seconds", "pk"))
    events: Any = Chapter.pgh_event_model.objects.order_by("pgh_id")  # type: ignore[attr-defined]
    proposed = events.count()
    # Proposed again, and the same.
    propose_chapters(lecture=lecture)
    assert (events.count(), dict(Chapter.objects.values_list("seconds", "pk"))) == (proposed, rows)
    client.post(address, {"chapters": "0:01 Parameter servers #1\n0:20 Staleness, Größe #2\n0:50 End"})
    said = [(event.pgh_label, event.seconds, event.title, event.is_proposed) for event in events[proposed:]]
    # What was proposed is the staff's from now on.
    assert said == [
        ("delete", 40, "Summary", True), ("update", 1, "Parameter servers", False),
        ("update", 20, "Staleness, Größe", False), ("insert", 50, "End", False),
    ]  # fmt: skip
    kept = dict(Chapter.objects.values_list("seconds", "pk"))
    assert (kept[1], kept[20]) == (rows[1], rows[20])
    cast.client("assistant").post(address, {"chapters": "0:01 Parameter servers #1\n0:20 Łukasz #2\n0:50 End"})
    assert [(event.pgh_label, event.title) for event in events[proposed + 4 :]] == [("update", "Łukasz")]
    client.post(address, {"chapters": "0:01 Parameter servers #1\n0:20 Łukasz #2\n0:50 End"})
    assert events.count() == proposed + 5
    history = BeautifulSoup(
        client.get(reverse("admin:lectures_lecture_history", args=[lecture.pk])).content, "html.parser"
    )
    first, *_others = [
        [" ".join(cell.get_text().split()) for cell in row.select("td")[1:]] for row in history.select("tbody tr")
    ]
    assert first == [str(cast.assistant.user), "Chapter (0:20 Łukasz #2) changed", "Title: Staleness, Größe → Łukasz"]
    assert "Chapter (0:40 Summary #3) removed" in " ".join(history.get_text().split())
    assert cast.client("student").get(reverse("admin:lectures_lecture_history", args=[lecture.pk])).status_code == 302


def test_proposed_chapters_tell_nobody_what_hidden_slides_are_called(cast: Cast, lecture: Lecture) -> None:
    read(lecture, "pptx", "06.pptx", pptx(("Parameter servers", "a", ""), ("Stale updates", "b", "")))
    Material.objects.filter(kind="pptx").update(audience="enrolled")
    touch(lecture.course, now=timezone.now())
    assert 'data-seek="20"' in page(cast.client("stranger"))
    for changes in ({"audience": "enrolled"}, {"audience": "public", "visible_from": timezone.now() + timedelta(hours=1)}):  # fmt: skip
        Material.objects.filter(kind="pdf").update(**changes)
        touch(lecture.course, now=timezone.now())
        assert "Stale updates" not in page(cast.client("stranger"))
        assert 'data-seek="20"' in page(cast.client("assistant"))
    # Those that staff wrote are for everyone who may watch; a slide is linked where it is shown.
    cast.client("lecturer").post("/amls/lectures/06/chapters/", {"chapters": "0:20 Staleness #3"})
    text = page(cast.client("stranger"))
    assert "Staleness" in text
    assert 'class="file" href="#page=3"' not in text
    assert 'class="file" href="#page=3"' in page(cast.client("assistant"))


def test_chapters_and_words_go_with_the_slides_that_they_are_from(cast: Cast, lecture: Lecture) -> None:
    assert Chapter.objects.count() == 3
    put(lecture, "pdf", "06.pdf", pdf(["Stale updates"], ["The summary"]))
    assert Chapter.objects.count() == 0
    extract()
    assert list(Chapter.objects.values_list("title", "page")) == [("Stale updates", 1), ("The summary", 2)]
    assert WordList.objects.get(length=7).counts["summary"] == 2
    remove_material(material("pdf"), now=timezone.now())
    assert Chapter.objects.count() == 0
    assert WordList.objects.get(length=7).counts["summary"] == 1


def test_a_deck_says_how_many_pages_are_in_the_file_only(cast: Cast, lecture: Lecture, settings: Settings) -> None:
    assert "in the file only" not in page(Client())
    settings.EXTRACTION_MAX_PAGES = 2
    read(lecture, "pdf", "06.pdf", pdf(*([f"Slide {number}"] for number in range(5))))
    text = page(Client())
    assert text.count("<figure") == 2
    assert "3 more pages are in the file only." in text


def test_more_pages_are_in_the_file_whose_slides_are_shown(cast: Cast, settings: Settings) -> None:
    lecture = LectureFactory.create(course=cast.course, number="06")
    settings.EXTRACTION_MAX_PAGES = 1
    now = timezone.now()
    shown = add_material(lecture=lecture, kind="pdf", now=now, position=1)
    upload = SimpleUploadedFile("long.pdf", pdf(["One"], ["Two"]))
    upload_version(material=shown, upload=upload, by=None, now=now)
    extract()
    unread = add_material(lecture=lecture, kind="pdf", now=now, position=0)
    upload_version(material=unread, upload=SimpleUploadedFile("new.pdf", pdf(["New"])), by=None, now=now)
    said = page(Client()).split("in the file only.")[1].split("</a>")[0]
    assert f"/materials/{shown.pk}/" in said


def test_a_scan_is_read_aloud_by_its_presentation(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="06")
    read(lecture, "pdf", "06.pdf", pdf([], []))
    assert 'alt="Slide 2"' in page(Client())
    read(lecture, "pptx", "06.pptx", pptx(("Parameter servers", "a", ""), ("Stale updates", "What it costs", "")))
    text = page(Client())
    assert shows(text, '<figcaption class="visually-hidden">Stale updates</figcaption>')
    assert shows(text, "</span> Stale updates</h3><p>What it costs</p>")


@pytest.mark.parametrize("text", ["12 Title", "0:75 Title", "0:05", "0:05 A\n0:05 B", "0:05 " + "x" * 201, "0:05 A #0", "\n".join(f"{number}:00 A" for number in range(101))])  # fmt: skip
def test_lines_that_are_no_chapters_are_refused(text: str) -> None:
    with pytest.raises(RuleViolation):
        read_chapters(text)


def test_chapters_read_as_they_are_written() -> None:
    lines = [ChapterLine(0, "Start"), ChapterLine(3723, "End #hash", 4)]
    assert read_chapters("\n".join(map(str, lines))) == lines
    # Where no length is known, any place will do; where it is, the very end and the last slide will.
    assert read_chapters("\n".join(map(str, lines)), Length(3723, 4)) == lines
    assert [stamp(0), stamp(59), stamp(3723)] == ["0:00", "0:59", "1:02:03"]


def test_the_transcript_is_a_page_and_a_part(cast: Cast, lecture: Lecture) -> None:
    whole = Client().get("/amls/lectures/06/transcript/").content.decode()
    assert shows(whole, '<a href="/amls/lectures/06/?t=20#recording" data-seek="20" class="num">0:20</a> <p><span id="said-2-0" data-at="20.0">Now stale updates.</span>')  # fmt: skip
    part = Client().get("/amls/lectures/06/transcript/", headers={"hx-request": "true"}).content.decode()
    assert part.startswith('<ol class="said">')
    Material.objects.filter(kind="captions").update(audience="enrolled")
    lecture.course.revision += 1
    lecture.course.save()
    assert Client().get("/amls/lectures/06/transcript/").status_code == 404


def test_a_person_continues_where_they_were_and_nobody_else_knows(cast: Cast, lecture: Lecture) -> None:
    client, address = cast.client("student"), "/amls/lectures/06/watched/"
    assert client.post(address, {"seconds": "33"}, headers=SAME_SITE).status_code == 204
    assert "Continue at 0:33" in page(client)
    assert "Continue at" not in page(cast.client("assistant"))
    assert "Continue at" not in page(Client())
    # At the end there is nothing to continue.
    client.post(address, {"seconds": "58"}, headers=SAME_SITE)
    assert WatchPosition.objects.count() == 0
    for wrong in ("", "x", "-5", "1e3", "999999", "٣"):
        assert client.post(address, {"seconds": wrong}, headers=SAME_SITE).status_code == 400, wrong
    assert client.post(address, {"seconds": "33"}, headers={"sec-fetch-site": "cross-site"}).status_code == 400
    assert client.post("/amls/lectures/06/watched/", {"seconds": "33"}, headers={"origin": "https://evil.example"}).status_code == 400  # fmt: skip


def test_recordings_are_counted_without_persons(cast: Cast, lecture: Lecture) -> None:
    for client in (Client(), Client(), cast.client("student")):
        client.post("/amls/lectures/06/watched/", {"seconds": "40", "first": "1"}, headers=SAME_SITE)
        client.post("/amls/lectures/06/watched/", {"seconds": "45"}, headers=SAME_SITE)
    assert MaterialCount.objects.count() == 0
    flush_counts(now=datetime(2024, 6, 1, 12, tzinfo=UTC))
    flush_counts(now=datetime(2024, 6, 1, 13, tzinfo=UTC))
    row = MaterialCount.objects.get()
    assert (row.material.kind, row.day, row.use, row.count) == ("mp4", date(2024, 6, 1), "watched", 3)
    assert {field.name for field in MaterialCount._meta.get_fields()} == {"id", "material", "day", "use", "count"}


def test_downloads_are_counted_once_each(cast: Cast, lecture: Lecture) -> None:
    slides, video = material("pdf"), material("mp4")
    client = cast.client("student")
    with CaptureQueriesContext(connection) as queries:
        etag = client.get(slides.get_absolute_url())["ETag"]
    assert not [
        query
        for query in queries
        if query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) and "lectures_" in query["sql"]
    ]
    Client().get(slides.get_absolute_url(), headers={"range": "bytes=0-99"})
    # What is not a download of its own: later pieces, what is there already, and what players do.
    Client().get(slides.get_absolute_url(), headers={"range": "bytes=100-"})
    client.get(slides.get_absolute_url(), headers={"if-none-match": etag})
    client.head(slides.get_absolute_url())
    Client().get(video.get_absolute_url(), headers={"range": "bytes=0-"})
    Client().get(video.get_absolute_url() + "?download")
    flush_material_counts()
    assert dict(MaterialCount.objects.values_list("material__kind", "count")) == {"pdf": 2, "mp4": 1}
    flush_material_counts()
    assert dict(MaterialCount.objects.values_list("material__kind", "count")) == {"pdf": 2, "mp4": 1}
    assert list(LastDownload.objects.values_list("user", "material__kind")) == [(cast.student.user_id, "pdf")]


def test_versions_have_dates_and_say_what_changed_since_the_download(cast: Cast, lecture: Lecture) -> None:
    slides = material("pdf")
    client = cast.client("student")
    client.get(slides.get_absolute_url())
    assert "Changed since your download" not in page(client)
    put(lecture, "pdf", "06.pdf", pdf(["New"]))
    for _each in range(2):
        text = page(client)
        assert text.count("Changed since your download") == 1
        assert "Version 2" in text
        assert "Version 1" in text
        # First from the cache, then from the database.
        flush_material_counts()
    for other in (Client(), cast.client("assistant")):
        assert "Changed since your download" not in page(other)
    client.get(material("pdf").get_absolute_url())
    flush_material_counts()
    assert "Changed since your download" not in page(client)


def test_a_person_gets_and_loses_what_is_known_of_them(cast: Cast, lecture: Lecture) -> None:
    client, user, now = cast.client("student"), cast.student.user, timezone.now()
    for visitor in (client, cast.client("assistant")):
        visitor.post("/amls/lectures/06/watched/", {"seconds": "33"}, headers=SAME_SITE)
        visitor.get(material("pdf").get_absolute_url())
    flush_material_counts()
    told = {name: [(row["lecture"], row.get("second"), row.get("file")) for row in rows] for name, rows in tell(user)}
    assert told == {
        "recordings.json": [("06 Parameter Servers", 33, None)],
        "downloads.json": [("06 Parameter Servers", None, "06.pdf")],
    }
    client.get(material("pdf").get_absolute_url())
    forget(user, now)
    flush_material_counts()
    assert set(WatchPosition.objects.values_list("user", flat=True)) == {cast.assistant.user_id}
    assert set(LastDownload.objects.values_list("user", flat=True)) == {cast.assistant.user_id}


def test_staff_are_told_what_to_mend(cast: Cast, lecture: Lecture) -> None:
    settings_client = cast.client("lecturer")
    text = page(settings_client)
    assert "&#x27;06.pdf&#x27; is not tagged: screen readers" in text
    assert "The recording has no captions" not in text
    assert "not tagged" not in page(cast.client("student"))
    material("captions").delete()
    read(lecture, "pptx", "06.pptx", pptx(("", "", "")))
    text = page(settings_client)
    assert "The recording has no captions." in text
    assert "&#x27;06.pptx&#x27; has no text, only pictures" in text


def test_a_scan_behind_a_cover_with_text_is_known_as_one(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="06")
    read(lecture, "pdf", "06.pdf", pdf(["Cover"], [], []))
    assert "2 of 3 pages of &#x27;06.pdf&#x27; have no text, only pictures" in page(cast.client("lecturer"))
    read(lecture, "pdf", "06.pdf", pdf(["Cover"], [], ["Text"], []))
    assert "have no text" not in page(cast.client("lecturer"))


def test_the_desk_counts_what_is_to_mend(cast: Cast, lecture: Lecture, settings) -> None:  # type: ignore[no-untyped-def]
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    material("captions").delete()
    other = LectureFactory.create(course=cast.other_course)
    read(other, "pdf", "x.pdf", pdf([], []))
    text = html.unescape(cast.client("lecturer").get("/admin/").content.decode())
    assert "that can't be read in full" not in text
    assert "1 PDF without tags, which screen readers can't follow" in text
    assert "1 recording without captions" in text
    theirs = html.unescape(cast.client("foreign lecturer").get("/admin/").content.decode())
    assert "1 file that can't be read in full" in theirs
    assert "'x.pdf' has no text, only pictures" in theirs
    assert "1 PDF without tags, which screen readers can't follow" in theirs
    assert "without captions" not in theirs


def test_progress_is_asked_for_until_all_is_read(cast: Cast) -> None:
    file = put(LectureFactory.create(course=cast.course, number="06"), "pdf", "06.pdf", DECK)
    client, address = cast.client("lecturer"), "/amls/lectures/06/reading/"
    waiting = client.get(address, headers={"hx-request": "true"})
    assert 'hx-trigger="every 2s"' in waiting.content.decode()
    assert "HX-Refresh" not in waiting
    file.extraction.state, file.extraction.leased_until = "working", timezone.now() + timedelta(minutes=1)
    file.extraction.pages_done, file.extraction.pages_total = 2, 3
    file.extraction.save()
    assert "is being read: 2 of 3 pages." in client.get(address).content.decode()
    type(file.extraction).objects.update(state="waiting", leased_until=None)
    extract()
    done = client.get(address, headers={"hx-request": "true"})
    assert done["HX-Refresh"] == "true"
    assert "hx-trigger" not in done.content.decode()


def test_own_javascript_stays_small() -> None:
    sizes = {path.name: path.stat().st_size for path in Path(settings.BASE_DIR, "static", "js").glob("*.js")}
    shared = sizes.pop("amls.js") + sizes.pop("answers.js")
    # Every page loads the shared scripts, and at most one of its own.
    assert shared + max(sizes.values()) < 22_000


def test_a_lecture_page_costs_the_same_with_20_slides_as_with_3(cast: Cast, lecture: Lecture) -> None:
    client, counts = cast.client("student"), []
    client.get("/amls/lectures/06/")
    for slides in (3, 20):
        read(lecture, "pdf", "06.pdf", pdf(*([f"Slide {number}"] for number in range(slides)), size=(72, 40)))
        # Once for everybody after a change, also what the menu calls the projects; and then for each.
        for _visit in ("first", "next"):
            with CaptureQueriesContext(connection) as queries:
                assert page(client).count("<figure") == slides
            counts.append(len(queries))
    assert counts == [14, 3, 14, 3]
