"""An exam from the first click to the grade, as student, staff and helper see it."""

import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import segno
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Browser, expect

from amls.courses.models import Course, User
from amls.exports.jobs import work_once
from amls.held.models import HeldAct
from exams.models import CheckInMark, Exam, Registration, Result
from exams.permissions import helper_token, slip_code
from exams.services.door import add_helper, revoke_helper
from exams.services.grades import enter_grades
from exams.services.points import enter_points
from exams.services.registration import staff_register
from exams.services.results import freeze, publish_results, unfreeze
from tests.browser.conftest import CHROMIUM, FLAGS, PATIENCE, Open, let_held_acts_happen, new_page, sign_in
from tests.browser.looks import problems_at
from tests.browser.test_gradebook import COVERED


def coming() -> Exam:
    return Exam.objects.filter(course__slug="amls").order_by("starts_at")[0]


def own() -> Registration:
    return Registration.objects.active().get(exam__course__slug="amls", enrolment__user__email="student@example.org")


def test_a_student_waits_is_promoted_moves_prints_and_sees_the_grade(open_page: Open, site: str) -> None:
    page = open_page("/amls/exams/", user="student")
    page.get_by_role("button", name=re.compile("^Join the waiting list for")).click()
    expect(page.get_by_text("You are number 3 on the waiting list")).to_be_visible()
    expect(page.get_by_text("You are number 3 of 3 on the waiting list.")).to_be_visible()
    page.get_by_role("link", name="Your matriculation number is missing").click()
    page.get_by_label("Matriculation number").fill("412300")
    page.get_by_role("button", name="Save").click()
    staff = open_page(f"/amls/exams/{coming().pk}/staff/", user="lecturer")
    staff.get_by_label("Seats (empty: no limit)").fill("11")
    staff.get_by_role("button", name="Change the capacity").click()
    # Who moves up is told what: it is shown, and nobody has moved before its time.
    expect(staff.get_by_text("When it is done: The capacity is changed. 3 people moved up.")).to_be_visible()
    expect(staff.get_by_role("heading", name="3 people get a mail")).to_be_visible()
    expect(staff.get_by_role("row", name="Sam Student Seat from the waiting list")).to_be_visible()
    staff.get_by_role("button", name="Do it in five minutes").click()
    expect(staff.get_by_text("Until then nobody sees anything of it")).to_be_visible()
    assert own().state == "waitlisted"
    let_held_acts_happen()
    assert HeldAct.objects.get().outcome == "The capacity is changed. 3 people moved up."
    page.goto(f"{site}/amls/exams/")
    expect(page.get_by_text("✓ Seat held")).to_be_visible()
    expect(page.get_by_text("Matriculation number given")).to_be_visible()
    expect(page.get_by_role("link", name="Your matriculation number is missing")).to_be_hidden()
    assert own().state == "registered"
    page.get_by_role("link", name=re.compile("^Move to")).first.click()
    expect(page.get_by_text("only when the seat on the new date is yours")).to_be_visible()
    page.get_by_role("button", name="Move to this date").click()
    expect(page.get_by_text("You moved to this date.")).to_be_visible()
    assert own().exam_id != coming().pk
    slip = f"/amls/exams/{own().exam_id}/slip.pdf"
    expect(page.get_by_role("link", name=re.compile("^Admission slip"))).to_have_attribute("href", slip)
    page.goto(f"{site}{slip}")
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url("**/exports/**")
    assert work_once(now=timezone.now())
    made = page.request.get(f"{site}{slip}")
    assert (made.headers["content-type"], made.body()[:5]) == ("application/pdf", b"%PDF-")
    page.goto(f"{site}/amls/exams/")
    page.get_by_role("link", name=re.compile("^Withdraw from")).click()
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text("You are no longer registered.")).to_be_visible()
    page.goto(f"{site}/amls-ss2024/exams/")
    grade = Result.objects.get(registration__enrolment__user__email="student@example.org").grade
    expect(page.locator("dd", has_text=re.compile(rf"^\s*{re.escape(str(grade))}\s*$"))).to_be_visible()
    expect(page.get_by_text("86 / 100")).to_be_visible()


def test_without_javascript_a_student_registers_and_the_door_works(open_page: Open, site: str) -> None:
    page = open_page("/amls/exams/", user="student", script=False)
    page.get_by_role("button", name=re.compile("^Register for")).first.click()
    expect(page.get_by_text("You are registered.")).to_be_visible()
    door = open_page(f"/amls/exams/{own().exam_id}/check-in/", user="assistant", script=False, width=390)
    door.get_by_role("button", name="Present: Sam Student").click()
    expect(door.get_by_text("Sam Student: present")).to_be_visible()
    assert own().state == "attended"


def test_staff_seat_check_in_by_phone_through_a_lost_network_grade_and_publish(open_page: Open, site: str) -> None:
    exam = coming()
    page = open_page(f"/amls/exams/{exam.pk}/staff/", user="lecturer")
    page.get_by_role("button", name="Give seats").click()
    expect(page.get_by_text("8 seats are given; 0 people found no room.")).to_be_visible()
    page.get_by_role("button", name="Release the seats").click()
    page.get_by_role("button", name="Release in five minutes").click()
    expect(page.get_by_text("Until then nobody sees anything of it")).to_be_visible()
    let_held_acts_happen()
    page.reload()
    expect(page.get_by_text(re.compile(r"H 0107, row \d+, seat \d+")).first).to_be_visible()

    phone = open_page(f"/amls/exams/{exam.pk}/check-in/", user="assistant", width=390)
    other = open_page(f"/amls/exams/{exam.pk}/check-in/", user="lecturer", width=390)
    # What nobody is called empties no list without a word.
    nobody = phone.get_by_role("status").filter(has_text="Nobody is found. Look under the walk-ins")
    phone.get_by_label("Name or matriculation number").fill("nobody of that name")
    expect(nobody).to_be_visible()
    phone.get_by_label("Name or matriculation number").fill("köhler")
    expect(nobody).to_have_count(0)
    expect(phone.get_by_role("button", name="Present: Bea Köhler")).to_be_visible()
    expect(phone.get_by_role("button", name="Present: Alex Nguyen")).to_be_hidden()
    phone.context.set_offline(True)
    phone.get_by_role("button", name="Present: Bea Köhler").click()
    expect(phone.get_by_text("Not sent yet: 1.")).to_be_visible()
    made = CheckInMark.objects.filter(registration__exam=exam)
    assert not made.exists()
    # The field is empty again for the next one, and each takes 60 pixels.
    expect(phone.get_by_label("Name or matriculation number")).to_have_value("")
    expect(phone.get_by_label("Name or matriculation number")).to_be_focused()
    heights = phone.evaluate(
        "[...document.querySelectorAll('.door > li[data-state=registered]')].map(row => row.offsetHeight)"
    )
    assert sorted(heights)[len(heights) // 2] <= 60
    phone.locator("summary", has_text="More: Chen Wei").click()
    phone.get_by_role("button", name="Absent: Chen Wei").click()
    expect(phone.get_by_text("Not sent yet: 2.")).to_be_visible()
    phone.context.set_offline(False)
    expect(phone.get_by_text("Not sent yet")).to_be_hidden()
    expect(phone.locator("[data-count=present]")).to_have_text("1")
    assert set(made.values_list("action", flat=True)) == {"present", "absent"}
    # The other one at the door sees both with the next look, which comes every few seconds.
    expect(other.locator("[data-count=absent]")).to_have_text("1")
    phone.get_by_role("button", name="Undo: Chen Wei").click()
    expect(phone.locator("[data-count=absent]")).to_have_text("0")
    # By keyboard alone: whoever alone is found is marked by Enter.
    phone.get_by_label("Name or matriculation number").fill("nguyen")
    phone.keyboard.press("Enter")
    expect(phone.locator("[data-count=present]")).to_have_text("2")

    page.goto(f"{site}/amls/exams/{exam.pk}/results/")
    first = page.get_by_label("Alex Nguyen")
    first.fill("300")
    page.get_by_role("button", name="Save the points").click()
    expect(page.get_by_text("Points lie between 0 and 100, found 300.")).to_be_visible()
    # The next by family name.
    page.get_by_label("Bea Köhler").press("Enter")
    expect(page.get_by_label("Alex Nguyen")).to_be_focused()
    page.get_by_label("Alex Nguyen").fill("77,5")
    page.get_by_role("button", name="Save the points").click()
    expect(page.get_by_text("The points of 1 person are saved.")).to_be_visible()
    number = Registration.objects.get(
        exam=exam, enrolment__user__display_name="Bea Köhler"
    ).enrolment.user.matriculation_number
    file = {"name": "p.csv", "mimeType": "text/csv", "buffer": f"student id;points\n{number};49\n".encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Show what it changes").click()
    expect(page.get_by_role("heading", name="What it changes")).to_be_visible()
    assert Result.objects.filter(registration__exam=exam).count() == 1
    page.get_by_role("button", name="Import 1 line").click()
    page.get_by_role("button", name="Keep the table").click()
    page.get_by_role("textbox", name="4.0").fill("45")
    page.get_by_role("button", name="Show what it does").click()
    expect(page.get_by_text("this is what the changed boundaries would do")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^5.0"))).to_contain_text("(was 1)")
    page.get_by_role("link", name="Results").click()
    # Pressed, taken back, and pressed again: nothing leaves at one click.
    for button in ("Undo", None):
        page.get_by_role("button", name="Publish all drafts").click()
        expect(page.get_by_role("row", name="Alex Nguyen")).to_contain_text("grade 2.3")
        page.get_by_role("button", name="Publish in five minutes").click()
        expect(page.get_by_text("Until then nobody sees anything of it")).to_be_visible()
        if button is not None:
            page.get_by_role("button", name=button).click()
            expect(page.get_by_text("taken back. Nothing happened.")).to_be_visible()
    assert not Result.objects.filter(registration__exam=exam, state="published").exists()
    let_held_acts_happen()
    assert sorted(str(result.grade) for result in Result.objects.filter(registration__exam=exam)) == ["2.3", "5.0"]


def test_a_phone_says_when_its_marks_are_no_longer_taken_and_sends_them_by_a_new_link(
    open_page: Open, site: str
) -> None:
    exam, now = coming(), timezone.now()
    Exam.objects.filter(pk=exam.pk).update(
        starts_at=now, opens_at=None, closes_at=None, withdraw_until=now - timedelta(days=1)
    )
    link = add_helper(exam=exam, name="Kim", by=None, now=now)
    door = f"/amls/exams/{exam.pk}/check-in/"
    phone = open_page(f"{door}?key={helper_token(link)}", width=390)
    revoke_helper(link_pk=link.pk, exam_pk=exam.pk, now=timezone.now())
    phone.get_by_role("button", name="Present: Bea Köhler").click()
    expect(phone.get_by_text("the site does not take them from this page any more")).to_be_visible()
    expect(phone.get_by_text("Not sent yet: 1.")).to_be_visible()
    assert not CheckInMark.objects.filter(registration__exam=exam).exists()
    again = add_helper(exam=exam, name="Kim again", by=None, now=timezone.now())
    phone.goto(f"{site}{door}?key={helper_token(again)}")
    expect(phone.locator("[data-count=present]")).to_have_text("1")
    expect(phone.get_by_text("Not sent yet")).to_be_hidden()
    assert CheckInMark.objects.get(registration__exam=exam).helper == again


def test_two_tabs_of_one_door_keep_and_send_the_marks_of_both(open_page: Open, site: str) -> None:
    exam, now = coming(), timezone.now()
    Exam.objects.filter(pk=exam.pk).update(
        starts_at=now, opens_at=None, closes_at=None, withdraw_until=now - timedelta(days=1)
    )
    first = open_page(f"/amls/exams/{exam.pk}/check-in/", user="assistant", width=390)
    second = first.context.new_page()
    second.goto(first.url)
    first.context.set_offline(True)
    for page, name in ((first, "Bea Köhler"), (second, "Chen Wei")):
        page.get_by_role("button", name=f"Present: {name}").click()
    for page in (first, second):
        expect(page.get_by_text("Not sent yet: 2.")).to_be_visible()
    first.close()
    second.context.set_offline(False)
    expect(second.locator("[data-count=present]")).to_have_text("2")
    assert CheckInMark.objects.filter(registration__exam=exam).count() == 2


def test_the_door_is_kept_by_keyboard_and_ear_and_in_a_window_of_400_percent(open_page: Open, site: str) -> None:
    door = open_page(f"/amls/exams/{coming().pk}/check-in/", user="lecturer")
    door.wait_for_load_state()
    present = door.get_by_role("button", name="Present: Bea Köhler")
    undo = door.get_by_role("button", name="Undo: Bea Köhler")
    marked = door.get_by_role("status").filter(has_text="Bea Köhler")
    present.press("Enter")
    expect(undo).to_be_focused()
    expect(marked).to_have_text("Bea Köhler: ✓ present")
    expect(door.locator("[data-count=present]")).to_have_text("1")
    undo.press("Enter")
    expect(present).to_be_focused()
    expect(marked).to_have_text("Bea Köhler: taking back")
    # When the server has taken it back the button to do so goes.
    expect(undo).to_be_hidden()
    expect(present).to_be_focused()
    # No number is said again that is the same.
    door.evaluate("""() => {
        window.written = 0;
        new MutationObserver(all => { window.written += all.length; })
            .observe(document.querySelector(".counts"), {subtree: true, childList: true, characterData: true});
    }""")
    with door.expect_response("**/marks/"):
        pass
    with door.expect_response("**/marks/"):
        pass
    assert door.evaluate("written") == 0
    door.set_viewport_size({"width": 320, "height": 256})
    door.emulate_media(reduced_motion="reduce")
    covered = []
    for key in ["Tab"] * 30 + ["Shift+Tab"] * 30:
        door.keyboard.press(key)
        covered.append(door.evaluate(COVERED))
    assert [control for control in covered if control] == []


def test_enter_in_the_reason_does_nothing_to_a_person(open_page: Open, site: str) -> None:
    exam = coming()
    page = open_page(f"/amls/exams/{exam.pk}/staff/", user="lecturer")
    page.get_by_text("Change Bea Köhler").click()
    field = page.get_by_role("listitem").filter(has_text="Bea Köhler").get_by_label("Reason")
    field.fill("Certificate")
    field.press("Enter")
    expect(field).to_have_value("Certificate")
    page.get_by_role("listitem").filter(has_text="Bea Köhler").get_by_role("button", name="Excuse").click()
    expect(page.get_by_text("When it is done: Bea Köhler is excused and was told.")).to_be_visible()
    page.get_by_role("button", name="Do it in five minutes").click()
    expect(page.get_by_text("Until then nobody sees anything of it")).to_be_visible()
    bea = Registration.objects.get(exam=exam, enrolment__user__display_name="Bea Köhler")
    assert bea.state == "registered"
    let_held_acts_happen()
    bea.refresh_from_db()
    assert (bea.state, HeldAct.objects.get().outcome) == ("excused", "Bea Köhler is excused and was told.")
    assert not Registration.objects.filter(exam=exam, state="withdrawn").exists()


def test_the_camera_reads_a_slip(browser: Browser, site: str, tmp_path: Path) -> None:
    exam = coming()
    held = Registration.objects.filter(exam=exam, state="registered").order_by("pk").last()
    assert held is not None
    address = f"{site}/amls/exams/{exam.pk}/check-in/?who={slip_code(held.pk, exam.pk)}"
    film = tmp_path / "slip.mjpeg"
    film.write_bytes(_picture(address) * 10)
    flags = [*FLAGS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]  # fmt: skip
    own_browser = browser.browser_type.launch(executable_path=CHROMIUM, args=flags, timeout=PATIENCE)
    try:
        page = new_page(own_browser, viewport={"width": 390, "height": 800}, locale="en-GB")
        sign_in(page, site, "assistant")
        page.goto(f"{site}/amls/exams/{exam.pk}/check-in/")
        page.get_by_role("button", name="Scan a slip").click()
        button = page.get_by_role("button", name=f"Present: {held.enrolment.user}")
        expect(button).to_be_focused()
        expect(page.locator("[data-camera]")).to_be_hidden()
        page.keyboard.press("Enter")
        expect(page.locator("[data-count=present]")).to_have_text("1")
    finally:
        own_browser.close()


def _picture(text: str) -> bytes:
    """Return a JPEG of a slip's code, as a camera would see it."""
    code = io.BytesIO()
    segno.make(text, error="m", micro=False).save(code, kind="png", scale=6, border=4)
    picture = Image.new("RGB", (640, 480), "white")
    mark = Image.open(code).convert("RGB")
    picture.paste(mark, ((640 - mark.width) // 2, (480 - mark.height) // 2))
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=92)
    return target.getvalue()


def test_pages_of_exams_are_accessible_and_fit_and_log_no_error_in_every_look(open_page: Open, site: str) -> None:
    exam, over = coming(), Exam.objects.filter(course__slug="amls-ss2024").order_by("starts_at")[0]
    student = Course.objects.get(slug="amls").enrolments.get(user__email="student@example.org")
    staff_register(enrolment=student, exam_pk=exam.pk, reason="By hand", now=timezone.now())
    # A second list for the office, on which a grade is another one.
    unfreeze(exam_pk=over.pk, by=None, reason="Einsicht", now=timezone.now())
    person = Registration.objects.filter(exam=over, result__grade="1.3")[0]
    enter_points(
        exam_pk=over.pk, points={person.pk: Decimal(99)}, by=None, reason="Größe übersehen", now=timezone.now()
    )
    freeze(exam_pk=over.pk, now=timezone.now(), with_reserved=True)
    visits = {
        None: ["/amls/exams/"],
        "student": [
            "/amls/exams/", "/amls-ss2024/exams/", f"/amls/exams/{exam.pk}/withdraw/", f"/amls/exams/{exam.pk}/register/",
            f"/amls/exams/{exam.pk + 1}/move/", "/amls/me/", "/amls/",
        ],
        "lecturer": [
            "/amls/exams/", f"/amls/exams/{exam.pk}/staff/", f"/amls/exams/{exam.pk}/check-in/",
            f"/amls-ss2024/exams/{over.pk}/results/", f"/amls-ss2024/exams/{over.pk}/staff/",
            f"/amls-ss2024/exams/{over.pk}/results/office/changes/",
        ],
    }  # fmt: skip
    complaints = {}
    for user, paths in visits.items():
        page = open_page("/", user=user)
        for path in paths:
            if problems := problems_at(page, f"{site}{path}"):
                complaints[user, path] = problems
    assert complaints == {}


def oral_with_grades() -> Exam:
    """Return an oral exam that was, with two published grades and a draft."""
    course, now = Course.objects.get(slug="amls"), timezone.now()
    exam = Exam.objects.create(
        course=course, kind="oral", starts_at=now - timedelta(hours=2), duration_minutes=30, place="E-N 123", examiners="Dr. Größe",
    )  # fmt: skip
    rows = [
        Registration.objects.create(
            course=course, exam=exam, enrolment=person, state="attended", created_at=now, changed_at=now, arrived_at=now,
            closed_at=now,
        )
        for person in course.enrolments.students().order_by("pk")[:3]
    ]  # fmt: skip
    by = User.objects.get(email="lecturer@example.org")
    first, second, third = (row.pk for row in rows)
    enter_grades(exam_pk=exam.pk, grades={first: Decimal("1.3"), second: Decimal("5.0")}, by=by, now=now)
    publish_results(exam_pk=exam.pk, by=by, now=now)
    enter_grades(exam_pk=exam.pk, grades={third: Decimal("2.7")}, by=by, now=now)
    return exam


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_of_grades_is_accessible_and_fits_in_every_look_and_language(
    open_page: Open, site: str, language: str
) -> None:
    exam = oral_with_grades()
    page = open_page("/amls/exams/", user="lecturer")
    if language == "de":
        page.get_by_role("button", name="Deutsch").click()
        expect(page.get_by_role("heading", name="Prüfungen")).to_be_visible()
    assert problems_at(page, f"{site}/amls/exams/{exam.pk}/results/") == []
    expect(page.get_by_role("heading", name={"en": "Statistics", "de": "Statistik"}[language])).to_be_visible()
    # The list of dates has a slot of the day by itself, and the page of its people.
    assert problems_at(page, f"{site}/amls/exams/{exam.pk}/staff/") == []


def test_nothing_scrolls_sideways_on_the_smallest_phone_in_german(open_page: Open, site: str) -> None:
    exam, over = coming(), Exam.objects.filter(course__slug="amls-ss2024").order_by("starts_at")[0]
    page = open_page("/amls/exams/", user="lecturer", width=320)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Prüfungen")).to_be_visible()
    paths = ["/amls/exams/", *(f"/amls/exams/{exam.pk}/{name}/" for name in ("staff", "check-in"))]
    widths = {}
    for path in [*paths, f"/amls-ss2024/exams/{over.pk}/results/"]:
        page.goto(f"{site}{path}")
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    assert widths == dict.fromkeys(widths, 320)


def test_staff_cancel_a_date_its_people_read_why_and_it_is_held_after_all(open_page: Open, site: str) -> None:
    exam = coming()
    home = f"/amls/exams/{exam.pk}/staff/"
    staff = open_page(home, user="lecturer", width=390)
    staff.get_by_role("link", name="Cancel the date").click()
    expect(staff.get_by_role("heading", name=re.compile("^Cancel "))).to_be_visible()
    assert problems_at(staff, f"{site}{home}cancel/") == []
    staff.get_by_label("Reason, which everybody reads").fill("Größe: the room is lost")
    staff.get_by_role("button", name="Cancel the date").click()
    expect(staff.get_by_text("told in five minutes")).to_be_visible()
    expect(staff.get_by_role("heading", name="Who was in it")).to_be_visible()
    assert problems_at(staff, f"{site}{home}") == []
    page = open_page("/amls/exams/", user="student", width=390)
    expect(page.get_by_text("Cancelled: Größe: the room is lost")).to_be_visible()
    assert problems_at(page, f"{site}/amls/exams/") == []
    page.goto(f"{site}/amls/")
    expect(page.get_by_text("Größe: the room is lost").first).to_be_visible()
    staff.get_by_role("link", name="Hold it after all").click()
    expect(staff.get_by_role("heading", name="Who comes back")).to_be_visible()
    assert problems_at(staff, f"{site}{home}hold-after-all/") == []
    staff.get_by_role("button", name="Hold it after all").click()
    expect(staff.get_by_text("are in it again")).to_be_visible()
    page.goto(f"{site}/amls/exams/")
    expect(page.get_by_role("heading", name="Exams", exact=True)).to_be_visible()
    expect(page.get_by_text("Größe: the room is lost")).to_be_hidden()
