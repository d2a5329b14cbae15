"""Import, export and roll-over: the same course again, or nothing."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation
from hypothesis import given, settings
from hypothesis import strategies as st

from amls.agenda.models import AgendaItem
from amls.courses.models import Course
from amls.mail.models import ItemChange
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.rollover import roll_over, shift_course, term_label
from amls.portal.takeover.spec import (
    CourseFileError,
    CourseSpec,
    GradingSpec,
    LectureSpec,
    MaterialSpec,
    PartSpec,
    TopicSpec,
)
from amls.portal.takeover.toml import dump_toml, load_toml
from exams.models import ExamRules
from lectures.models import Lecture, OfficeHour
from tests.seed import PAGE, import_seed, read_page
from tests.worlds import Worlds

NOW = timezone.now()
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def course(db: None, worlds: Worlds) -> Course:
    return worlds.given("seed", import_seed)


def test_a_second_import_changes_nothing(course: Course) -> None:
    before = (
        course.revision,
        list(Lecture.objects.values_list("pk", flat=True)),
        dict(AgendaItem.objects.values_list("key", "uid")),
    )
    assert not import_course(spec=read_page(TEXT), now=NOW)
    course.refresh_from_db()
    assert (
        course.revision,
        list(Lecture.objects.values_list("pk", flat=True)),
        dict(AgendaItem.objects.values_list("key", "uid")),
    ) == before


def test_a_changed_line_moves_its_lecture_and_nothing_else(course: Course) -> None:
    pks = dict(Lecture.objects.values_list("number", "pk"))
    diff = import_course(spec=read_page(TEXT.replace("[May 30, pdf", "[May 31 (in H0111), pdf")), now=NOW)
    assert [str(entry) for entry in diff.entries] == [
        "~ Lecture 06: starts_at: 2024-05-30 16:00 → 2024-05-31 16:00",
        "~ Lecture 06: ends_at: 2024-05-30 18:00 → 2024-05-31 18:00",
        "~ Lecture 06: room: H 0107 → H 0111",
    ]
    assert dict(Lecture.objects.values_list("number", "pk")) == pks
    assert AgendaItem.objects.get(key=f"lectures.lecture:{pks['06']}").sequence == 1


def test_a_page_leaves_alone_what_it_cannot_say(course: Course) -> None:
    lecture = Lecture.objects.get(number="01")
    lecture.abstract, lecture.call_in = "Own words", "https://zoom.example.org/1"
    lecture.save()
    assert not import_course(spec=read_page(TEXT), now=NOW)
    lecture.refresh_from_db()
    assert (lecture.abstract, lecture.call_in) == ("Own words", "https://zoom.example.org/1")
    assert course.weekly_slots.get().call_in == "https://zoom.example.org/secret"


def test_what_a_page_says_of_grading_holds_for_the_exams_and_the_rest_of_their_rules_stays(course: Course) -> None:
    rules = ExamRules.objects.get(course=course)
    assert (rules.exam_percent, rules.project_is_prerequisite, rules.max_extra_points) == (100, True, Decimal(5))
    rules.needs_matriculation_number, rules.binding_name = False, "Moses"
    rules.save()
    diff = import_course(spec=read_page(TEXT.replace("up to 5 extra points", "up to 3 extra points")), now=NOW)
    assert [str(entry) for entry in diff.entries] == ["~ Exam rules: max_extra_points: 5.0 → 3"]
    said = replace(read_page(TEXT), grading=GradingSpec())
    assert not import_course(spec=said, now=NOW)
    rules.refresh_from_db()
    assert (rules.max_extra_points, rules.needs_matriculation_number, rules.binding_name) == (
        Decimal(3),
        False,
        "Moses",
    )


def test_a_link_within_another_site_is_announced_and_nothing_is_refused(course: Course) -> None:
    page = TEXT.replace("\n", "<br>\n").replace("[Jun 20]", "[Jun 20, <a href='09.pdf'>pdf</a>]")
    assert [str(entry) for entry in import_course(spec=read_page(page), now=NOW).entries] == [
        "+ Lecture 09, pdf (Slides, PDF)"
    ]
    assert Lecture.objects.get(number="09").materials.get().url == ""


def test_a_dry_run_writes_nothing(db: None) -> None:
    diff = import_course(spec=read_page(TEXT), now=NOW, dry_run=True)
    assert len(diff.entries) > 40
    assert not Course.objects.exists()


def test_an_error_in_the_middle_writes_nothing(course: Course) -> None:
    spec = read_page(TEXT)
    broken = replace(spec, title="Other", lectures=(*spec.lectures[:-1], replace(spec.lectures[-1], title="x" * 600)))
    with pytest.raises(CourseFileError, match="Lecture 12, title: Ensure this value has at most 500 characters"):
        import_course(spec=broken, now=NOW)
    course.refresh_from_db()
    assert course.title == "Architecture of Machine Learning Systems"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"slug": "admin"}, "is an address of this site"),
        ({"timezone": "Mars/Base"}, "is not a time zone"),
        ({"lectures": (LectureSpec(title="x", starts_at=datetime(2024, 3, 31, 2, 30), ends_at=datetime(2024, 3, 31, 4)),)}, "does not exist in Europe/Berlin"),
        ({"lectures": (LectureSpec(title="x", part="Z", starts_at=datetime(2024, 5, 1, 2), ends_at=datetime(2024, 5, 1, 4)),)}, "there is no part 'Z'"),
    ],
)  # fmt: skip
def test_rules_speak_and_nothing_is_written(db: None, change: dict[str, object], why: str) -> None:
    with pytest.raises(CourseFileError, match=why):
        import_course(spec=replace(CourseSpec(slug="a-course", title="A", term="SS2024"), **change), now=NOW)
    assert not Course.objects.exists()


def test_export_and_import_are_the_identity(course: Course) -> None:
    spec = export_course(course)
    text = dump_toml(spec)
    assert load_toml(text) == spec
    assert not import_course(spec=load_toml(text), now=NOW)
    import_course(spec=load_toml(text), slug="again", now=NOW)
    assert dump_toml(export_course(Course.objects.get(slug="again"))) == text.replace(
        'slug = "amls-ss2024"', 'slug = "again"'
    )


LINE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)
MOMENT = st.datetimes(datetime(2024, 4, 1), datetime(2024, 9, 30)).map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def courses(draw: st.DrawFn) -> CourseSpec:
    starts = draw(st.lists(MOMENT, max_size=4))
    lectures = tuple(
        LectureSpec(
            number=f"{number:02}", part=draw(st.sampled_from(["A", ""])), title=draw(LINE), starts_at=start,
            ends_at=start + timedelta(minutes=draw(st.integers(1, 300))), mode=draw(st.sampled_from(["in_person", "hybrid", "virtual"])),
            abstract=draw(LINE), call_in_public=draw(st.booleans()), state=draw(st.sampled_from(["planned", "cancelled"])),
            materials=draw(st.sampled_from([(), (MaterialSpec(kind="pdf"),), (MaterialSpec(kind="mp4", url="https://x.example.org/a"), MaterialSpec(kind="other", title="Code"))])),
        )
        for number, start in enumerate(sorted(starts))
    )  # fmt: skip
    topics = draw(st.lists(LINE, max_size=2, unique=True))
    return CourseSpec(
        slug="generated", title=draw(LINE), term="SS2024", codes=tuple(draw(st.lists(LINE, max_size=2))), description=draw(LINE),
        parts=(PartSpec(letter="A", title=draw(LINE)),), lectures=lectures,
        topics=tuple(TopicSpec(track="DAPHNE", title=title, skills=(title[:20],), slots=2) for title in topics),
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(spec=courses())
def test_any_course_survives_its_file(spec: CourseSpec) -> None:
    text = dump_toml(spec)
    assert load_toml(text) == spec
    assert dump_toml(load_toml(text)) == text


@pytest.mark.django_db(transaction=True)
@settings(max_examples=15, deadline=None)
@given(spec=courses())
def test_any_course_survives_the_database(spec: CourseSpec) -> None:
    import_course(spec=spec, now=NOW)
    course = Course.objects.get(slug="generated")
    try:
        exported = export_course(course)
        assert not import_course(spec=exported, now=NOW)
        import_course(spec=exported, slug="copy", now=NOW)
        assert export_course(Course.objects.get(slug="copy")) == replace(exported, slug="copy")
    finally:
        Course.objects.all().delete()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("format = 2\n[course]", "format = 1 must stand at the top"),
        ("format = 1\n[course\n", "not valid TOML"),
        ('format = 1\n[course]\nslug="a"\ntitle="b"\nterm="c"\ncolour="red"', "line 6: course.colour is not known"),
        ('format = 1\n[course]\nslug="a"\ntitle=5\nterm="c"', "line 4: course.title must be text in quotes, found 5"),
        ('format = 1\n[course]\nslug="a"\ntitle="b"', "course.term is missing"),
        ('format = 1\n[course]\nslug="a"\ntitle="b"\nterm="c"\n[[lectures]]\ntitle="x"\nstarts_at="soon"\n', r"line 8: lectures\[0\].starts_at must be a date and time"),
        ('format = 1\nfood=1\n[course]\nslug="a"\ntitle="b"\nterm="c"', "food is not a part of a course file"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_where_and_why(text: str, why: str) -> None:
    with pytest.raises(CourseFileError, match=r"[\s\S]*" + why):
        load_toml(text)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("title = \u201eGrößen\u201c", 'line 3: write straight quotes, "…", instead of curly ones'),
        ("title = \u201cGrößen\u201d", 'line 3: write straight quotes, "…", instead of curly ones'),
        ("kinds = [\u00bbVL\u00ab]", 'line 3: write straight quotes, "…", instead of curly ones'),
        ("first_day = 18.10.2026", "line 3: write 2026-10-18 instead of 18.10.2026."),
        ("starts_at = 11.01.2027 10:15", "line 3: write 2027-01-11T10:15:00 instead of 11.01.2027 10:15."),
        ("starts_at = 1.2.27, 9.05 Uhr", "line 3: write 2027-02-01T09:05:00 instead of 1.2.27, 9.05."),
    ],
)
def test_what_word_processors_and_germans_write_in_a_course_file_is_told_with_what_to_write(
    line: str, why: str
) -> None:
    with pytest.raises(CourseFileError) as caught:
        load_toml(f"format = 1\n[course]\n{line}\n")
    assert caught.value.problems[0].startswith(why)
    assert caught.value.problems[1].startswith("This is not valid TOML")


def test_curly_quotes_within_a_text_are_nothing_wrong() -> None:
    with pytest.raises(CourseFileError) as caught:
        load_toml('format = 1\n[course]\ntitle = "\u201eGrößen\u201c" x\n')
    assert [problem[:22] for problem in caught.value.problems] == ["This is not valid TOML"]


def test_a_file_with_a_former_address_is_told_the_address_that_the_course_has(course: Course) -> None:
    spec = export_course(course)
    slug = course.slug
    course.slug = "moved-2027"
    course.save()
    with pytest.raises(CourseFileError) as caught:
        import_course(spec=spec, now=NOW)
    assert caught.value.problems == [
        (
            f"'{slug}' is a former address of '{course}', whose address is 'moved-2027'. Write slug = \"moved-2027\" to "
            "change that course, or an address that no course had."
        )
    ]
    assert not import_course(spec=replace(spec, slug="moved-2027"), now=NOW)


def test_two_office_hours_of_one_day_survive_the_file_and_the_term(course: Course) -> None:
    first = course.office_hours.get()
    second = OfficeHour.objects.create(course=course, weekday=first.weekday, start=time(8), end=time(9), room="H 1")
    pks = dict(course.office_hours.values_list("start", "pk"))
    spec = export_course(course)
    assert not import_course(spec=spec, now=NOW)
    assert dict(course.office_hours.values_list("start", "pk")) == pks
    # One that is held at another time stays the same, and the other is left alone.
    moved = replace(spec, office_hours=tuple(
        replace(hour, start=time(7)) if hour.start == time(8) else hour for hour in spec.office_hours
    ))  # fmt: skip
    import_course(spec=moved, now=NOW)
    assert dict(course.office_hours.values_list("start", "pk")) == {first.start: first.pk, time(7): second.pk}
    diff = roll_over(course=course, new_slug="next", start=date(2025, 4, 15), skip=(), now=NOW, dry_run=True)
    said = [line for line in map(str, diff.entries) if "Office hour Tuesday (" in line]
    assert said == [
        "+ Office hour Tuesday (Tuesday, 07:00–09:00, H 1)", "+ Office hour Tuesday (Tuesday, 16:00–17:30, Tue 22 Apr 2025, TEL 0811)",
    ]  # fmt: skip


def test_a_new_term_keeps_weekdays_and_clocks_and_skips_holidays(course: Course) -> None:
    roll_over(course=course, new_slug="next", start=date(2025, 10, 13), skip=[date(2025, 10, 30)], now=NOW)
    new = Course.objects.get(slug="next")
    zone = new.zone
    assert (new.term, new.state) == ("WS2025/26", "draft")
    moments = [lecture.starts_at.astimezone(zone) for lecture in new.lectures.order_by("starts_at")]
    assert [at.strftime("%a %d %b %H:%M") for at in moments][:5] == [
        "Thu 16 Oct 16:00", "Thu 23 Oct 16:00", "Thu 06 Nov 16:00", "Thu 20 Nov 16:00", "Tue 25 Nov 16:00",
    ]  # fmt: skip
    # After the clocks went back 16:00 in Berlin is 15:00 UTC.
    assert moments[2].astimezone(UTC).hour == 15
    assert not any(material.current_id for lecture in new.lectures.all() for material in lecture.materials.all())
    assert new.assignments.get().due_at.astimezone(zone).strftime("%a %H:%M") == "Mon 23:59"
    with pytest.raises(CourseFileError, match="taken by another course"):
        roll_over(course=course, new_slug="next", start=date(2025, 10, 13), now=NOW)


def test_the_preview_of_a_new_term_names_its_dates(course: Course) -> None:
    free = [date(2025, 4, 22), date(2025, 7, 7)]
    diff = roll_over(course=course, new_slug="next", start=date(2025, 4, 14), skip=free, now=NOW, dry_run=True)
    lines = [str(entry) for entry in diff.entries]
    assert "+ Lecture 05 (05 Data- and Task-Parallel Execution, Tue 20 May 2025, 16:00–18:00, H 0111)" in lines
    assert "+ Exam 2025-07-17 (Written exam, Thu 17 Jul 2025, 16:00–17:30)" in lines
    assert "+ Projects (Mon 7 Jul 2025, 23:59)" in lines
    assert "+ Office hour Tuesday 2025-04-22 (cancelled)" in lines
    assert diff.warnings[:2] == [
        "Project submission deadline: Mon 7 Jul 2025 is a day without teaching. Look whether the date can stay.",
        "The new term begins in the past: Thu 17 Apr 2025. Look at the year.",
    ]
    assert "Off the weekly slot as in the old term: Lecture 05 (Tue 20 May 2025, 16:00)" in diff.warnings[2]
    assert not Course.objects.filter(slug="next").exists()


def test_days_of_a_preview_are_written_as_on_pages(course: Course) -> None:
    page = TEXT.replace("[Jun 20]", "[Jun 21]")
    with translation.override("de"):
        (entry, _end) = import_course(spec=read_page(page), now=NOW).entries
    assert (entry.before, entry.after) == ("Do 20. Juni 2024, 16:00", "Fr 21. Juni 2024, 16:00")


def test_what_an_import_says_is_in_the_readers_language(course: Course) -> None:
    page = TEXT.replace("[Jun 20]", "[Jun 20, virtual only]")
    with translation.override("de"):
        with pytest.raises(CourseFileError, match=r"[\s\S]*Zeile 2: „Feb 30“ gibt es 2024 nicht: • 01 X \[Feb 30\]"):
            read_page("Data Systems SS2024\n• 01 X [Feb 30]\n")
        entries = import_course(spec=read_page(page), now=NOW).entries
    assert [(entry.what, entry.name, entry.before, entry.after) for entry in entries] == [
        ("Vorlesung 09", "Raum", "H 0107", ""),
        ("Vorlesung 09", "Form", "In Präsenz und online", "Nur online"),
    ]


@pytest.mark.parametrize(
    ("old", "first", "label"),
    [
        ("SS2024", date(2025, 4, 17), "SS2025"), ("SS2024", date(2025, 10, 16), "WS2025/26"), ("WS2024", date(2025, 10, 16), "WS2025"),
        ("WS 26/27", date(2027, 10, 20), "WS 27/28"), ("WS 2026/2027", date(2027, 4, 14), "SS 2027"), ("ss26", date(2026, 10, 12), "ws26/27"),
        ("Wintersemester 2026/27", date(2027, 10, 20), "Wintersemester 2027/28"), ("Wintersemester 2026/27", date(2027, 4, 14), "Sommersemester 2027"),
        ("Sommersemester 2026", date(2027, 10, 20), "Wintersemester 2027/28"), ("WINTERSEMESTER 2026/27", date(2027, 4, 14), "SOMMERSEMESTER 2027"),
        ("WiSe 2026/2027", date(2027, 10, 20), "WiSe 2027/2028"), ("WiSe 26/27", date(2027, 4, 14), "SoSe 27"), ("SoSe 26", date(2026, 10, 14), "WiSe 26/27"),
        ("Winter term 2026/27", date(2027, 10, 20), "Winter term 2027/28"), ("Winter term 2026–27", date(2027, 4, 14), "Summer term 2027"),
        ("Summer 2024", date(2026, 4, 1), "Summer 2026"), ("Summer term 2026", date(2026, 10, 14), "Winter term 2026/27"),
        # What begins in January or February is the end of a winter term, but the spring term of that year.
        ("WS2024/25", date(2026, 1, 12), "WS2025/26"), ("Spring 2025", date(2026, 1, 12), "Spring 2026"),
        ("Fall 2022", date(2023, 9, 5), "Fall 2023"), ("Fall 2023", date(2024, 8, 26), "Fall 2024"), ("HS2024", date(2025, 2, 17), "FS2025"),
        ("Herbstsemester 2024", date(2025, 2, 17), "Frühjahrssemester 2025"), ("2024 WS", date(2025, 4, 14), "2025 SS"),
        ("Q1 2024", date(2025, 10, 13), "WS2025/26"), ("", date(2025, 4, 14), "SS2025"),
    ],
)  # fmt: skip
def test_the_new_term_is_named_in_the_old_manner(old: str, first: date, label: str) -> None:
    assert term_label(old, first) == label


def test_lectures_keep_their_order_whatever_is_skipped(course: Course) -> None:
    spec = export_course(course)
    skip = [date(2025, 4, 14) + timedelta(days=days) for days in range(30) if days % 3]
    shifted = shift_course(spec, new_slug="x", start=date(2025, 4, 14), skip=skip)
    assert [lecture.title for lecture in sorted(shifted.lectures, key=lambda lecture: str(lecture.starts_at))] == [
        lecture.title for lecture in spec.lectures
    ]
    assert not {lecture.starts_at.date() for lecture in shifted.lectures} & set(skip)


def test_the_commands_say_what_they_do(db: None, tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("import_course", str(PAGE), dry_run=True, stdout=out)
    assert "this was a dry run" in out.getvalue()
    assert not Course.objects.exists()
    call_command("import_course", str(PAGE), stdout=out)
    out = io.StringIO()
    call_command("import_course", str(PAGE), stdout=out)
    assert out.getvalue() == "Nothing changes.\n"
    out = io.StringIO()
    call_command("export_course", "amls-ss2024", stdout=out)
    assert load_toml(out.getvalue()).title == "Architecture of Machine Learning Systems"
    call_command("roll_over", "amls-ss2024", "amls-ss2025", start=date(2025, 4, 14), stdout=out)
    assert Course.objects.get(slug="amls-ss2025").lectures.count() == 12
    file = tmp_path / "course.toml"
    call_command("export_course", "amls-ss2024", stdout=file.open("w"))
    with pytest.raises(CommandError, match="--term, --slot, --json can't be given with"):
        call_command("import_course", str(file), "--term=SS2025", "--slot=monday 10-12", "--json")
    call_command("roll_over", "amls-ss2024", "amls-ss2027", "--start=2027-04-12", "--skip=2027-04-15", "--skip", "2027-04-22", "2027-04-29")  # fmt: skip
    starts = Lecture.objects.filter(course__slug="amls-ss2027").values_list("starts_at", flat=True)
    assert {f"{at:%m-%d}" for at in starts if at} & {"04-15", "04-22", "04-29"} == set()
    assert min(at for at in starts if at).date() == date(2027, 5, 6)
    bad = tmp_path / "bad.txt"
    bad.write_text("Data SS2024\n• 01 X [Feb 30]\n• 02 Y [Apr 31]\n")
    with pytest.raises(CommandError, match=r"Nothing was written[\s\S]*Line 3"):
        call_command("import_course", str(bad))
    with pytest.raises(CommandError, match="There is no course 'nowhere'"):
        call_command("export_course", "nowhere")
    with pytest.raises(CommandError, match=r"argument --start: '14\.4\.2025' is no day such as 2027-04-12"):
        call_command("roll_over", "amls-ss2024", "amls-ss2026", "--start=14.4.2025")


def test_sessions_that_are_taken_out_and_put_back_keep_their_identity(course: Course) -> None:
    Course.objects.filter(pk=course.pk).update(state="running")
    full = export_course(Course.objects.get(pk=course.pk))
    items = AgendaItem.objects.base().filter(course=course)
    before = {(item.title, item.starts_at): (item.uid, item.status) for item in items.present()}
    count = items.count()
    assert len(full.lectures) > 5
    import_course(spec=replace(full, lectures=full.lectures[:2]), now=NOW)
    assert items.filter(is_removed=True).exists()
    import_course(spec=full, now=NOW + timedelta(seconds=40))
    assert {(item.title, item.starts_at): (item.uid, item.status) for item in items.present()} == before
    assert items.count() == count
    assert not ItemChange.objects.pending().exists()
