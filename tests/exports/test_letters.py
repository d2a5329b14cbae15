"""Names of the world on paper: every PDF prints the letters that a name has, and says so where it can't."""

import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from amls.courses.models import Course, Enrolment
from amls.exports import pdf
from amls.exports.kinds import PDF, kinds
from amls.exports.models import Export
from amls.exports.services import make_order
from amls.portal.gradebook.standings import BookQuery
from exams.models import Exam, Room
from exams.services.registration import staff_register
from exams.services.seating import assign_seats
from projects.models import Submission, SubmissionFile
from projects.services.teams import register_team
from tests.cast import Cast
from tests.exports.test_documents import content_of, make
from tests.factories import (
    AssignmentFactory,
    EnrolmentFactory,
    ExamFactory,
    LectureFactory,
    StaffMemberFactory,
    TopicFactory,
)

pytestmark = pytest.mark.django_db

# Forty of 27 scripts. Those from right to left stand at the end: see `holds`.
NAMES = (
    "Łukasz Żółć", "Şahin Öğüş", "Ștefan Țâțu", "Nguyễn Thị Hồng", "Þórður Æsir", "Größe Weiß", "Ōtsuka Ǯuŋŋá",
    "Ṣọlá Adéṣínà", "Ḥasan Ẓāhir", "Γιώργος Παπαδόπουλος", "Ἀριστοτέλης", "Юлия Їжакевич", "Ђорђе Љубић", "Қасым Әлия",
    "山田太郎", "王小明", "𠮷田 茂", "みどり さくら", "カズヤ", "김철수", "यशवन्त श्रीनिवास", "সুমন রহমান", "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ",
    "ગાંધી મોહન", "தமிழ்ச்செல்வி", "లక్ష్మీ నారాయణ", "ಕೃಷ್ಣಮೂರ್ತಿ", "ശ്രീകുമാർ", "ලංකා සිරිසේන", "สมชาย ใจดี", "ສົມສັກ ພົມມະ",
    "မောင်မောင်", "Գարեգին Սարգսյան", "გიორგი ბერიძე", "አበበ በቂላ", "ᏣᎳᎩ", "ⵎⴰⵙⵉⵏⵉⵙⵙⴰ", "محمد الأمين", "فرهاد محمدی", "דוד כהן",
)  # fmt: skip
LONG = "Maria Theresia " + "Wolfeschlegelsteinhausenbergerdorff" * 3 + " von und zu der Größten Ōtsuka"


def letters_of(text: str) -> str:
    """Return what is left without blanks and marks of direction, composed: programs put those where they like."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(
        character for character in composed if not character.isspace() and unicodedata.category(character) != "Cf"
    )


def text_of(path: Path) -> str:
    return subprocess.run(["pdftotext", "-raw", path, "-"], check=True, capture_output=True, text=True).stdout


def holds(text: str, name: str) -> bool:
    """Return whether a text has a name: letter by letter in its order.

    From right to left it is word by word, each with all of its letters: pdftotext turns words of a line and the two
    letters of a ligature around.
    """
    if unicodedata.bidirectional(name[0]) not in ("R", "AL"):
        return letters_of(name) in letters_of(text)
    words = [Counter(letters_of(word)) for word in text.split()]
    return all(Counter(letters_of(word)) in words for word in name.split())


def lost(texts: list[str], names: tuple[str, ...] = NAMES) -> list[str]:
    return [name for name in names if not any(holds(text, name) for text in texts)]


@pytest.fixture
def people(cast: Cast) -> list[Enrolment]:
    """Forty students with these names."""
    return [
        EnrolmentFactory.create(
            course=cast.course, user__email=f"p{index}@example.org", user__display_name=name,
            user__matriculation_number=f"{500000 + index}",
        )
        for index, name in enumerate(NAMES)
    ]  # fmt: skip


@pytest.fixture
def exam(cast: Cast, people: list[Enrolment]) -> Exam:
    now = timezone.now()
    written_exam = ExamFactory.create(course=cast.course, starts_at=now + timedelta(days=20), capacity=60)
    Room.objects.create(exam=written_exam, name="Zał 山", rows=10, seats_per_row=12)
    for person in people:
        staff_register(enrolment=person, exam_pk=written_exam.pk, reason="By hand", now=now)
    assign_seats(exam_pk=written_exam.pk, order="name", now=now)
    return written_exam


def of_exam(cast: Cast, kind: str, exam: Exam) -> Export:
    return make(cast.course, kind, user=cast.lecturer.user, exam=exam.pk)


def of_course(course: Course) -> Iterator[Export]:
    """Make what names nobody but what the staff type: there these names are titles and people to ask."""
    for name in NAMES:
        TopicFactory.create(course=course, title=name)
        LectureFactory.create(course=course, title=name)
        StaffMemberFactory.create(course=course, name=name)
    for kind in ("projects.topics", "portal.schedule", "portal.schedule-long"):
        yield make(course, kind)


def receipt_for(cast: Cast, enrolment: Enrolment, filename: str) -> Export:
    now = timezone.now()
    topic = TopicFactory.create(course=cast.course, slots=3)
    project = register_team(enrolment=enrolment, topic=topic, now=now)
    row = Submission.objects.create(
        project=project, attempt=1, submitted_by=enrolment, began_at=now, received_at=now + timedelta(seconds=4)
    )
    SubmissionFile.objects.create(
        submission=row, file="x", filename=filename, content_type="application/pdf", size=447, sha256="ab" * 32
    )
    return make(cast.course, "projects.receipt", user=enrolment.user, submission=row.pk)


def test_every_pdf_prints_the_letters_that_a_name_has(
    cast: Cast, exam: Exam, people: list[Enrolment], tmp_path: Path, complaints: list[str]
) -> None:
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    made = [of_exam(cast, kind, exam) for kind in ("exams.door", "exams.seats", "exams.attendees")]
    # Minutes of those who sit a written exam, too: they are printed where an exam is called an oral one.
    made.append(of_exam(cast, "exams.minutes", exam))
    made.append(make(cast.course, "portal.gradebook", user=cast.lecturer.user, **BookQuery().parameters()))
    # A slip and a receipt are one person's: ten names at a time.
    alone: dict[str, list[Export]] = {"exams.slip": [], "projects.receipt": []}
    for index in range(0, len(NAMES), 10):
        user = people[index].user
        user.display_name = " · ".join(NAMES[index : index + 10])
        user.save()
        held = exam.registrations.get(enrolment=people[index])
        alone["exams.slip"].append(make(cast.course, "exams.slip", user=user, registration=held.pk))
        alone["projects.receipt"].append(receipt_for(cast, people[index], f"{NAMES[index]}.pdf"))
    made += of_course(cast.course)
    # Who comes when is printed of oral exams alone.
    Exam.objects.filter(pk=exam.pk).update(kind="oral")
    made.append(of_exam(cast, "exams.day-plan", Exam.objects.get(pk=exam.pk)))
    together = [[paper] for paper in made] + list(alone.values())
    assert {
        exports[0].kind: lost([text_of(content_of(export, tmp_path)) for export in exports]) for exports in together
    } == {kind.name: [] for kind in kinds if kind.media is PDF}
    assert {export.remark for exports in together for export in exports} == {""}
    assert complaints == []


def test_all_letters_of_latin_greek_and_cyrillic_come_from_one_font(cast: Cast, tmp_path: Path) -> None:
    # ŉ, Ǆ and ẜ are no letters of a name: the first two are written with two.
    blocks = ((0x21, 0x17F), (0x180, 0x24F), (0x386, 0x3CE), (0x400, 0x45F), (0x1E00, 0x1EFF))
    letters = [chr(code) for first, last in blocks for code in range(first, last + 1)]
    letters = [letter for letter in letters if unicodedata.category(letter)[0] == "L" and letter not in "ŉǄẜ"]
    words = [f"{letters.index(letter)}x{letter}x" for letter in letters]
    order = make_order(kind="x", now=timezone.now(), user=None, course=cast.course)
    TopicFactory.create(course=cast.course, description="\n\n".join(words))
    path = tmp_path / "letters.pdf"
    cast.course.title = "Letters"
    path.write_bytes(
        pdf.render_pdf("projects/pdf/topics.html", {"tracks": [(" ".join(words), [])]}, title="L", order=order)
    )
    read = unicodedata.normalize("NFC", text_of(path)).split()
    assert [word for word in words if unicodedata.normalize("NFC", word) not in read] == []
    fonts = subprocess.run(["pdffonts", path], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    assert {line.split()[0].partition("+")[2] for line in fonts} == {"AMLS-Sans", "AMLS-Sans-Semi-Bold"}


def test_a_letter_that_no_font_has_is_named_to_whom_the_file_is_for(
    cast: Cast,
    exam: Exam,
    people: list[Enrolment],
    tmp_path: Path,
    complaints: list[str],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    # A private letter, as some offices' systems have them for rare names.
    user = people[0].user
    user.display_name = "Ada \U00100abc Łu \U00100abc"
    user.save()
    held = exam.registrations.get(enrolment=people[0])
    export = make(cast.course, "exams.slip", user=user, registration=held.pk)
    text = text_of(content_of(export, tmp_path))
    assert "Ada � Łu �" in text
    assert export.remark.startswith("No font on this server has these letters")
    assert "\U00100abc (U+100ABC)" in export.remark
    assert complaints == []
    client, address = cast.client("student"), f"/amls/exams/{exam.pk}/slip.pdf"
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    page = client.get(address, follow=True).content.decode()
    assert "U+100ABC" in page
    assert f"/exports/{export.pk}/retry/" in page
    # Once its name can be printed, another try gives a file without the remark, and the old one is gone.
    old = content_of(export, tmp_path)
    user.display_name = "Ada Łu"
    user.save()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/exports/{export.pk}/retry/")
    assert not old.exists()


@pytest.mark.parametrize("kind", ["exams.door", "exams.seats", "exams.attendees", "portal.gradebook"])
def test_a_name_of_150_letters_leaves_the_other_columns_alone(
    cast: Cast, exam: Exam, people: list[Enrolment], tmp_path: Path, kind: str
) -> None:
    asked = BookQuery().parameters() if kind == "portal.gradebook" else {"exam": exam.pk}
    before = columns_of(content_of(make(cast.course, kind, user=cast.lecturer.user, **asked), tmp_path))
    Export.objects.all().delete()
    assert len(LONG) == 150
    for enrolment, name in zip(people, (LONG, "W" * 150, "山" * 150), strict=False):
        enrolment.user.display_name = name
        enrolment.user.save()
    after = columns_of(content_of(make(cast.course, kind, user=cast.lecturer.user, **asked), tmp_path))
    assert after == before


def columns_of(path: Path) -> dict[str, float]:
    """Return where on the page each number of a person stands, as a whole: each is one word in one place."""
    boxes = subprocess.run(["pdftotext", "-bbox", path, "-"], check=True, capture_output=True, text=True).stdout
    places = {}
    for line in boxes.splitlines():
        word = line.partition(">")[2].partition("<")[0]
        if word.isdigit() and 500000 <= int(word) < 500000 + len(NAMES):
            places[word] = float(line.partition('xMin="')[2].partition('"')[0])
    assert len(places) == len(NAMES)
    return places
