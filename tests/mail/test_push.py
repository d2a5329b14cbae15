"""Notices on devices, against a push service of this machine that opens them with the keys of a real subscription."""

import json
import os
import ssl
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from amls.core.internet import Address
from amls.core.seals import account_code
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.mail.letters import Letter
from amls.mail.models import Notice, Push, PushDevice
from amls.mail.push.devices import MOST_DEVICES, add_device, remove_device
from amls.mail.push.keys import application_key, decoded
from amls.mail.push.queue import push_told
from amls.mail.push.sending import push_due
from amls.mail.send import deliver_due
from amls.privacy.registry import delete_account
from exams.services.registration import register, withdraw
from tests.cast import Cast
from tests.factories import OpenExamFactory
from tests.tls import make_certificate, serving

pytestmark = pytest.mark.django_db
HERE = ip_address("127.0.0.1")


def here_alone(address: Address) -> bool:
    return address == HERE


@dataclass
class Browser:
    """The half of a subscription that a browser keeps for itself, and what its push service was given for it."""

    answers: list[int] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    secret: bytes = field(default_factory=lambda: os.urandom(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    drips: bool = False

    @property
    def given(self) -> dict[str, str]:
        """What the page sends of it."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"public_key": _text(point), "secret": _text(self.secret)}


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


class PushService(BaseHTTPRequestHandler):
    """Takes messages as RFC 8030 says, and opens them as the browser would."""

    browser: Browser

    def do_POST(self) -> None:
        """Take one."""
        browser = type(self).browser
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = browser.answers.pop(0) if browser.answers else 201
        browser.headers.append(dict(self.headers))
        if status == 201:
            opened = http_ece.decrypt(body, private_key=browser.key, auth_secret=browser.secret, version="aes128gcm")
            browser.said.append(json.loads(opened))
        if browser.drips:
            self.wfile.write(b"HTTP/1.1 ")
            for _byte in range(200):
                self.wfile.write(b"2")
                time.sleep(0.05)
            return
        self.send_response(status)
        self.send_header("Location", "https://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_request(self, *_said: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), HERE)


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def endpoint(certificate: Path, browser: Browser) -> Iterator[str]:
    class Service(PushService):
        pass

    Service.browser = browser
    with serving(Service, HERE, certificate) as address:
        yield f"{address}/push/a?b=c"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def device(cast: Cast, endpoint: str, browser: Browser, now: datetime) -> PushDevice:
    return add_device(
        user=cast.student.user, endpoint=endpoint, **browser.given, name="Firefox on Android", now=now
    )  # fmt: skip


def news(user: User, cast: Cast, now: datetime, key: str = "a") -> Notice:
    """Have said on a person's devices that there is a result."""
    notice = Notice.objects.create(
        key=key, kind="exams.results", recipient=user, course=cast.course, not_before=now, created_at=now
    )
    letter = Letter(
        subject="Your result of Größe & Łódź", text="-", action=("See", "/amls/exams/"), reason="-", is_pushed=True
    )
    push_told(notice, letter, now=now)
    return notice


def test_what_a_mail_told_is_said_once_on_the_device_that_alone_can_read_it(
    cast: Cast, device: PushDevice, browser: Browser, context: ssl.SSLContext, now: datetime
) -> None:
    other = cast.other_student.user
    notice = news(cast.student.user, cast, now)
    news(other, cast, now, "b")
    assert push_due(now, allows=here_alone, context=context) == 1
    assert browser.said == [
        {
            "title": cast.course.title, "text": "Your result of Größe & Łódź", "path": "/amls/exams/",
            "tag": f"notice-{notice.pk}", "account": account_code(cast.student.user_id),
        }
    ]  # fmt: skip
    assert push_due(now, allows=here_alone, context=context) == 0
    news(cast.student.user, cast, now, "c")
    push_told(notice, Letter(subject="x", text="-", reason="-"), now=now)
    device.refresh_from_db()
    assert device.last_told_at == now
    token, key = browser.headers[0]["Authorization"].removeprefix("vapid t=").split(", k=")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    origin = device.endpoint.partition("/push")[0]
    claims = jwt.decode(token, point, algorithms=["ES256"], audience=origin)
    assert claims["sub"].startswith("mailto:")
    assert now + timedelta(hours=1) < datetime.fromtimestamp(claims["exp"], UTC) <= now + timedelta(hours=24)
    assert key == application_key()
    assert int(browser.headers[0]["TTL"]) == 86400


def test_a_seat_from_the_waiting_list_is_mailed_and_said_on_the_device(
    cast: Cast, device: PushDevice, browser: Browser, context: ssl.SSLContext, now: datetime
) -> None:
    exam = OpenExamFactory.create(
        course=cast.course, capacity=1, starts_at=now + timedelta(days=9), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=5), withdraw_until=now + timedelta(days=6),
    )  # fmt: skip
    for person in (cast.other_student, cast.student):
        register(enrolment=person, exam_pk=exam.pk, now=now)
    withdraw(enrolment=cast.other_student, exam_pk=exam.pk, now=now)
    deliver_due(timezone.now())
    assert push_due(timezone.now(), allows=here_alone, context=context) == 1
    assert [said["text"] for said in browser.said] == [f"You have a seat for {exam}"]
    assert Notice.objects.filter(recipient=cast.student.user, state="sent").count() == 2


@pytest.mark.parametrize("status", [404, 410])
def test_a_device_that_is_gone_is_taken_off(
    cast: Cast, device: PushDevice, browser: Browser, context: ssl.SSLContext, now: datetime, status: int
) -> None:
    news(cast.student.user, cast, now)
    browser.answers = [status]
    push_due(now, allows=here_alone, context=context)
    assert (PushDevice.objects.count(), Push.objects.count()) == (0, 0)


@pytest.mark.parametrize(("status", "left"), [(503, 1), (429, 1), (400, 0), (307, 0)])
def test_a_service_that_fails_is_left_in_peace_and_asked_again_where_that_helps(
    cast: Cast, device: PushDevice, browser: Browser, context: ssl.SSLContext, now: datetime, status: int, left: int
) -> None:
    news(cast.student.user, cast, now)
    browser.answers = [status]
    assert push_due(now, allows=here_alone, context=context) == 1
    assert push_due(now, allows=here_alone, context=context) == 0
    assert push_due(now + timedelta(minutes=2), allows=here_alone, context=context) == left
    assert len(browser.said) == left
    device.refresh_from_db()
    assert device.failures == 1 - left


def test_a_service_that_sends_byte_by_byte_is_hung_up_on(
    cast: Cast,
    device: PushDevice,
    browser: Browser,
    context: ssl.SSLContext,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("amls.mail.push.sending._SECONDS", 0.4)
    browser.drips = True
    news(cast.student.user, cast, now)
    push_due(now, allows=here_alone, context=context)
    device.refresh_from_db()
    assert device.failures == 1
    assert Push.objects.count() == 1


def test_nothing_is_sent_into_this_network_and_whoever_tried_is_taken_off(
    cast: Cast, device: PushDevice, browser: Browser, context: ssl.SSLContext, now: datetime
) -> None:
    news(cast.student.user, cast, now)
    push_due(now, context=context)
    assert browser.headers == []
    assert PushDevice.objects.count() == 0


def test_a_day_later_it_is_not_said_any_more(
    cast: Cast, device: PushDevice, context: ssl.SSLContext, now: datetime
) -> None:
    news(cast.student.user, cast, now)
    assert push_due(now + timedelta(days=1), allows=here_alone, context=context) == 0


def test_another_key_tells_old_devices_as_long_as_the_old_one_is_named(
    cast: Cast, device: PushDevice, browser: Browser, context: ssl.SSLContext, now: datetime
) -> None:
    news(cast.student.user, cast, now)
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert application_key() != device.signed_by
        push_due(now, allows=here_alone, context=context)
    assert len(browser.said) == 1
    news(cast.student.user, cast, now, "b")
    with override_settings(SECRET_KEY="another"):
        push_due(now, allows=here_alone, context=context)
    assert (len(browser.said), PushDevice.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    "broken",
    [
        {"endpoint": "http://push.example.org/a"},
        {"endpoint": "https://user:password@push.example.org/a"},
        {"endpoint": "https:///a"},
        {"endpoint": "https://push.example.org/a b"},
        {"endpoint": "https://push.example.org:0/a"},
        {"endpoint": "https://push.example.org/" + "a" * 1000},
        {"public_key": _text(b"\x04" + b"\x01" * 64)},
        {"public_key": "ä"},
        {"secret": _text(b"short")},
        {"secret": ""},
    ],
)
def test_what_is_no_device_is_refused(cast: Cast, browser: Browser, now: datetime, broken: dict[str, str]) -> None:
    given = {"endpoint": "https://push.example.org/a", **browser.given, **broken}
    with pytest.raises(RuleViolation) as refused:
        add_device(user=cast.student.user, name="", now=now, **given)
    assert refused.value.code == "bad-push-device"


def test_a_browser_belongs_to_whom_it_was_entered_by_last(
    cast: Cast, device: PushDevice, browser: Browser, now: datetime
) -> None:
    news(cast.student.user, cast, now)
    add_device(user=cast.other_student.user, endpoint=device.endpoint, **browser.given, name="", now=now)
    assert [kept.user for kept in PushDevice.objects.all()] == [cast.other_student.user]
    assert Push.objects.count() == 0


def test_the_newest_devices_of_a_person_are_kept(cast: Cast, browser: Browser, now: datetime) -> None:
    for number in range(MOST_DEVICES + 2):
        add_device(
            user=cast.student.user, endpoint=f"https://push.example.org/{number}", **browser.given, name="",
            now=now + timedelta(seconds=number),
        )  # fmt: skip
    assert PushDevice.objects.count() == MOST_DEVICES
    assert not PushDevice.objects.filter(endpoint__endswith="/1").exists()


def test_nobody_takes_another_ones_device_off_and_an_account_goes_with_its_own(cast: Cast, device: PushDevice) -> None:
    assert remove_device(user=cast.other_student.user, pk=device.pk) == 0
    assert cast.client("stranger").post(f"/notices/{device.pk}/remove/").status_code == 404
    assert cast.client("student").post(f"/notices/{device.pk}/remove/").status_code == 302
    assert PushDevice.objects.count() == 0


def test_the_page_enters_a_browser_by_its_name(cast: Cast, browser: Browser) -> None:
    client = cast.client("student")
    agent = "Mozilla/5.0 (Android 14; Mobile; rv:135.0) Gecko/135.0 Firefox/135.0"
    given = {
        "endpoint": "https://push.example.org/ü".replace("ü", "u"),
        "auth": browser.given["secret"],
        "p256dh": browser.given["public_key"],
    }
    assert client.post("/notices/", given, headers={"User-Agent": agent}).status_code == 204
    assert PushDevice.objects.get().name == "Firefox on Android"
    answer = client.post("/notices/", {**given, "auth": ""}, headers={"Accept-Language": "de"})
    assert answer.status_code == 409
    delete_account(user=cast.student.user, now=timezone.now())
    assert PushDevice.objects.count() == 0
