"""How a course is used, in numbers without persons."""

from datetime import UTC, date, datetime, timedelta

import pytest

from amls.agenda.models import FeedToken, FeedUse
from amls.core.clock import database_clock
from amls.courses.models import Enrolment
from amls.portal.demo.slides import recording
from lectures.models import Lecture, Material, MaterialCount
from tests.cast import Cast
from tests.factories import LectureFactory
from tests.lectures.files import pdf, put
from tests.markup import shows

pytestmark = pytest.mark.django_db
DECK = pdf(["Parameter servers"])


@pytest.fixture
def lecture(cast: Cast) -> Lecture:
    lecture = LectureFactory.create(course=cast.course, number="06", title="Parameter Servers")
    put(lecture, "pdf", "06.pdf", DECK)
    put(lecture, "mp4", "06.mp4", recording("05") or b"")
    return lecture


def material(kind: str) -> Material:
    return Material.objects.get(kind=kind)


# At noon of a Wednesday; and in the first hour of a Monday in Berlin, whose uses are still counted on the day before.
@pytest.mark.parametrize(
    ("now", "week"), [(datetime(2026, 6, 10, 10, tzinfo=UTC), -1), (datetime(2026, 11, 29, 23, 40, tzinfo=UTC), -2)]
)
def test_stats_show_numbers_as_plots_and_tables(
    cast: Cast, lecture: Lecture, now: datetime, week: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_clock, "now", lambda: now)
    MaterialCount.objects.create(material=material("pdf"), day=now.date(), use="downloaded", count=40)
    MaterialCount.objects.create(material=material("mp4"), day=now.date(), use="watched", count=10)
    other = LectureFactory.create(course=cast.other_course)
    MaterialCount.objects.create(material=put(other, "pdf", "a.pdf", DECK).material, day=now.date(), use="downloaded", count=999)  # fmt: skip
    for enrolment, client in ((cast.student, "Thunderbird"), (cast.other_student, "Thunderbird"), (cast.assistant, "Google Calendar")):  # fmt: skip
        FeedToken.objects.update_or_create(
            enrolment=enrolment, defaults={"last_fetched_at": now, "last_client": client}
        )
    FeedToken.objects.update_or_create(enrolment=cast.lecturer, defaults={"last_fetched_at": now - timedelta(days=31), "last_client": "khal"})  # fmt: skip
    for days, client, count in ((1, "Outlook", 30), (2, "Outlook", 25), (31, "Outlook", 99), (1, "?", 15)):
        FeedUse.objects.create(
            course=cast.course, day=now.date() - timedelta(days=days), client=client, count=count
        )  # fmt: skip
    answer = cast.client("lecturer").get("/amls/staff/stats/")
    plots = {plot.name: [(bar.label, bar.value, bar.width) for bar in plot.bars] for plot in answer.context["plots"]}
    assert plots["downloads"] == [("06", 40, 100)]
    assert plots["watched"] == [("06", 10, 100)]
    assert plots["clients"] == [("Thunderbird", 2, 100), ("Google Calendar", 1, 50)]
    assert plots["public-clients"] == [("Outlook", 30, 100), ("unknown", 15, 50)]
    assert [value for _label, value, _width in plots["weeks"]][week] == 50
    text = answer.content.decode()
    assert '<rect width="100.0%" height="20" rx="3"></rect>' in text
    # No scale: letters have their own size, whatever the width.
    assert '<svg class="plot plot-rows" width="100%"' in text
    assert shows(text, '<th scope="row">06 Parameter Servers</th><td class="num">40</td>')
    assert "style=" not in text
    for enrolment in Enrolment.objects.filter(course=cast.course, role="student"):
        assert str(enrolment.user) not in text


def test_stats_of_a_course_that_is_over_end_with_its_last_use(cast: Cast, lecture: Lecture) -> None:
    MaterialCount.objects.create(material=material("pdf"), day=date(2024, 7, 12), use="downloaded", count=7)
    answer = cast.client("lecturer").get("/amls/staff/stats/")
    weeks = next(plot for plot in answer.context["plots"] if plot.name == "weeks")
    assert [(bar.label, bar.title, bar.value) for bar in weeks.bars[-2:]] == [
        ("1 Jul", "Week from Mon 1 Jul 2024", 0),
        ("8 Jul", "Week from Mon 8 Jul 2024", 7),
    ]
    assert len(weeks.bars) == 16
