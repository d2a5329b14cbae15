"""From the queue to the push services: sealed for the device alone (RFC 8291), in a bounded time, to the open internet.

It runs beside the mail, not within it: a service that is slow or dead keeps nobody's mail waiting, and its device is
left in peace for longer and longer. What a device shows under one tag it shows once, whatever comes twice.
"""

import http.client
import json
import logging
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from django.db.models import F

from amls.core.internet import Allows, InsideError, OutsideConnection, is_public, resolve
from amls.core.jobs import Claim
from amls.mail.models import Push, PushDevice
from amls.mail.push.keys import authorization, decoded
from amls.mail.push.queue import PUSHES, WORTHLESS_AFTER

logger = logging.getLogger(__name__)

BATCH = 32
_AT_ONCE = 8
_SECONDS = 10.0
_PATIENCE = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=2)
# A device that could not be told so often in a row is gone.
_MOST_FAILURES = 20
# The service says that nobody is there any more (RFC 8030, section 7.3).
_GONE = (404, 410)
_TOO_MUCH = 429


def push_due(now: datetime, *, allows: Allows = is_public, context: ssl.SSLContext | None = None) -> int:
    """Claim what waits, and say it on its devices; return how much was claimed.

    Args:
        now: the database's time.
        allows: which addresses may be connected to.
        context: by whose certificates push services are known.
    """
    claims = PUSHES.claim(now=now, limit=BATCH)
    if not claims:
        return 0
    say = partial(_say, now=now, allows=allows, context=context or ssl.create_default_context())
    # Threads touch no row: only the network is waited for.
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = list(pool.map(say, [claim.row for claim in claims]))
    for claim, answer in zip(claims, answers, strict=True):
        _note(claim, answer, now=now)
    return len(claims)


def _say(push: Push, *, now: datetime, allows: Allows, context: ssl.SSLContext) -> int | None:
    """Say something on a device; return the service's answer, None where there is none in time."""
    device = push.device
    signed = authorization(device.endpoint, device.signed_by, now=now)
    if signed is None:
        return _GONE[0]
    said = {
        "title": push.title, "text": push.text, "path": push.path, "tag": f"notice-{push.notice_id}",
        "account": push.account,
    }  # fmt: skip
    body = http_ece.encrypt(
        json.dumps(said).encode(),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=decoded(device.public_key),
        auth_secret=decoded(device.secret),
        version="aes128gcm",
    )
    lives = max(0, int((push.created_at + WORTHLESS_AFTER - now).total_seconds()))
    headers = {
        "Authorization": signed, "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream",
        "TTL": str(lives), "Urgency": "high",
    }  # fmt: skip
    try:
        return _post(device.endpoint, body, headers, allows, context)
    except InsideError:
        # Its name leads into this network by now: whoever entered it gets nothing.
        return _GONE[0]
    except (http.client.HTTPException, OSError, UnicodeError):
        return None


def _post(endpoint: str, body: bytes, headers: dict[str, str], allows: Allows, context: ssl.SSLContext) -> int:
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or 443
    until = time.monotonic() + _SECONDS
    connection = OutsideConnection(
        host, port, checked=resolve(host, port, allows=allows), allows=allows, context=context, until=until,
        patience=_PATIENCE,
    )  # fmt: skip
    # A server that sends a byte now and then is never silent: it is hung up on.
    alarm = threading.Timer(_SECONDS, connection.hang_up)
    alarm.daemon = True
    alarm.start()
    try:
        connection.request("POST", urlunsplit(("", "", parts.path or "/", parts.query, "")), body=body, headers=headers)
        # Redirects are not followed, and what it says beside the status is not read.
        return connection.getresponse().status
    finally:
        alarm.cancel()
        connection.close()


def _note(claim: Claim[Push], status: int | None, *, now: datetime) -> None:
    device = PushDevice.objects.filter(pk=claim.row.device_id)
    logger.info("push device=%s notice=%s status=%s", claim.row.device_id, claim.row.notice_id, status)
    if status is not None and 200 <= status < 300:
        claim.held().delete()
        device.update(failures=0, paused_until=None, last_told_at=now)
    elif status in _GONE or claim.row.device.failures + 1 >= _MOST_FAILURES:
        device.delete()
    else:
        is_refused = status is not None and 300 <= status < 500 and status != _TOO_MUCH
        pause = min(_FIRST_PAUSE * 2 ** min(claim.row.device.failures, 12), _LONGEST_PAUSE)
        device.update(failures=F("failures") + 1, paused_until=now + pause)
        if is_refused:
            # The same would be refused again.
            claim.held().delete()
        else:
            claim.finish()
