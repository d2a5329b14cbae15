"""A key is replaced: what the old one sealed is valid as long as it stands in SECRET_KEY_FALLBACKS, and no longer."""

from collections.abc import Callable

import pytest
from django.conf import settings as live
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.tokens import is_valid, make_token
from amls.core.keyprint import is_key_known, note_key
from amls.core.models import KeyPrint
from amls.core.seals import seal_of
from amls.mail.sealing import UnreadableSealError, seal, unseal
from amls.mail.tokens import Subscription, read_token, unsubscribe_url
from amls.portal.management.commands.serve import Command as Serve
from exams.models import HelperLink
from exams.permissions import find_by_slip, find_helper, helper_token, slip_code
from exams.services.registration import staff_register
from projects.receipts import receipt_code, submission_pk_of
from tests.cast import Cast
from tests.factories import OpenExamFactory

OLD, NEW = "o" * 30 + "ld key of the installation", "n" * 30 + "ew key of the installation"


def kept(make: Callable[[], str], counts: Callable[[str], bool], settings: Settings) -> None:
    """Assert that what `make` gives counts after a rotation, and neither with a stranger's key nor without the old one."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    old = make()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert counts(old)
    assert make() != old
    assert counts(make())
    settings.SECRET_KEY_FALLBACKS = ["somebody else's"]
    assert not counts(old)


def test_receipts_hold(settings: Settings) -> None:
    kept(lambda: receipt_code(17), lambda code: submission_pk_of(code) == 17, settings)


def test_feeds_hold(settings: Settings) -> None:
    kept(lambda: make_token(17, 2), lambda token: is_valid(token, 17, 2), settings)
    assert not is_valid(make_token(17, 1), 17, 2)


def test_links_that_end_mails_hold(settings: Settings) -> None:
    wanted = Subscription(1, 2, "reminders")
    kept(lambda: unsubscribe_url(wanted).split("/")[-2], lambda token: read_token(token) == wanted, settings)


def test_codes_that_wait_in_the_outbox_can_be_read(settings: Settings) -> None:
    def counts(text: str) -> bool:
        try:
            return unseal(text) == {"code": "Größe"}
        except UnreadableSealError:
            return False

    kept(lambda: seal({"code": "Größe"}), counts, settings)


@pytest.mark.django_db
def test_slips_and_helpers_links_hold(settings: Settings, cast: Cast) -> None:
    now = timezone.now()
    exam = OpenExamFactory.create(course=cast.course)
    registration = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=now)
    link = HelperLink.objects.create(exam=exam, name="Şahin", created_at=now)
    kept(lambda: slip_code(registration.pk, exam.pk), lambda code: find_by_slip(code, exam) == registration, settings)
    kept(lambda: helper_token(link), lambda token: find_helper(token, exam) == link, settings)


def test_what_was_sealed_before_there_were_fallbacks_is_what_is_sealed_now(settings: Settings) -> None:
    settings.SECRET_KEY = OLD
    assert live.SECRET_KEY_FALLBACKS == []
    assert receipt_code(17) == "17-OV6E-HDUQ-PFBO-BFMN"
    assert make_token(17, 2) == "17-uIIDZqjYdS3vSHJlLj4alzovxthqI3jw"
    assert len(seal_of("salt", "value")) == 32


@pytest.mark.django_db
def test_a_key_that_the_database_does_not_know_is_said(settings: Settings, client: Client) -> None:
    now = timezone.now()
    settings.SECRET_KEY = OLD
    # Before the first one nothing is known.
    assert is_key_known()
    assert note_key(now=now)
    settings.SECRET_KEY = NEW
    assert not is_key_known()
    assert not note_key(now=now)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]["key"].startswith("Key: another one than")) == (503, True)
    with pytest.raises(CommandError, match="SECRET_KEY is another one than this database was written with"):
        Serve()._prepare(with_demo=False)
    # Replaced in order: from then on the new one vouches for itself.
    settings.SECRET_KEY_FALLBACKS = [OLD]
    assert note_key(now=now)
    settings.SECRET_KEY_FALLBACKS = []
    assert is_key_known()
    assert OLD not in "".join(KeyPrint.objects.values_list("digest", flat=True))
