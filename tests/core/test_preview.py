"""What is shown before it is done."""

import pytest
from django.test import override_settings

from amls.core.preview import preview_of, seal_of_shown, without_trace
from amls.courses.models import Course
from tests.factories import CourseFactory


def test_only_the_very_thing_that_was_shown_is_agreed_to() -> None:
    shown = preview_of({}, ("H 0107", "H 0111"))
    assert (shown.is_agreed, shown.is_other) == (False, False)
    sent = {"_agreed": "1", "_shown": shown.seal}
    same = preview_of(sent, ("H 0107", "H 0111"))
    assert (same.is_agreed, same.is_other) == (True, False)
    other = preview_of(sent, ("EB 301", "H 0111"))
    assert (other.is_agreed, other.is_other) == (False, True)
    assert other.seal != shown.seal


@pytest.mark.parametrize("seal", ["", "x", "Größe", "0" * 32, "\0"])
def test_nobody_agrees_to_what_they_have_not_seen(seal: str) -> None:
    unseen = preview_of({"_agreed": "1", "_shown": seal}, "what is done")
    assert (unseen.is_agreed, unseen.is_other) == (False, True)
    assert preview_of({"_shown": seal_of_shown("what is done")}, "what is done").is_agreed is False


def test_a_seal_cannot_be_made_up_elsewhere() -> None:
    with override_settings(SECRET_KEY="another"):
        foreign = seal_of_shown("what is done")
    assert foreign != seal_of_shown("what is done")


@pytest.mark.django_db
def test_what_is_tried_leaves_no_trace() -> None:
    assert without_trace(CourseFactory.create).pk
    assert not Course.objects.exists()
