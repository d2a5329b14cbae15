"""Course pages in the styles in which lecturers keep them."""

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from amls.portal.takeover.joining import make_slug
from amls.portal.takeover.sourcerows import SourceCell
from amls.portal.takeover.spec import CourseFileError, CourseSpec, ExamSpec
from amls.portal.takeover.understanding.people import find_people
from tests.seed import LECTURE_DAYS, PAGE, read_page

HEAD = "Systems of Data SS2024\n(VL, 41080)\n\nLectures take place Thursday, 4pm-6pm in H 0107.\n\nA: Part one\n\n"


def lectures(text: str) -> list[tuple[str, str, str, str, str]]:
    return [
        (lecture.number, f"{lecture.starts_at:%Y-%m-%d %H:%M}", f"{lecture.ends_at:%H:%M}", lecture.room, lecture.mode)
        for lecture in read_page(text).lectures
    ]


@pytest.fixture(scope="module")
def seed() -> CourseSpec:
    return read_page(PAGE.read_text(encoding="utf-8"))


def test_the_page_of_the_real_course(seed: CourseSpec) -> None:
    assert (seed.title, seed.term, seed.slug) == ("Architecture of Machine Learning Systems", "SS2024", "amls-ss2024")
    assert (seed.kinds, seed.codes, seed.ects) == (("VL", "UE"), ("41078",), Decimal(6))
    (slot,) = seed.slots
    assert (slot.weekday, slot.start, slot.end, slot.room, slot.mode) == (
        "thursday",
        time(16),
        time(18),
        "H 0107",
        "hybrid",
    )
    assert [(part.letter, part.title) for part in seed.parts] == [
        ("A", "Overview and ML System Internals"),
        ("B", "ML Lifecycle Systems"),
    ]
    assert [lecture.number for lecture in seed.lectures] == [f"{number:02}" for number in range(1, 13)]
    assert [lecture.starts_at for lecture in seed.lectures] == [
        datetime(2024, month, day, 16) for month, day in LECTURE_DAYS
    ]
    assert [lecture.ends_at.time() for lecture in seed.lectures] == [time(18)] * 12
    assert {lecture.number: lecture.room for lecture in seed.lectures if lecture.room != "H 0107"} == {
        "05": "H 0111",
        "08": "",
        "10": "",
    }
    assert [lecture.number for lecture in seed.lectures if lecture.mode == "virtual"] == ["08", "10"]
    kinds = [tuple(material.kind for material in lecture.materials) for lecture in seed.lectures]
    assert kinds == [("pdf", "pptx", "mp4")] * 7 + [("pdf", "pptx")] + [()] * 4
    assert [lecture.part for lecture in seed.lectures] == ["A"] * 8 + ["B"] * 4
    assert seed.warnings == ()


def test_the_rest_of_the_real_page(seed: CourseSpec) -> None:
    assert seed.projects is not None
    assert seed.projects.submission_deadline == datetime(2024, 7, 8, 23, 59)
    assert (seed.projects.hours, seed.projects.ects, seed.projects.mandatory) == (80, Decimal(3), True)
    assert seed.exams == tuple(
        ExamSpec(starts_at=start)
        for start in (datetime(2024, 7, 18, 16), datetime(2024, 8, 10, 14), datetime(2024, 10, 12, 13))
    )
    (hour,) = seed.office_hours
    assert (hour.weekday, hour.start, hour.end, hour.room, hour.mode) == (
        "tuesday",
        time(16),
        time(17, 30),
        "TEL 0811",
        "hybrid",
    )
    assert hour.first == date(2024, 4, 23)
    assert [(member.role, member.name, member.affiliation) for member in seed.staff] == [
        ("lecturer", "Univ.-Prof. Dr.-Ing. Matthias Boehm", "DAMS"),
        ("assistant", "M.Sc. Sebastian Baunsgaard", "DAMS"),
    ]
    grading = seed.grading
    assert (grading.exam_percent, grading.project_is_prerequisite, grading.max_extra_points) == (100, True, Decimal(5))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("• 01 A [May 02]", ("01", "2024-05-02 16:00", "18:00", "H 0107", "in_person")),
        ("- 02 B (part 1), C & D/E [May 02; pdf; mp4]", ("02", "2024-05-02 16:00", "18:00", "H 0107", "in_person")),
        ("* 03 C [May 21 (in H0111), pdf]", ("03", "2024-05-21 16:00", "18:00", "H 0111", "in_person")),
        ("• 04 D [pdf, May 21, 10.15am, in MAR 0.001]", ("04", "2024-05-21 10:15", "12:15", "MAR 0.001", "in_person")),
        ("• 05 E [Jun 13 (virtual only), pdf]", ("05", "2024-06-13 16:00", "18:00", "", "virtual")),
        ("• Q&A session [Jul 11, 6.10pm]", ("", "2024-07-11 18:10", "20:10", "H 0107", "in_person")),
        ("• 06 F [Thu, Jun 20, hybrid]", ("06", "2024-06-20 16:00", "18:00", "H 0107", "hybrid")),
        ("• 07 G [20 June 2024, 14:00-15:30]", ("07", "2024-06-20 14:00", "15:30", "H 0107", "in_person")),
        ("• 08 H [20.6., pptx]", ("08", "2024-06-20 16:00", "18:00", "H 0107", "in_person")),
        ("09 I [July 4]", ("09", "2024-07-04 16:00", "18:00", "H 0107", "in_person")),
    ],
)
def test_every_style_of_a_lecture_line(line: str, expected: tuple[str, str, str, str, str]) -> None:
    assert lectures(HEAD + line) == [expected]


def test_a_winter_term_crosses_into_january() -> None:
    page = "Data Systems WS2021/22\n(VL/UE, 706.010)\nLectures take place Monday's 4.10pm in hybrid form in HS-i13.\n\nA: One\n\n• 01 X [Oct 18, pdf]\n• 02 Y [Jan 10]\n• 03 Z [Jan 10, 6.10pm]\n"
    spec = read_page(page)
    assert spec.codes == ("706.010",)
    assert (spec.slots[0].room, spec.slots[0].mode, spec.slots[0].end) == ("HS-i13", "hybrid", None)
    assert lectures(page) == [
        ("01", "2021-10-18 16:10", "17:40", "HS-i13", "hybrid"),
        ("02", "2022-01-10 16:10", "17:40", "HS-i13", "hybrid"),
        ("03", "2022-01-10 18:10", "19:40", "HS-i13", "hybrid"),
    ]


@pytest.mark.parametrize(
    ("first", "title", "term", "year"),
    [
        ("Architecture of ML Systems SS2024", "Architecture of ML Systems", "SS2024", 2024),
        ("Database Systems, Summer 2025", "Database Systems", "Summer 2025", 2025),
        ("Data Management (Fall 2022)", "Data Management", "Fall 2022", 2022),
        ("Large-scale Data WiSe 2023/24", "Large-scale Data", "WiSe 2023/24", 2023),
    ],
)
def test_every_style_of_a_term(first: str, title: str, term: str, year: int) -> None:
    spec = read_page(f"{first}\nLectures take place Friday, 10am-12pm in H 1.\n\n• 01 X [Nov 17]\n")
    assert (spec.title, spec.term, spec.lectures[0].starts_at.year) == (title, term, year)


def test_slips_are_kept_and_warned_of() -> None:
    spec = read_page(HEAD + "• 01 X [Apr 18, 12.45am]\n• 02 Y [Mon Apr 25]\n")
    assert [lecture.starts_at for lecture in spec.lectures] == [datetime(2024, 4, 18, 0, 45), datetime(2024, 4, 25, 16)]
    assert spec.warnings == (
        "Line 8: 00:45 at night is surely a slip; it is imported as written: • 01 X [Apr 18, 12.45am]",
        "Line 9: 2024-04-25 is a Thursday, not a Monday: • 02 Y [Mon Apr 25]",
    )


@pytest.mark.parametrize("line", ["• 02 Y", "• 02 Y [pdf]", "• 02 Y [TBA]", "• 02 Y [date open, pdf]"])
def test_a_numbered_lecture_without_a_date_keeps_its_place(line: str) -> None:
    spec = read_page(f"{HEAD}• 01 X [Apr 18]\n{line}\n• 03 Z [May 02]\n")
    assert [(lecture.number, lecture.title, lecture.held_on) for lecture in spec.lectures] == [
        ("01", "X", date(2024, 4, 18)),
        ("02", "Y", None),
        ("03", "Z", date(2024, 5, 2)),
    ]


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("• 02 Y [Feb 30, pdf]", "Line 9: there is no 'Feb 30' in 2024: • 02 Y [Feb 30, pdf]"),
        ("• 02 Y [Apr 25, 13pm]", "Line 9: '13pm' is not a time: • 02 Y [Apr 25, 13pm]"),
        ("• 02 Y [Apr 25, spoon]", "Line 9: 'spoon' was not understood: • 02 Y [Apr 25, spoon]"),
        ("• 01 Y [Apr 25]", "Lecture 01 stands on the page more than once: 'X' and 'Y'."),
    ],
)
def test_an_unreadable_line_is_named(line: str, warning: str) -> None:
    spec = read_page(f"{HEAD}• 01 X [Apr 18]\n{line}")
    assert spec.lectures[0].title == "X"
    assert spec.warnings == (warning,)


def test_a_page_of_unreadable_lines_is_no_course() -> None:
    with pytest.raises(CourseFileError, match="Line 8: there is no 'Feb 30' in 2024"):
        read_page(HEAD + "• 01 X [Feb 30, pdf]")
    with pytest.raises(CourseFileError, match="No schedule was found"):
        read_page(HEAD)


def test_a_page_without_a_term_asks_for_one() -> None:
    with pytest.raises(CourseFileError, match="does not name its term"):
        read_page("Data Systems\n• 01 X [Apr 18]\n")
    spec = read_page("Data Systems\nLectures take place Friday, 10am.\n• 01 X [Apr 18]\n", year=2023)
    assert (spec.lectures[0].starts_at, spec.term) == (datetime(2023, 4, 18, 10), "2023")


def test_html_gives_links_and_the_same_facts() -> None:
    page = """<html><body><h1>Data Systems <b>SS2024</b></h1><p>(VL, 41080)</p>
    <p>Lectures take place Thursday, 4pm-6pm in H0107 and virtually via zoom (<a href="https://zoom.example.org/1">call-in link</a>).</p>
    <h3>A: Part one</h3><ul>
    <li>01 Introduction [Apr 18, <a href="https://x.example.org/1.pdf">pdf</a>, <a href="/1.mp4">mp4</a>]</li>
    <li><p>02 Joins [May 21 (in H0111), pdf]</p></li></ul></body></html>"""
    spec = read_page(page)
    assert (spec.slots[0].room, spec.slots[0].mode, spec.slots[0].call_in) == (
        "H 0107",
        "hybrid",
        "https://zoom.example.org/1",
    )
    first, second = spec.lectures
    assert [(material.kind, material.url) for material in first.materials] == [
        ("pdf", "https://x.example.org/1.pdf"),
        ("mp4", "/1.mp4"),
    ]
    assert (second.title, second.room, second.starts_at) == ("Joins", "H 0111", datetime(2024, 5, 21, 16))


def test_html_as_it_is_kept_by_hand() -> None:
    page = """<!DOCTYPE html><html><head><title>Teaching</title></head><body><div>Home | Teaching</div>
    <h2>Data Systems <br>SS2024</h2>
    (VL/UE, 41080 <i>Data Systems</i>)<br><br>
    The lectures take place <b>Thursday, 4pm-6pm
    in H0107</b> and virtually via <a href="https://zoom.example.org/1">zoom</a>.<br>
    Office hours are Tuesday, 4pm-5pm in TEL 0811 (<a href="https://zoom.example.org/2">call-in: office hour</a>)
    <br><br><b>A: Part one</b>
    <ul><li>01 Introduction [Apr 18, <a href="01.pdf">pdf</a>, <a href="https://x.example.org/1">mp4</a>]
    <li>02 Joins<br>[May 21 (<b>in H0111</b>), pdf]</ul>
    <table><tr><td>03 Storage</td><td>[Jun 13, virtual only]</td></tr></table></body></html>"""
    spec = read_page(page)
    assert (spec.title, spec.kinds, spec.codes) == ("Data Systems", ("VL", "UE"), ("41080",))
    assert (spec.slots[0].room, spec.slots[0].mode, spec.slots[0].call_in) == (
        "H 0107",
        "hybrid",
        "https://zoom.example.org/1",
    )
    assert [hour.call_in for hour in spec.office_hours] == ["https://zoom.example.org/2"]
    assert [(lecture.number, lecture.title, lecture.room, lecture.mode) for lecture in spec.lectures] == [
        ("01", "Introduction", "H 0107", "hybrid"),
        ("02", "Joins", "H 0111", "hybrid"),
        ("03", "Storage", "", "virtual"),
    ]
    (warning,) = spec.warnings
    assert warning.startswith("Line 8: the link '01.pdf' leads nowhere from here; 'pdf' is announced, upload its file")


HTML_HEAD = "<h1>Data Systems SS2024</h1><p>(VL, 41080)</p><p>Lectures take place Thursday, 4pm-6pm in H 0107.</p>"


@pytest.mark.parametrize("heading", ["Exams WS2024/25", "Schedule, Summer 2024", "Archive: WS2023/24"])
def test_a_later_heading_with_a_term_is_no_new_beginning(heading: str) -> None:
    page = f"{HTML_HEAD}<ul><li>01 Introduction [Apr 18]</li></ul><h2>{heading}</h2><ul><li>02 Joins [Apr 25]</li></ul>"
    spec = read_page(page)
    assert (spec.title, spec.term) == ("Data Systems", "SS2024")
    assert [lecture.number for lecture in spec.lectures] == ["01", "02"]


@pytest.mark.parametrize("address", ["https://[zoom-link]", "https://[zoom-link]/01.pdf", "//[::1/x"])
def test_a_link_that_is_no_address_leads_nowhere(address: str) -> None:
    page = f"{HTML_HEAD}<ul><li>01 Introduction [Apr 18, <a href='{address}'>pdf</a>]</li></ul>"
    for head in ("", "<base href='https://x.example.org/'>"):
        spec = read_page(head + page)
        assert [material.kind for material in spec.lectures[0].materials] == ["pdf"]
        assert len(spec.warnings) == 1
        assert f"the link '{address}' leads nowhere from here" in spec.warnings[0]
    call_in = page.replace("in H 0107.", f"and via <a href='{address}'>zoom</a>.")
    assert read_page(call_in).slots[0].call_in == ""


@pytest.mark.parametrize("tag", ["li", "p", "div", "b"])
def test_tags_that_are_never_closed_are_read(tag: str) -> None:
    lines = "".join(f"<{tag}>Note {number}\n" for number in range(2000))
    spec = read_page(f"{HTML_HEAD}{lines}<ul><li>01 Introduction [Apr 18]</li></ul>")
    assert [lecture.title for lecture in spec.lectures] == ["Introduction"]


def test_a_page_that_is_set_as_it_was_typed_keeps_its_lines() -> None:
    spec = read_page(f"<html><body><pre>{HEAD}• 01 <b>A</b> [Apr 18, <a href='https://x.example.org/1'>pdf</a>]\n• 02 B [Apr 25]</pre></body></html>")  # fmt: skip
    assert (spec.title, spec.term, spec.slots[0].room) == ("Systems of Data", "SS2024", "H 0107")
    assert [(lecture.number, lecture.title) for lecture in spec.lectures] == [("01", "A"), ("02", "B")]
    assert [material.url for material in spec.lectures[0].materials] == ["https://x.example.org/1"]
    warned = read_page(f"<html>\n<pre>{HEAD}• 01 A [Apr 18]\n• 02 B [Feb 30]</pre></html>").warnings
    assert warned == ("Line 10: there is no 'Feb 30' in 2024: • 02 B [Feb 30]",)


def test_links_within_a_site_are_whole_where_the_page_names_its_own_address() -> None:
    page = """<html><head><base href="https://x.example.org/ss24/index.html"></head><body><h1>Data Systems SS2024</h1>
    <p>Lectures take place Thursday, 4pm-6pm in H 1.</p><ul><li>01 A [Apr 18, <a href="01.pdf">pdf</a>]</ul></body></html>"""
    spec = read_page(page)
    assert [material.url for material in spec.lectures[0].materials] == ["https://x.example.org/ss24/01.pdf"]
    assert spec.warnings == ()


def test_control_characters_end_no_line() -> None:
    spec = read_page("\ufeff" + HEAD.replace("\n", "\r\n") + "• 01 A\x0bvery\x1elong\u2028title\x07 [Apr 18]\r\n")
    assert (spec.title, spec.lectures[0].title) == ("Systems of Data", "A very long title")


def test_several_kinds_and_codes() -> None:
    heads = {
        "(VL/UE, 706.010 Databases; 706.550 Data Management)": (("VL", "UE"), ("706.010", "706.550")),
        "(VL 41078 Architecture of ML Systems; UE 41079 Exercises)": (("VL", "UE"), ("41078", "41079")),
        "(706.010 VU, 706.011 KU)": (("VU", "KU"), ("706.010", "706.011")),
        "(ML Systems)": ((), ()),
    }
    for second, expected in heads.items():
        spec = read_page(HEAD.replace("(VL, 41080)", second) + "• 01 A [Apr 18]")
        assert (spec.kinds, spec.codes) == expected, second


def test_exams_with_an_end_a_room_and_several_dates_in_one_breath() -> None:
    spec = read_page(HEAD + "• 01 A [Apr 18]\n• Final written exams: Jul 18, 4pm-6pm in room H0105 and Aug 10, 2pm\n")
    assert spec.exams == (
        ExamSpec(starts_at=datetime(2024, 7, 18, 16), duration_minutes=120, place="H 0105"),
        ExamSpec(starts_at=datetime(2024, 8, 10, 14)),
    )


@pytest.mark.parametrize("dash", ["–", "-", ","])
def test_a_day_of_an_exam_is_no_beginning_of_its_time(dash: str) -> None:
    spec = read_page(f"{HEAD}• 01 A [Apr 18]\n• Final written exams: Jul 18 {dash} 4pm; Aug 10 {dash} 2pm-3.30pm\n")
    assert spec.exams == (
        ExamSpec(starts_at=datetime(2024, 7, 18, 16)),
        ExamSpec(starts_at=datetime(2024, 8, 10, 14), duration_minutes=90),
    )


@pytest.mark.parametrize(
    "note",
    [
        "(register until Jul 11)",
        "(register until Jul 11, 11.59pm)",
        "(sign up Jul 1 to Jul 11)",
        "in H 0105, register until Jul 11",
        "(review Jul 25, TBA)",
    ],
)
def test_a_day_without_a_time_is_no_further_exam(note: str) -> None:
    spec = read_page(f"{HEAD}• 01 A [Apr 18]\n• Final written exams: Jul 18, 4pm {note} and Aug 10, 2pm\n")
    assert [exam.starts_at for exam in spec.exams] == [datetime(2024, 7, 18, 16), datetime(2024, 8, 10, 14)]


def test_an_exam_without_a_time_is_kept_among_the_sessions() -> None:
    spec = read_page(f"{HEAD}• 01 A [Apr 18]\n• Final written exams: Fri Jul 19; Aug 10, 2pm\n")
    assert [exam.starts_at for exam in spec.exams] == [datetime(2024, 8, 10, 14)]
    assert [(lecture.kind, lecture.title, lecture.day) for lecture in spec.lectures[1:]] == [
        ("other", "Final written exams", date(2024, 7, 19))
    ]


@pytest.mark.parametrize(
    ("title", "term", "slug"),
    [
        ("Architecture of ML Systems", "SS2024", "amls-ss2024"),
        ("Databases", "WS2021/22", "databases-ws2021-22"),
        ("深層学習", "SS2024", "course-ss2024"),
        ("Größe & Ähnlichkeit", "Wintersemester 2026/27", "groesse-aehnlichkeit-wintersemester-2026-27"),
        ("Łódzka Übung", "", "lodzka-uebung"),
    ],
)
def test_slugs_are_initials_and_term(title: str, term: str, slug: str) -> None:
    assert make_slug(title, term) == slug


def test_no_date_of_a_page_vanishes_in_silence() -> None:
    page = """Data Systems, WS2023/24
Lectures take place Thursday 4pm-6pm in H 0107.
Project deadline: Jan 31, 11.59pm
Registration from Oct 16, the review is on Mar 04.
• 01 Introduction [Oct 19, pdf]
• 02 Storage [Oct 26]
Final exams: Feb 15, 4pm (register until Feb 01)
Grading: 100% exam
"""
    spec = read_page(page)
    assert [warning.split(": ")[:3] for warning in spec.warnings] == [
        ["Line 4", "not read, enter it by hand", "Oct 16, Mar 04"],
        ["Line 7", "not read, enter it by hand", "Feb 01"],
    ]
    assert [(deadline.title, deadline.due_at) for deadline in spec.deadlines] == [
        ("Project", datetime(2024, 1, 31, 23, 59))
    ]


@pytest.mark.parametrize(
    ("line", "people"),
    [
        (
            "Dozent: Prof. Dr. Łukasz Żółć, Übungsleitung: M. Sc. Şahin Özdemir, Anna Größe",
            [("lecturer", "Prof. Dr. Łukasz Żółć"), ("assistant", "M. Sc. Şahin Özdemir"), ("assistant", "Anna Größe")],
        ),
        ("Lecturer: Ann Example. TAs: A Bee, Cee Dee", [("lecturer", "Ann Example"), ("assistant", "A Bee"), ("assistant", "Cee Dee")]),
        ("Instructor: X Tu | Office hours: Tue | TA: Wei Hu", [("lecturer", "X Tu"), ("assistant", "Wei Hu")]),
        ("Lecturer: Prof. Dr. Max Muster, TU Berlin", [("lecturer", "Prof. Dr. Max Muster")]),
    ],
)  # fmt: skip
def test_every_role_of_a_line_is_read(line: str, people: list[tuple[str, str]]) -> None:
    assert [(person.role, person.name) for person in find_people(SourceCell(line))] == people


@pytest.mark.parametrize(
    ("typed", "email"),
    [
        ("<maeve.o'hara@uni.example>", "maeve.o'hara@uni.example"), ("'maeve@uni.example'", "maeve@uni.example"),
        ("maeve @ uni.example.", "maeve@uni.example"), ("maeve(at)uni.example", ""), ("{maeve,ben}@uni.example", ""),
    ],
)  # fmt: skip
def test_address_of_who_teaches_is_read_whole_or_not_at_all(typed: str, email: str) -> None:
    (person, *_others) = find_people(SourceCell(f"Lecturer: Maeve O'Hara {typed}"))
    assert (person.name.startswith("Maeve O'Hara"), person.email) == (True, email)
