"""Which file of a lecture is a new version of which, and what is a material of its own."""

import re
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from amls.core.violations import RuleViolation
from lectures.filenames import read_name
from lectures.models import Lecture, Material
from tests.cast import Cast
from tests.factories import LectureFactory, MaterialFactory
from tests.lectures.files import pdf, put, vtt, zipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def lecture(cast: Cast) -> Lecture:
    starts_at, ends_at = (datetime(2024, 5, 16, hour, tzinfo=UTC) for hour in (14, 16))
    return LectureFactory.create(
        course=cast.course, number="05", title="Parameter Servers", starts_at=starts_at, ends_at=ends_at
    )


@pytest.mark.parametrize(
    ("former", "name", "is_like"),
    [
        ("Aufgaben.pdf", "aufgaben_v2.PDF", True),
        ("Übung-1.pdf", "U\u0308bung 1 (2).pdf", True),
        ("Handout final.pdf", "HandoutV3.pdf", True),
        ("05.pdf", "05_Slides_v2.pdf", True),
        ("2024-05-16 Vorlesung.pdf", "L5 ParameterServers neu.pdf", True),
        ("05.pdf", "05_Handout.pdf", False),
        ("05_Slides.pdf", "05_Slides2.pdf", False),
        ("Exam 2023.pdf", "Exam 2024.pdf", False),
        ("de.vtt", "en.vtt", False),
        ("05.vtt", "05.txt", False),
    ],
)
def test_a_version_has_the_same_name_or_one_that_says_only_the_lecture(
    lecture: Lecture, former: str, name: str, is_like: bool
) -> None:
    names = [read_name(filename, lecture, Material.Kind.PDF) for filename in (former, name)]
    assert names[0].is_like(names[1]) is is_like
    assert read_name("05.zip", lecture, Material.Kind.OTHER).is_only_lecture is False


def shown(lecture: Lecture) -> set[tuple[str, str, int]]:
    """Return what each material is called, and which file and version it is."""
    return {
        (str(material), material.current.filename, material.current.version)
        if material.current
        else (str(material), "", 0)
        for material in Material.objects.filter(lecture=lecture).select_related("current")
    }


def sent(**contents: bytes) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name.replace("__", "."), content) for name, content in contents.items()]


@pytest.mark.parametrize("is_at_the_desk", [False, True])
def test_files_that_are_sent_together_never_replace_each_other(
    cast: Cast, lecture: Lecture, is_at_the_desk: bool
) -> None:
    put(lecture, "pdf", "05_Slides.pdf", pdf(["Slides"]))
    files = sent(
        Aufgaben__pdf=pdf(["Tasks"]), **{"05_Handout__pdf": pdf(["Handout"]), "05_Slides_v2__pdf": pdf(["Newer"])},
        code__zip=zipped({"a.py": b"1"}), data__zip=zipped({"a.csv": b"1"}), de__vtt=vtt(("00:01.000", "00:02.000", "ja")),
        en__vtt=vtt(("00:01.000", "00:02.000", "yes")),
    )  # fmt: skip
    address, more = "/amls/lectures/05/upload/", {}
    if is_at_the_desk:
        address, more = "/admin/lectures/lecture/upload/", {"course": cast.course.pk, "lecture": lecture.pk}
    answer = cast.client("lecturer").post(address, {"files": files, **more}, follow=True)
    assert shown(lecture) == {
        ("Slides, PDF", "05_Slides_v2.pdf", 2),
        ("05_Handout.pdf", "05_Handout.pdf", 1),
        ("Aufgaben.pdf", "Aufgaben.pdf", 1),
        ("code.zip", "code.zip", 1),
        ("data.zip", "data.zip", 1),
        ("Captions", "de.vtt", 1),
        ("en.vtt", "en.vtt", 1),
    }
    page = answer.content.decode()
    assert "&#x27;05_Slides_v2.pdf&#x27; is a new version of &#x27;05_Slides.pdf&#x27;." in page
    assert "05_Handout.pdf&#x27; is a new version" not in page
    # Visitors reach all of them, and the slides are what is called so.
    links = cast.client("stranger").get("/amls/lectures/05/").content.decode()
    assert all(material.get_absolute_url() in links for material in Material.objects.all())


def test_two_files_of_one_name_that_are_sent_together_are_two_materials(cast: Cast, lecture: Lecture) -> None:
    files = [SimpleUploadedFile("05.pdf", pdf([word])) for word in ("One", "Other")]
    cast.client("lecturer").post("/amls/lectures/05/upload/", {"files": files})
    assert shown(lecture) == {("Slides, PDF", "05.pdf", 1), ("05.pdf", "05.pdf", 1)}


def test_the_slides_are_first_whatever_is_sent_along(cast: Cast, lecture: Lecture) -> None:
    files = sent(**{"05_Handout__pdf": pdf(["Handout"]), "05_Slides__pdf": pdf(["Slides"])})
    cast.client("lecturer").post("/amls/lectures/05/upload/", {"files": files})
    assert [str(material) for material in Material.objects.filter(lecture=lecture)] == ["Slides, PDF", "05_Handout.pdf"]


def test_a_file_takes_the_place_of_what_was_announced(lecture: Lecture) -> None:
    for kind, title in (("pdf", ""), ("other", "Code"), ("other", "Data")):
        MaterialFactory.create(lecture=lecture, kind=kind, title=title)
    put(lecture, "other", "data_v1.zip", zipped({"a": b"1"}))
    put(lecture, "other", "more.zip", zipped({"a": b"2"}))
    put(lecture, "pdf", "holiday.pdf", pdf(["Any"]))
    assert shown(lecture) == {
        ("Slides, PDF", "holiday.pdf", 1),
        ("Code", "", 0),
        ("Data", "data_v1.zip", 1),
        ("more.zip", "more.zip", 1),
    }


def test_an_upload_on_the_page_is_taken_back_by_its_message(cast: Cast, lecture: Lecture) -> None:
    put(lecture, "pdf", "05.pdf", pdf(["Slides"]))
    files = sent(Handout__pdf=pdf(["Handout"]), **{"05_v2__pdf": pdf(["Wrong"])})
    client = cast.client("assistant")
    page = client.post("/amls/lectures/05/upload/", {"files": files}, follow=True).content.decode()
    undo = re.search(
        r'action="([^"]+)">\s*<input[^>]+csrf[^>]+><input type="hidden" name="token" value="([^"]+)"', page
    )
    assert undo is not None
    for part in ("foreign lecturer", "student"):
        assert cast.client(part).post(undo[1], {"token": undo[2]}).status_code == 404
    assert len(shown(lecture)) == 2
    assert "2 files are taken back." in client.post(undo[1], {"token": undo[2]}, follow=True).content.decode()
    assert shown(lecture) == {("Slides, PDF", "05.pdf", 1)}
    assert "Nothing was changed." in client.post(undo[1], {"token": undo[2]}, follow=True).content.decode()


def test_staff_go_back_to_the_version_before(cast: Cast, lecture: Lecture) -> None:
    for number in (1, 2, 3):
        newest = put(lecture, "pdf", f"05_v{number}.pdf", pdf([f"Slides {number}"]))
    address = "/amls/lectures/05/files/undo/"
    assert address not in cast.client("student").get("/amls/lectures/05/").content.decode()
    client = cast.client("assistant")
    page = client.get("/amls/lectures/05/").content.decode()
    button = re.search(
        rf'action="{address}">(?:(?!</form>).)*name="token" value="(\d+)"(?:(?!</form>).)*', page, re.DOTALL
    )
    assert button is not None
    assert int(button[1]) == newest.pk
    assert "Back to version 2" in button[0]
    # What another has uploaded since stays.
    later = put(lecture, "pdf", "05_v4.pdf", pdf(["Slides 4"]))
    said = client.post(address, {"token": button[1]}, follow=True).content.decode()
    assert "05_v3.pdf is not the newest file any more." in said
    for pk, former in ((later.pk, 3), (newest.pk, 2)):
        client.post(address, {"token": str(pk)})
        assert shown(lecture) == {("Slides, PDF", f"05_v{former}.pdf", former)}


def test_staff_see_on_the_page_what_students_do_not_see(cast: Cast, lecture: Lecture) -> None:
    for kind, name in (("pdf", "05.pdf"), ("other", "solution.zip"), ("other", "open.zip")):
        put(lecture, kind, name, pdf(["A"]) if kind == "pdf" else zipped({"a": name.encode()}))
    Material.objects.filter(kind="pdf").update(audience="enrolled")
    Material.objects.filter(title="solution.zip").update(visible_from=datetime(2100, 5, 16, 14, tzinfo=UTC))
    Material.objects.filter(title="open.zip").update(visible_from=datetime(2020, 5, 16, 14, tzinfo=UTC))

    def chips(part: str) -> dict[str, list[str]]:
        page = cast.client(part).get("/amls/lectures/05/").content.decode()
        downloads = page[page.index('class="downloads"') :]
        rows = re.findall(r"<li>.*?</li>", downloads[: downloads.index("</ul>\n    </section>")], re.DOTALL)
        return {
            name: [
                " ".join(re.sub("<[^>]+>", "", chip).split())
                for chip in re.findall(r'<span class="chip info">(.*?)</span>', row, re.DOTALL)
            ]
            for row in rows
            for name in ("Slides, PDF", "solution.zip", "open.zip")
            if name in row
        }

    hidden = chips("assistant")
    assert hidden["Slides, PDF"] == ["for enrolled people only"]
    assert hidden["open.zip"] == []
    assert re.fullmatch("from .*2100.*16:00", hidden["solution.zip"][0])
    assert chips("student") == {"Slides, PDF": [], "open.zip": []}
    assert chips("stranger") == {"open.zip": []}


def test_source_code_is_given_out_as_it_is_and_other_kinds_are_to_be_packed(cast: Cast, lecture: Lecture) -> None:
    file = put(lecture, "other", "Übung_05.py", b"print('Gr\xc3\xb6\xc3\x9fe')\n")
    answer = cast.client("anonymous").get(file.material.get_absolute_url())
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    with pytest.raises(RuleViolation, match=r"Pack it as a ZIP, or upload one of these: c, cpp, csv"):
        put(lecture, "other", "Folien.odp", b"PK")
