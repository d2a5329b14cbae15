"""A rule says what is there, what is missing, and what would be enough, in both languages."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import override
from hypothesis import given

from amls.grading.facts import Facts, Piece, RollEntries
from amls.grading.points import WorkState
from amls.grading.tree import AllBlock, AnyBlock, Block, EarlierBlock, EntriesBlock, PassedBlock, PointsBlock
from amls.grading.words import findings_of
from tests.grading.test_rules import BLOCKS, known


def sheets(*works: Decimal | str) -> Mapping[int, Piece]:
    """Sheets of 30 points each: with so many points, or in this state."""
    return {
        key: Piece(
            key=key,
            title=f"Sheet {key}",
            most=Decimal(30),
            state=WorkState(work) if isinstance(work, str) else WorkState.GRADED,
            points=None if isinstance(work, str) else work,
            is_passed=None if isinstance(work, str) else work > 14,
            path=f"/amls/assignments/{key}/",
        )
        for key, work in enumerate(works, 1)
    }


D = Decimal
HALF_OF_ALL = PointsBlock()
CASES: list[tuple[Block, dict[str, Any], str, str]] = [
    (
        HALF_OF_ALL,
        {"pieces": sheets(D("20.5"), D("21.5"), "open", "waiting")},
        "At least 50 % of all points: 42 of 120 points, 60 are needed. 18 more points in 2 assignments would be enough.",
        "Mindestens 50 % aller Punkte: 42 von 120 Punkten, 60 sind nötig. Es würden 18 weitere Punkte in 2 Aufgaben genügen.",
    ),
    (
        HALF_OF_ALL,
        {"pieces": sheets(D(0), "missing", D("14.75"), "open")},
        "At least 50 % of all points: 14.75 of 120 points, 60 are needed. That can't be reached any more.",
        "Mindestens 50 % aller Punkte: 14,75 von 120 Punkten, 60 sind nötig. Das ist nicht mehr zu erreichen.",
    ),
    (
        HALF_OF_ALL,
        {"pieces": sheets(D(15), "excused")},
        "At least 50 % of all points: 15 of 30 points",
        "Mindestens 50 % aller Punkte: 15 von 30 Punkten",
    ),
    (
        PointsBlock((1, 2, 3), D("62.5"), leave_out=1),
        {"pieces": sheets(D(18), D(0), "open")},
        ("At least 62.5 % of the points of Sheet 1, Sheet 2 and Sheet 3, without the weakest: "
        "18 of 60 points, 37.5 are needed. Needed: at least 19.5 more points; 1 assignment is still to come or not graded."),
        ("Mindestens 62,5 % der Punkte von Sheet 1, Sheet 2 und Sheet 3, ohne die schwächste: "
        "18 von 60 Punkten, 37,5 sind nötig. Nötig: mindestens 19,5 weitere Punkte; "
        "1 Aufgabe kommt noch oder ist nicht bewertet."),
    ),
    (
        PointsBlock((), D(50), halves=True),
        {"pieces": sheets(D(20), D(10), "missing", "open")},
        ("At least 50 % of all points, in each half: first half: 30 of 60 points; "
        "second half: 0 of 60 points, 30 are needed. 30 more points in 1 assignment would be enough."),
        ("Mindestens 50 % aller Punkte, in jeder Hälfte: erste Hälfte: 30 von 60 Punkten; "
        "zweite Hälfte: 0 von 60 Punkten, 30 sind nötig. Es würden 30 weitere Punkte in 1 Aufgabe genügen."),
    ),
    (
        AnyBlock((PassedBlock((), 2), EntriesBlock(7, 10), EarlierBlock())),
        {"pieces": sheets(D(15), "open"), "rolls": {7: RollEntries(key=7, title="Tutorial", entered=4, excused=1, left=2)}},
        ("One of: … At least 2 assignments passed: 1 of 2 · ✗ Tutorial: at least 10 times: 5 of 10 (1 of them excused). "
        "That can't be reached any more. · ✗ Passed in an earlier term: no"),
        ("Eines von: … Mindestens 2 Aufgaben bestanden: 1 von 2 · ✗ Tutorial: mindestens 10-mal: 5 von 10 "
        "(1 davon entschuldigt). Das ist nicht mehr zu erreichen. · ✗ In einem früheren Semester bestanden: nein"),
    ),
    (
        HALF_OF_ALL,
        {},
        "At least 50 % of all points: there is nothing yet that counts for it",
        "Mindestens 50 % aller Punkte: es gibt noch nichts, was dafür zählt",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("block", "known_of", "english", "german"), CASES)
def test_it_says_what_is_there_and_what_is_missing(
    block: Block, known_of: dict[str, Any], english: str, german: str
) -> None:
    said = []
    for language in ("en", "de"):
        with override(language):
            said.append(str(findings_of(AllBlock((block,)), Facts(**known_of))[0].text))
    assert said == [english, german]


def test_each_part_is_a_finding_of_its_own_that_leads_to_what_is_open() -> None:
    rule = AllBlock((HALF_OF_ALL, PassedBlock((1,), 1), EarlierBlock()))
    findings = findings_of(rule, Facts(pieces=sheets(D(20), "open"), earlier_term="SS2023"))
    assert [(finding.verdict.value, finding.path, finding.gauge and (finding.gauge.have, finding.gauge.need, finding.gauge.most)) for finding in findings] == [
        ("pending", "/amls/assignments/2/", (20, 30, 60)),
        ("met", "", (1, 1, 1)),
        ("met", "", None),
    ]  # fmt: skip


@given(BLOCKS, known())
def test_whatever_a_rule_is_it_can_be_said(block: Block, facts: Facts) -> None:
    for language in ("en", "de"):
        with override(language):
            for finding in findings_of(AllBlock((block,)), facts):
                assert finding.text
                assert "%(" not in finding.text


@pytest.mark.parametrize(
    ("block", "known_of", "english", "german"),
    [
        (CASES[0][0], CASES[0][1], "42 of 120 points, 60 are needed", "42 von 120 Punkten, 60 sind nötig"),
        (
            CASES[4][0], CASES[4][1], "first half: 30 of 60 points; second half: 0 of 60 points, 30 are needed",
            "erste Hälfte: 30 von 60 Punkten; zweite Hälfte: 0 von 60 Punkten, 30 sind nötig",
        ),
        (
            CASES[5][0], CASES[5][1],
            "One of: At least 2 assignments passed: 1 of 2 · Tutorial: 5 of 10 · Passed in an earlier term: no",
            None,
        ),
    ],
)  # fmt: skip
def test_a_list_of_many_says_what_is_there_and_no_forecast(
    block: Block, known_of: dict[str, Any], english: str, german: str | None
) -> None:
    (finding,) = findings_of(AllBlock((block,)), Facts(**known_of))
    said = {}
    for language in ("en", "de"):
        with override(language):
            said[language] = finding.for_list
    assert said["en"] == english
    assert german in (None, said["de"])
