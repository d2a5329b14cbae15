"""Every page, slide and caption is read under limits, and what can't be read is said."""

import io
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError
from django.utils import timezone
from PIL import Image
from pptx import Presentation
from pypdf import PdfReader, PdfWriter
from pytest_django import Settings

from amls.courses.models import Course
from amls.files.limited.run import Limits
from amls.portal.demo.slides import load_texts, make_captions, make_pdf, make_pptx
from lectures.advice import problem
from lectures.extraction.run import office_program, read_file
from lectures.models import Chapter, Extraction, Material, MaterialFile, Passage, WordList
from lectures.services.extraction import MAX_ATTEMPTS, extract_next
from lectures.services.materials import remove_material
from lectures.tasks import extract
from tests.factories import CourseFactory, LectureFactory
from tests.files.installation import bare_installation
from tests.lectures.files import bomb_pdf, pdf, pptx, put, raw_pdf, read, vtt, zipped
from tests.races import at_once, beside

pytestmark = pytest.mark.django_db
TEXT = load_texts()["04"]


def keep_unchecked(name: str, content: bytes) -> MaterialFile:
    """A file that came in before uploads were checked, or past the check."""
    material = Material.objects.create(lecture=LectureFactory.create(), kind="other")
    stored = default_storage.save(f"materials/{name}", ContentFile(content))
    material.current = MaterialFile.objects.create(
        material=material, file=stored, filename=name, content_type="x", size=len(content), sha256="0" * 64,
        uploaded_at=timezone.now(),
    )  # fmt: skip
    material.save()
    extract()
    return material.current


def outcome(file: MaterialFile) -> tuple[str, str, int]:
    extraction = Extraction.objects.get(file=file)
    assert extraction.leased_until is None
    return extraction.state, extraction.problem, extraction.pages_done


def test_a_tagged_pdf_is_read_page_by_page_with_pictures() -> None:
    lecture = LectureFactory.create()
    revision = lecture.course.revision
    file = read(lecture, "pdf", "04.pdf", make_pdf("Operator Fusion", "AMLS", TEXT))
    assert outcome(file) == ("done", "", 5)
    assert file.extraction.is_tagged is True
    pages = list(Passage.objects.filter(file=file).order_by("number"))
    assert [page.title for page in pages] == ["04 Operator Fusion", *(heading for heading, _points in TEXT.slides)]
    assert TEXT.slides[0][1][0] in pages[1].text
    assert (pages[1].width, pages[1].height) == (1200, 676)
    with default_storage.open(pages[1].image.name) as picture, default_storage.open(pages[1].thumb.name) as thumb:
        assert (picture.read(16)[8:12], thumb.read(16)[8:12]) == (b"WEBP", b"WEBP")
    # Pages that are kept for visitors show the slides from now on.
    assert Course.objects.get(pk=lecture.course_id).revision > revision


def test_an_untagged_pdf_is_known_as_one() -> None:
    file = read(LectureFactory.create(), "pdf", "a.pdf", pdf(["Fusion", "opera-", "tors"]))
    assert file.extraction.is_tagged is False
    assert Passage.objects.get().text.startswith("Fusion")


def test_footers_and_bullets_are_no_text() -> None:
    words = ("alpha", "beta", "gamma", "delta", "omega")
    pages = [["A title", word, word * 2, f"04 Operator Fusion, {number}"] for number, word in enumerate(words, start=1)]
    read(LectureFactory.create(), "pdf", "a.pdf", pdf(*pages, ["Fusion", "\x95", "a = b"]))
    assert [page.text for page in Passage.objects.order_by("number")] == [
        *(f"A title\n{word}\n{word * 2}" for word in words),
        "Fusion\na = b",
    ]


def test_slides_are_read_with_their_speaker_notes(settings: Settings) -> None:
    settings.OFFICE_PROGRAM = ""
    file = read(LectureFactory.create(), "pptx", "a.pptx", make_pptx("Operator Fusion", "AMLS", TEXT))
    assert outcome(file) == ("done", "", 5)
    slide = Passage.objects.get(file=file, number=2)
    heading, points = TEXT.slides[0]
    assert (slide.title, slide.notes) == (heading, f"{heading}: {'. '.join(points)}.")
    assert points[0] in slide.text
    assert slide.image.name == ""


def test_slides_without_a_pdf_are_drawn_with_the_hidden_ones(settings: Settings) -> None:
    if office_program() is None:
        pytest.skip("LibreOffice is not on this machine.")
    deck = Presentation(
        io.BytesIO(pptx(("Größe", "Łódź", "Say it"), ("Hidden", "山田太郎", ""), ("Last", "Ștefan", "")))
    )
    deck.slides[1]._element.set("show", "0")
    stream = io.BytesIO()
    deck.save(stream)
    lecture = LectureFactory.create()
    file = read(lecture, "pptx", "a.pptx", stream.getvalue())
    assert outcome(file) == ("done", "", 3)
    slides = list(Passage.objects.filter(file=file).order_by("number"))
    assert [(slide.title, slide.notes, slide.width) for slide in slides] == [
        ("Größe", "Say it", 1200), ("Hidden", "", 1200), ("Last", "", 1200),
    ]  # fmt: skip
    with default_storage.open(slides[2].image.name) as picture:
        assert picture.read(16)[8:12] == b"WEBP"
    # Where there is a PDF it is shown, and nothing is drawn.
    read(lecture, "pdf", "a.pdf", pdf(["Größe"]))
    again = read(lecture, "pptx", "b.pptx", pptx(("Größe", "Łódź", "")))
    assert [slide.width for slide in Passage.objects.filter(file=again)] == [0]


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", ""])
def test_slides_that_can_not_be_drawn_stay_text(settings: Settings, program: str) -> None:
    settings.OFFICE_PROGRAM = program
    file = read(LectureFactory.create(), "pptx", "a.pptx", pptx(("Fusion", "operators", "")))
    assert outcome(file) == ("done", "", 1)
    slide = Passage.objects.get(file=file)
    assert (slide.title, slide.width, slide.image.name) == ("Fusion", 0, "")


def test_captions_are_read_in_stretches_that_know_each_line() -> None:
    cues = [
        (f"00:00:{number:02}.000", f"00:00:{number + 2:02}.000", f"Line <b>{number}</b> &amp; more.")
        for number in range(0, 58, 2)
    ]
    file = read(LectureFactory.create(), "captions", "a.vtt", vtt(*cues))
    assert outcome(file)[:2] == ("done", "")
    passages = list(Passage.objects.filter(file=file).order_by("number"))
    assert sum(len(passage.cues) for passage in passages) == 29
    assert passages[0].cues[1] == [2000, 4000, "Line 2 & more."]
    assert all(passage.cues[-1][1] - passage.cues[0][0] <= 35_000 for passage in passages)
    assert 2 <= len(passages) <= 4


@pytest.mark.parametrize(
    ("kind", "name", "content", "expected"),
    [
        ("pdf", "scan.pdf", pdf([], []), ("done", "no_text", 2)),
        ("captions", "empty.vtt", vtt(), ("failed", "no_text", 0)),
        (
            "captions",
            "broken.vtt",
            b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello\n\n99:99 --> 12\nlost\n\n00:09.000 --> 00:04.000\nbackwards\n",
            ("done", "broken_times", 1),
        ),
        ("captions", "allbroken.vtt", b"WEBVTT\n\n1:2 --> 3\nlost\n", ("failed", "broken_times", 0)),
        (
            "pptx",
            "word.pptx",
            zipped({"[Content_Types].xml": b"<Types/>", "ppt/presentation.xml": b"<w:document/>"}),
            ("failed", "broken", 0),
        ),
    ],
)
def test_what_cant_be_read_is_said(kind: str, name: str, content: bytes, expected: tuple[str, str, int]) -> None:
    assert outcome(read(LectureFactory.create(), kind, name, content)) == expected


def test_control_characters_in_files_are_no_text() -> None:
    content = b"WEBVTT\n\n00:00.000 --> 00:02.000\nOpe\x00rator \x08fusion\n"
    file = keep_unchecked("a.vtt", content)
    assert outcome(file)[:2] == ("done", "")
    assert Passage.objects.get().cues == [[0, 2000, "Operator fusion"]]


def test_what_an_installation_cant_read_for_now_is_no_damaged_file_and_is_tried_again(
    settings: Settings, tmp_path: Path
) -> None:
    file = put(LectureFactory.create(), "pdf", "04.pdf", pdf(["Operator Fusion"]))
    whole, settings.BASE_DIR = settings.BASE_DIR, bare_installation(tmp_path)
    now = timezone.now()
    for tries in range(MAX_ATTEMPTS + 1):
        then = now + timedelta(minutes=11 * tries)
        assert extract_next(then)
        reading = Extraction.objects.get(file=file)
        assert (reading.state, reading.problem, reading.attempts) == ("failed", "unable", 0)
        assert "It is tried again every ten minutes" in problem(reading)
        assert not extract_next(then + timedelta(minutes=9))
    settings.BASE_DIR = whole
    assert extract_next(then + timedelta(minutes=11))
    assert outcome(file) == ("done", "", 1)


def test_what_could_not_be_read_is_tried_again_when_it_is_uploaded_again(settings: Settings) -> None:
    lecture, content = LectureFactory.create(), pdf(["One"], ["Two"], ["Three"])
    settings.EXTRACTION_MAX_PAGES = 2
    file = read(lecture, "pdf", "a.pdf", content)
    assert outcome(file) == ("done", "too_many_pages", 2)
    settings.EXTRACTION_MAX_PAGES = 500
    assert read(lecture, "pdf", "a.pdf", content) == file
    assert outcome(file) == ("done", "", 3)
    # What was read as a whole is left alone.
    assert put(lecture, "pdf", "a.pdf", content) == file
    assert extract() == 0


def encrypted() -> bytes:
    writer, stream = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret")
    writer.write(stream)
    return stream.getvalue()


def half() -> bytes:
    return make_pdf("x", "y", TEXT)[:3000]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("locked.pdf", encrypted, "encrypted"),
        ("noise.pdf", b"%PDF-1.7\n" + os.urandom(5000), "broken"),
        ("half.pdf", half, "broken"),
        ("noise.pptx", os.urandom(5000), "broken"),
        ("noise.vtt", b"\xff\xfe\x00", "broken"),
        ("not.vtt", b"SRT", "broken"),
    ],
)
def test_files_that_came_past_the_check_do_no_harm(
    name: str, content: bytes | Callable[[], bytes], problem: str
) -> None:
    made = content() if callable(content) else content
    assert outcome(keep_unchecked(name, made)) == ("failed", problem, 0)


def test_a_pdf_of_600_pages_is_read_up_to_the_limit() -> None:
    # Low pages: their pictures have little to draw.
    pages = pdf(*([f"Page {number}"] for number in range(1, 601)), size=(14400, 40))
    file = read(LectureFactory.create(), "pdf", "long.pdf", pages)
    assert outcome(file) == ("done", "too_many_pages", 500)
    assert file.extraction.pages_total == 600
    assert Passage.objects.filter(file=file).count() == 500


def children_seconds() -> float:
    """Return the processor time of all children so far: unlike a clock, it does not depend on who else is busy."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_pdf_bomb_costs_neither_time_nor_memory(settings: Settings) -> None:
    settings.EXTRACTION_SECONDS, settings.EXTRACTION_MEMORY_MB = 6, 700
    # The judge of uploads refuses it or not, as fast as the machine is: here is what the reader makes of it.
    content, spent = bomb_pdf(megabytes=1500), children_seconds()
    state, problem, pages = outcome(keep_unchecked("bomb.pdf", content))
    # What the system gives beyond its limit is five seconds.
    assert children_seconds() - spent < 6 + 5 + 1
    # pdfium gives up on such a stream by itself, or the limits stop it, before its page is said or after; in no case
    # is it text.
    assert (state, pages) in {("failed", 0), ("done", 1)}
    assert problem in {"too_slow", "too_big", "no_text"}
    assert [page.text for page in Passage.objects.all()] == [""] * pages


def test_a_page_as_wide_as_a_street_is_drawn_small() -> None:
    file = keep_unchecked("wide.pdf", raw_pdf(b"0 0 m 100 100 l S", box="0 0 14400 20"))
    assert outcome(file) == ("done", "no_text", 1)
    assert (Passage.objects.get().width, Passage.objects.get().height) == (1200, 2)


def test_memory_is_limited(settings: Settings) -> None:
    # A picture of 90 MB that packs to nearly nothing.
    picture, stream, deck = io.BytesIO(), io.BytesIO(), Presentation()
    Image.new("RGB", (6000, 5000)).save(picture, "BMP")
    deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_picture(picture, 0, 0)
    deck.save(stream)
    assert len(stream.getvalue()) < 10**6
    settings.EXTRACTION_MEMORY_MB = 110
    assert outcome(keep_unchecked("a.pptx", stream.getvalue())) == ("failed", "too_big", 0)
    settings.EXTRACTION_MEMORY_MB = 1536
    assert outcome(keep_unchecked("b.pptx", stream.getvalue())) == ("done", "no_text", 1)


def test_time_is_limited_and_what_was_read_before_is_kept(settings: Settings) -> None:
    settings.EXTRACTION_SECONDS = 2
    # Each page draws a hundred thousand curves.
    slow = "\n".join(
        f"{number % 700} 0 m 700 {number % 400} 0 {number % 300} {number % 500} 400 c S" for number in range(120_000)
    ).encode()
    writer = PdfWriter()
    page = PdfReader(io.BytesIO(raw_pdf(slow))).pages[0]
    writer.append(io.BytesIO(pdf(["First page"])))
    for _each in range(30):
        writer.add_page(page)
    stream = io.BytesIO()
    writer.write(stream)
    spent = children_seconds()
    state, problem, pages = outcome(read(LectureFactory.create(), "pdf", "slow.pdf", stream.getvalue()))
    assert children_seconds() - spent < 2 + 5 + 1 + 5
    assert (state, problem) == ("done", "too_slow")
    assert 1 <= pages < 31


def test_nothing_of_the_environment_reaches_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    real = subprocess.Popen

    def spy(*args, **kwargs):  # type: ignore[no-untyped-def]
        seen.append(kwargs["env"])
        return real(*args, **kwargs)

    monkeypatch.setenv("SECRET_KEY", "do not tell")
    monkeypatch.setattr(subprocess, "Popen", spy)
    path = tmp_path / "a.vtt"
    path.write_bytes(vtt(("00:00.000", "00:01.000", "Hi")))
    folder = tmp_path / "out"
    folder.mkdir()
    limits = Limits(seconds=20, memory=2**30)
    reading = read_file(path, kind="vtt", folder=folder, most=10, limits=limits, on_progress=lambda _done, _total: True)
    assert reading.pages[0]["text"] == "Hi"
    assert set(seen[0]) == {"PATH", "LC_ALL"}


def test_a_new_version_replaces_the_old_text(django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    lecture = LectureFactory.create()
    with django_capture_on_commit_callbacks(execute=True):
        read(lecture, "pdf", "a.pdf", pdf(["Old words"], ["Second"]))
    names = [name for passage in Passage.objects.all() for name in (passage.image.name, passage.thumb.name)]
    assert all(default_storage.exists(name) for name in names)
    with django_capture_on_commit_callbacks(execute=True):
        put(lecture, "pdf", "a.pdf", pdf(["New words"]))
    # Gone at once, also before the new one is read.
    assert Passage.objects.count() == 0
    assert not any(default_storage.exists(name) for name in names)
    extract()
    assert [passage.title for passage in Passage.objects.all()] == ["New words"]
    assert [(row.length, row.counts) for row in WordList.objects.order_by("length")] == [
        (3, {"new": 1}),
        (5, {"words": 1}),
    ]


def test_a_removed_material_takes_its_text_and_pictures_with_it(django_capture_on_commit_callbacks) -> None:  # type: ignore[no-untyped-def]
    file = read(LectureFactory.create(), "pdf", "a.pdf", pdf(["Words"]))
    name = Passage.objects.get().image.name
    with django_capture_on_commit_callbacks(execute=True):
        remove_material(file.material, now=timezone.now())
    assert Passage.objects.count() == Extraction.objects.count() == 0
    assert not default_storage.exists(name)


def test_files_from_before_are_read_too() -> None:
    put(LectureFactory.create(), "pdf", "a.pdf", pdf(["Words"]))
    Extraction.objects.all().delete()
    assert extract() == 1
    assert Passage.objects.count() == 1
    assert extract() == 0


def test_passages_follow_their_courses_language() -> None:
    lecture = LectureFactory.create(course=CourseFactory.create(language="en"))
    read(lecture, "pdf", "a.pdf", pdf(["Vorlesungen"]))
    assert "'vorlesungen'" in str(Passage.objects.get().vector)
    assert "'vorles'" not in str(Passage.objects.get().vector)
    Course.objects.update(language="de")
    extract()
    assert "'vorles'" in str(Passage.objects.get().vector)


def test_what_a_killed_worker_left_is_read_again_and_not_for_ever() -> None:
    file = put(LectureFactory.create(), "pdf", "a.pdf", pdf(["Words"]))
    now = timezone.now()
    Extraction.objects.filter(file=file).update(state="working", leased_until=now + timedelta(minutes=1), attempts=1)
    assert extract_next(now=now) is False
    assert extract_next(now=now + timedelta(minutes=2)) is True
    assert outcome(file) == ("done", "", 1)
    Extraction.objects.filter(file=file).update(state="working", leased_until=now, attempts=MAX_ATTEMPTS)
    assert extract_next(now=now) is True
    assert outcome(file) == ("failed", "broken", 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_read_the_same_file(settings: Settings) -> None:
    settings.EXTRACTION_WORKERS = 4
    lecture = LectureFactory.create()
    for number in range(4):
        put(LectureFactory.create(course=lecture.course), "pdf", "a.pdf", pdf([f"Words {number}"]))
    assert sum(at_once([extract] * 4)) == 4
    assert set(Extraction.objects.values_list("state", "attempts")) == {("done", 1)}
    assert Passage.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_an_upload_while_the_old_version_is_read_wins(settings: Settings) -> None:
    lecture = LectureFactory.create()
    put(lecture, "pdf", "a.pdf", pdf(*([f"Old {number}", *["words"] * 5] for number in range(150))))

    with beside(lambda: extract_next(now=timezone.now())):
        deadline = time.monotonic() + 20
        while Extraction.objects.get().pages_done == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        new = put(lecture, "pdf", "a.pdf", pdf(["New"]))
    extract()
    assert [passage.title for passage in Passage.objects.all()] == ["New"]
    assert Extraction.objects.get().file_id == new.pk


def test_chapters_are_found_in_the_captions() -> None:
    lecture = LectureFactory.create()
    read(lecture, "pdf", "04.pdf", make_pdf("Operator Fusion", "AMLS", TEXT))
    read(lecture, "captions", "04.vtt", make_captions("Operator Fusion", TEXT))
    chapters = list(Chapter.objects.filter(lecture=lecture).values_list("title", "page", "is_proposed"))
    assert chapters[-4:] == [(heading, page, True) for page, (heading, _p) in enumerate(TEXT.slides, start=2)]


def test_states_hold_in_the_database() -> None:
    file = put(LectureFactory.create(), "pdf", "a.pdf", pdf(["Words"]))
    with pytest.raises(IntegrityError, match="extraction_failure_named"):
        Extraction.objects.filter(file=file).update(state="failed")


def test_a_child_that_is_killed_is_a_broken_file(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.pdf", tmp_path / "out"
    path.write_bytes(pdf(*(["Words"] for _each in range(400))))
    folder.mkdir()

    def kill(done: int, total: int) -> bool:
        child = subprocess.run(
            ["pgrep", "-P", str(os.getpid()), "-f", str(folder)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in child:
            os.kill(int(pid), signal.SIGSEGV)
        return True

    reading = read_file(
        path,
        kind="pdf",
        folder=folder,
        most=500,
        limits=Limits(seconds=60, memory=2**31, writes=2**28),
        on_progress=kill,
    )
    assert reading.problem == "broken"
