"""Which file of a lecture is a new version of which, and what is a material of its own."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

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
