"""What the students' pages ask of their readers: clicks, each with its answer at once."""

import io
import tarfile
import zipfile

from playwright.sync_api import expect

from tests.browser.conftest import Open


def test_topics_are_filtered_by_one_click_each_without_waiting(open_page: Open, read_files: None) -> None:
    page = open_page("/amls/projects/", user="student")
    cards = page.locator(".topics > li:visible")
    everything = cards.count()
    # Three clicks before, of which the last one loaded the page; two tracks at a time did not go.
    page.get_by_role("checkbox", name="DAPHNE").check()
    daphne = cards.count()
    page.get_by_role("checkbox", name="ML pipeline").check()
    assert 0 < daphne < cards.count() < everything
    expect(page.get_by_text(f"{cards.count()} topics shown")).to_be_visible()
    page.get_by_role("searchbox", name="Search the topics").fill("bicycle")
    expect(cards).to_have_count(1)
    expect(page.get_by_role("checkbox", name="DAPHNE")).to_have_accessible_name("DAPHNE 0")
    page.reload()
    expect(cards).to_have_count(1)
    page.get_by_role("link", name="Show all topics").click()
    expect(cards).to_have_count(everything)


def archives() -> list[dict[str, object]]:
    packed, rolled = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bericht/", "")
        archive.writestr("bericht/Größe.md", "x" * 500)
    with tarfile.open(fileobj=rolled, mode="w:gz") as archive:
        for name in ("src/Łukasz.py", f"{'deep/' * 30}end.py"):
            entry = tarfile.TarInfo(name)
            entry.size = 700
            archive.addfile(entry, io.BytesIO(b"y" * 700))
    return [
        {"name": "arbeit.zip", "mimeType": "application/zip", "buffer": packed.getvalue()},
        {"name": "mehr.tar.gz", "mimeType": "application/gzip", "buffer": rolled.getvalue()},
    ]


def test_what_is_handed_in_is_a_list_that_says_what_is_in_archives(open_page: Open, read_files: None) -> None:
    page = open_page("/amls/projects/mine/submit/", user="student")
    listed, field = page.locator("[data-chosen] > li"), page.locator("#files")
    zipped, rolled = archives()
    field.set_input_files([zipped, {"name": "picture.exe", "mimeType": "image/png", "buffer": b"MZ"}])
    expect(listed).to_have_count(2)
    # What can't be handed in gives way; what can stays.
    field.set_input_files([rolled])
    expect(listed).to_have_count(2)
    summaries = page.locator("[data-chosen] summary")
    expect(summaries).to_have_count(2)
    for summary in summaries.all():
        summary.click()
    inside = page.locator("[data-chosen] details li")
    expect(inside).to_have_text(["bericht/Größe.md", "src/Łukasz.py", f"{'deep/' * 30}end.py"])
    page.get_by_role("button", name="Remove: arbeit.zip").click()
    expect(listed).to_have_count(1)
    assert field.evaluate("field => [...field.files].map(file => file.name)") == ["mehr.tar.gz"]


def test_an_archive_of_windows_is_listed_by_its_names_and_none_by_what_systems_put_there(
    open_page: Open, read_files: None
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # No more than a place holder of the same length, which no writer marks as UTF-8.
        for name in ("L?sung/Gr??e.py", "__MACOSX/L?sung/._a.py", ".DS_Store"):
            archive.writestr(name, "1")
    content = packed.getvalue().replace(b"L?sung", "Lösung".encode("cp437")).replace(b"Gr??e", "Größe".encode("cp437"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist()[0] == "Lösung/Größe.py"
    page = open_page("/amls/projects/mine/submit/", user="student")
    page.locator("#files").set_input_files([{"name": "windows.zip", "mimeType": "application/zip", "buffer": content}])
    page.locator("[data-chosen] summary").click()
    expect(page.locator("[data-chosen] details li")).to_have_text(["Lösung/Größe.py"])


def test_slides_follow_the_recording_and_keys_move_it(open_page: Open, read_files: None) -> None:
    page = open_page("/amls/lectures/05/")
    video = page.locator("video")
    video.evaluate(
        "v => new Promise(done => { v.muted = true; if (v.readyState > 0) done(); v.onloadedmetadata = done; })"
    )
    page.keyboard.press("l")
    page.keyboard.press("l")
    expect(page.locator(".deck-bar output")).to_have_text("Slide 3 of 5")
    page.keyboard.press("j")
    expect(page.locator(".deck-bar output")).to_have_text("Slide 2 of 5")
    assert round(video.evaluate("v => v.currentTime")) == 10
    page.get_by_label("Slides follow").uncheck()
    page.locator(".skip").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("l")
    page.wait_for_function("() => document.querySelector('video').currentTime >= 20")
    expect(page.locator(".deck-bar output")).to_have_text("Slide 2 of 5")
    # Whoever speaks to their machine turns the keys off (WCAG 2.1.4).
    page.get_by_label("Keys: space plays").uncheck()
    page.keyboard.press("l")
    assert round(video.evaluate("v => v.currentTime")) == 20
