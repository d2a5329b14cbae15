"""What people come for, from the first click to the last."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, expect

from amls.mail.send import deliver_due
from exams.models import Exam
from lectures.models import Lecture
from lectures.tasks import extract
from tests.browser.conftest import Open


def test_a_visitor_reads_slides_and_seeks_the_recording(open_page: Open, site: str) -> None:
    page = open_page("/amls-ss2024/")
    expect(page.get_by_role("heading", name="A. Overview and ML System Internals")).to_be_visible()
    page.get_by_role("link", name="Data- and Task-Parallel Execution", exact=True).click()
    expect(page.get_by_text("Tuesday, room H 0111")).to_be_visible()
    expect(page.locator("iframe.slides")).to_have_attribute("src", re.compile(r"05_.*\.pdf"))
    video = page.locator("video")
    video.evaluate("v => new Promise(done => { if (v.readyState > 0) done(); v.onloadedmetadata = done; v.load(); })")
    seconds = video.evaluate(
        "v => new Promise(done => { v.onseeked = () => done(v.currentTime); v.currentTime = 45; })"
    )
    assert round(seconds) == 45
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Parameter Servers")


def test_a_student_signs_in_by_code_and_subscribes(open_page: Open, site: str) -> None:
    page = open_page("/accounts/login/code/")
    page.get_by_label("Email").fill("student@example.org")
    page.get_by_role("button", name=re.compile("code", re.IGNORECASE)).click()
    page.wait_for_url("**/code/confirm/**")
    # What the demo's teams are told goes with it.
    deliver_due(now=timezone.now())
    (letter,) = [sent for sent in mail.outbox if "code to sign in" in sent.subject]
    assert letter.to == ["Sam Student <student@example.org>"]
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", str(letter.body), re.MULTILINE)
    assert code is not None, letter.body
    page.get_by_label("Code").fill(code.group(1))
    page.get_by_role("button", name=re.compile("Sign In|Confirm")).first.click()
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    page.goto(f"{site}/amls/")
    expect(page.get_by_role("link", name="Call-in link of the lecture")).to_be_visible()
    page.get_by_role("link", name="Subscribe to the calendar").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    field = dialog.get_by_label("Address for any other calendar")
    expect(field).to_have_value(re.compile("/calendar/"))
    address = field.input_value()
    assert page.request.get(address).status == 200
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_staff_move_a_lecture_from_a_phone_and_take_it_back(open_page: Open, site: str) -> None:
    page = open_page("/amls/", user="lecturer", width=390)
    lecture = Lecture.objects.get(course__slug="amls", number="07")
    page.get_by_role("link", name="Change 07").click()
    form = page.get_by_role("form", name=re.compile("Change 07"))
    form.get_by_label("Room").fill("H 0111")
    form.get_by_label("From").fill("17:00")
    form.get_by_label("Until").fill("16:00")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Please mend this first")).to_contain_text("ends before it starts")
    form = page.get_by_role("form", name=re.compile("Change 07"))
    form.get_by_label("Until").fill("19:00")
    form.get_by_role("button", name="What will subscribers see?").click()
    expect(page.get_by_text("What subscribers will see:")).to_be_visible()
    assert Lecture.objects.get(pk=lecture.pk).starts_at == lecture.starts_at
    page.get_by_role("form", name=re.compile("Change 07")).get_by_role("button", name="Save").click()
    expect(page.get_by_text("in everyone's calendar")).to_contain_text("H 0111")
    moved = Lecture.objects.get(pk=lecture.pk)
    assert moved.starts_at is not None
    assert lecture.starts_at is not None
    assert (moved.starts_at - lecture.starts_at, moved.room) == (timedelta(hours=1), "H 0111")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back")).to_be_visible()
    back = Lecture.objects.get(pk=lecture.pk)
    assert (back.starts_at, back.ends_at, back.room) == (lecture.starts_at, lecture.ends_at, lecture.room)


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
@pytest.mark.parametrize("width", [390, 1280])
def test_what_came_of_an_edit_and_its_undo_are_where_the_person_looks(
    open_page: Open, width: int, script: bool
) -> None:
    page = open_page("/amls/", user="lecturer", width=width, script=script)
    lecture = Lecture.objects.filter(course__slug="amls").latest("starts_at")
    row = page.locator(f"#lecture-{lecture.pk}")
    row.get_by_role("link", name="Change").click()
    page.get_by_label("Room").fill("H 0111")
    page.get_by_role("button", name="Save").click()
    for words in ("in everyone's calendar:", "Taken back"):
        said = row.get_by_role("status").filter(has_text=words)
        expect(said).to_be_in_viewport(ratio=1)
        if script:
            expect(said).to_be_focused()
        if words != "Taken back":
            undo = said.get_by_role("button", name="Undo")
            expect(undo).to_be_in_viewport(ratio=1)
            box = undo.bounding_box()
            assert box is not None
            assert 0 <= box["y"] <= 900 - box["height"]
            assert 0 <= box["x"] <= width - box["width"]
            undo.click()
    expect(page.get_by_text("Taken back")).to_have_count(1)
    lecture.refresh_from_db()
    assert lecture.room != "H 0111"


def test_without_javascript_everything_still_works(open_page: Open, site: str) -> None:
    page = open_page("/amls/", user="lecturer", script=False)
    page.get_by_role("link", name="Change 07").click()
    page.get_by_label("Room").fill("H 0104")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("in everyone's calendar")).to_be_visible()
    page.goto(f"{site}/amls/schedule/")
    page.get_by_role("link", name="Month", exact=True).click()
    expect(page.get_by_role("table")).to_be_visible()
    page.goto(f"{site}/amls/")
    page.get_by_role("link", name="Subscribe to the calendar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Subscribe to the calendar")


def test_the_language_changes_with_one_click(open_page: Open, site: str) -> None:
    page = open_page("/amls/")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("link", name="Anmelden").first).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_the_keyboard_alone_reaches_the_slides(open_page: Open, site: str) -> None:
    page = open_page("/amls-ss2024/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _press in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.replace(/\\s+/g, ' ').trim()").startswith(
            "01 Introduction and Overview: Slides, PDF"
        ):
            break
    else:
        raise AssertionError("The slides of lecture 01 can't be reached by keyboard.")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_lecturer_uploads_several_files_at_the_desk(open_page: Open, site: str) -> None:
    page = open_page("/admin/lectures/lecture/upload/", user="lecturer")
    page.locator("input[type=file]").set_input_files(
        [
            {"name": "12_Serving.vtt", "mimeType": "text/vtt", "buffer": b"WEBVTT\n\n00:00.000 --> 00:01.000\nHi\n"},
            {"name": "12_Serving.pdf", "mimeType": "application/pdf", "buffer": b"this is no PDF"},
        ]
    )
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_text("'12_Serving.pdf' is not a PDF")).to_be_visible()
    expect(page.get_by_text("✓ 12 Model Serving Systems and Techniques")).to_be_visible()
    assert Lecture.objects.filter(
        number="12", materials__kind="captions", materials__current__uploaded_at__lte=timezone.now()
    ).exists()


def test_a_student_finds_a_word_on_its_slide_and_in_the_recording(open_page: Open, read_files: None, site: str) -> None:
    page = open_page("/amls-ss2024/", user="student")
    page.get_by_role("search").get_by_role("searchbox").fill("fusion templ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=fusion+templ")
    # Typed on, the results follow by themselves, and the address too.
    page.get_by_role("searchbox").fill("exploit sparsty")
    expect(page.get_by_role("status").filter(has_text="Shown instead: 'exploit sparsity'")).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=exploit(\+|%20)sparsty"))
    page.get_by_role("link", name=re.compile("^Slide 2")).click()
    expect(page).to_have_url(re.compile(r"/lectures/04/#page=2$"))
    expect(page.get_by_text("Slide 2 of 5")).to_be_visible()
    expect(page.get_by_role("img", name="Slide 2")).to_be_in_viewport()
    assert page.locator("figure.is-shown img").evaluate("i => i.decode().then(() => i.naturalWidth)") == 1200
    # By keyboard, and by a link to a slide.
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("#page=3$"))
    expect(page.get_by_role("img", name="Slide 3")).to_be_visible()
    page.get_by_role("link", name=re.compile("Go to slide 5")).click()
    expect(page.get_by_text("Slide 5 of 5")).to_be_visible()
    page.go_back()
    page.goto(f"{site}/amls-ss2024/search/?q=sparsity")
    page.get_by_role("link", name=re.compile("^Recording")).first.click()
    page.wait_for_url("**#recording")
    second = int(re.search(r"t=(\d+)#recording$", page.url)[1])  # type: ignore[index]
    assert second > 0
    video = page.locator("video")
    video.evaluate("v => new Promise(done => { if (v.readyState > 0) done(); v.onloadedmetadata = done; v.load(); })")
    expect(video).to_be_in_viewport()
    # It seeks by itself, once it knows how long the recording is.
    page.wait_for_function("s => Math.round(document.querySelector('video').currentTime) === s", arg=second)


def test_the_recording_is_followed_and_continued(open_page: Open, read_files: None, site: str) -> None:
    page = open_page("/amls-ss2024/lectures/04/", user="student")
    video = page.locator("video")
    # So slowly that it stays in one chapter, however long the steps below take.
    video.evaluate("v => { v.muted = true; v.playbackRate = 0.0625; }")
    page.get_by_text("Transcript", exact=True).click()
    page.get_by_role("link", name=re.compile("0:31 Choosing a fusion plan")).click()
    expect(page.locator(".chapters a[aria-current]")).to_contain_text("Choosing a fusion plan")
    expect(page.locator(".said .is-now")).to_contain_text("Choosing a fusion plan")
    page.get_by_label("Speed").select_option("2")
    assert video.evaluate("v => v.playbackRate") == 2
    with page.expect_response("**/watched/") as answer:
        second = video.evaluate("v => { v.pause(); return Math.floor(v.currentTime); }")
    assert answer.value.status == 204
    assert second >= 31
    page.reload()
    expect(page.get_by_label("Speed")).to_have_value("2")
    expect(page.get_by_role("link", name=f"Continue at 0:{second}")).to_be_visible()
    # The same without JavaScript: links and addresses are enough.
    plain = open_page("/amls-ss2024/search/?q=fusion+plan", script=False)
    plain.get_by_role("link", name=re.compile("^Slide 4")).click()
    expect(plain.get_by_role("img", name="Slide 4")).to_be_in_viewport()
    plain.get_by_text("Transcript", exact=True).click()
    plain.get_by_role("link", name=re.compile("Read the transcript")).click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Transcript")
    plain.get_by_role("link", name="0:00").click()
    expect(plain).to_have_url(re.compile(r"/lectures/04/\?t=0#recording$"))
    # What only the script can do is not offered; the slides are a strip to scroll.
    expect(plain.get_by_role("button", name="Next slide")).to_have_count(0)


def test_staff_see_their_slides_being_read(open_page: Open, site: str) -> None:
    page = open_page("/amls/lectures/01/", user="lecturer")
    expect(page.get_by_text("waits to be read").first).to_be_visible()
    extract()
    expect(page.get_by_text("Slide 1 of 5")).to_be_visible()
    expect(page.get_by_text("waits to be read")).to_have_count(0)


@pytest.mark.parametrize("script", [True, False])
def test_what_needs_scripts_is_offered_only_where_they_run(open_page: Open, site: str, script: bool) -> None:
    page = open_page("/accounts/login/", script=script)

    def is_offered(control: Locator) -> None:
        expect(control).to_be_visible(visible=script)

    is_offered(page.get_by_role("button", name="Sign in with a passkey"))
    expect(page.locator("noscript .note")).to_be_visible(visible=not script)
    page = open_page("/amls/subscribe/", user="lecturer", script=script)
    is_offered(page.get_by_role("button", name="Copy", exact=True))
    page.goto(f"{site}/accounts/sessions/")
    expect(page.locator("#notices noscript p")).to_be_visible(visible=not script)
    if not script:
        expect(page.get_by_text("This browser can't show notices.")).to_be_hidden()
    exam = Exam.objects.filter(course__slug="amls").earliest("pk")
    page.goto(f"{site}{reverse('admin:exams_exam_change', args=[exam.pk])}")
    is_offered(page.get_by_role("navigation", name="Parts of this page"))
    page.goto(f"{site}/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill("amls-demo-2024")
    page.get_by_role("button", name="Confirm", exact=True).click()
    is_offered(page.get_by_role("button", name="Add", exact=True))
    expect(page.locator("noscript .note")).to_be_visible(visible=not script)


def test_a_lecturer_moves_what_is_left_of_a_weekly_time(open_page: Open, site: str) -> None:
    page = open_page("/amls/", user="lecturer")
    page.get_by_role("link", name="Move weekly sessions").click()
    ticked = page.locator("input[name=sessions]:checked")
    expect(ticked.first).to_be_visible()
    count = ticked.count()
    before = {row.pk: row.held_on for row in Lecture.objects.select_related("course").filter(course__slug="amls")}
    ticked.last.uncheck()
    page.get_by_label("Weekday").select_option("Friday")
    page.get_by_label("From", exact=True).fill("08:15")
    page.get_by_label("Room").fill("H 0104")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_role("heading", name=f"{count - 1} sessions would change")).to_be_focused()
    expect(page.locator(".moves tbody tr")).to_have_count(count - 1)
    expect(page.get_by_text(f"{count - 1} dates moved")).to_be_visible()
    page.get_by_role("button", name=f"Move these {count - 1} sessions").click()
    expect(page.get_by_text(f"{count - 1} sessions are moved, in everyone's calendar too.")).to_be_visible()
    rows = Lecture.objects.select_related("course").filter(course__slug="amls")
    moved = [row for row in rows if row.held_on != before[row.pk]]
    assert [(row.held_on.weekday(), row.held_on.isocalendar().week) for row in moved if row.held_on] == [
        (4, day.isocalendar().week) for row in moved if (day := before[row.pk])
    ]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"Taken back: {count - 1} sessions are where they were.")).to_be_visible()
    assert {row.pk: row.held_on for row in rows.all()} == before
