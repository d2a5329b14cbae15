"""Fetching a page by its https address, without ever reaching into this network.

The address that a name resolves to is checked (`amls/core/internet.py`); so after each redirect.
"""

import http.client
import re
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

from django.utils.translation import gettext as _

from amls.core.internet import Address, Allows, InsideError, OutsideConnection, is_public, resolve
from amls.portal.takeover.sources import MAX_BYTES
from amls.portal.takeover.spec import CourseFileError

_MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_SECONDS_FOR_ALL, _SECONDS_FOR_ONE = 30.0, 10.0
_LOGIN = re.compile(
    r"(?:^|[/.?&=_-])(?:login|signin|sign-in|sso|shibboleth|idp|cas|oauth2?|saml2?|auth|accounts\.google)(?:[/.?&=_-]|$)",
    re.IGNORECASE,
)
_PASSWORD_FIELD = re.compile(rb"<input[^>]+type=[\"']?password", re.IGNORECASE)
_GITHUB_FILE = re.compile(r"^/(?P<repository>[^/]+/[^/]+)/blob/(?P<path>.+)$")
_GOOGLE_SHEET = re.compile(r"^/spreadsheets/d/(?P<id>[\w-]+)(?:/edit.*)?$")
_TYPES = {
    "text/calendar": "ics", "text/csv": "csv", "application/json": "json", "text/markdown": "md", "text/html": "html", "application/xhtml+xml": "html",
    "application/yaml": "yml", "text/yaml": "yml", "application/x-yaml": "yml",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave: its content, its own address after all redirects, and a name whose ending says what it is."""

    content: bytes
    address: str
    name: str


def fetch(
    address: str,
    *,
    allows: Allows = is_public,
    context: ssl.SSLContext | None = None,
    seconds: float = _SECONDS_FOR_ALL,
) -> Fetched:
    """Return what stands at an https address.

    Args:
        address: of a page, a raw file or a calendar; those of a file on GitHub and of a Google sheet are turned into that of its content.
        allows: which addresses may be connected to.
        context: by whose certificates servers are known.
        seconds: that all of it may take.

    Raises:
        CourseFileError: it may not be fetched, does not answer, needs a login, or is too large; with what to do.
    """
    until = time.monotonic() + seconds
    context = context or ssl.create_default_context()
    address = _raw(address.strip())
    seen: set[str] = set()
    for _hop in range(_MAX_REDIRECTS + 1):
        if address in seen:
            break
        seen.add(address)
        fetched = _get(address, allows, context, until)
        if isinstance(fetched, Fetched):
            return fetched
        if _LOGIN.search(urlsplit(fetched).path) or _LOGIN.search(urlsplit(fetched).netloc):
            raise _needs_login(address)
        address = fetched
    raise CourseFileError(
        [
            _("%(address)s redirects in circles. Open it in a browser, and copy the address that it ends at.")
            % {"address": _shown(address)}
        ]
    )


def _raw(address: str) -> str:
    """Return the address of the content, where an address is that of a page around it."""
    address = re.sub(r"^webcal://", "https://", address, flags=re.IGNORECASE)
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    if parts.hostname == "github.com" and (match := _GITHUB_FILE.match(parts.path)):
        return f"https://raw.githubusercontent.com/{match['repository']}/{match['path']}"
    if parts.hostname == "docs.google.com" and (match := _GOOGLE_SHEET.match(parts.path)):
        sheet = re.search(r"gid=(\d+)", f"{parts.query}#{parts.fragment}")
        return f"https://docs.google.com/spreadsheets/d/{match['id']}/export?format=csv" + (
            f"&gid={sheet[1]}" if sheet else ""
        )
    return address


def _get(address: str, allows: Allows, context: ssl.SSLContext, until: float) -> Fetched | str:
    """Return the content of an address, or where it redirects to."""
    host, port, target = _parts(address)
    checked = _resolve(host, port, allows, address)
    connection = OutsideConnection(
        host, port, checked=checked, allows=allows, context=context, until=until, patience=_SECONDS_FOR_ONE
    )
    try:
        connection.request(
            "GET",
            target,
            headers={
                "Accept": "text/html, text/calendar, text/*, application/*;q=0.9",
                "Accept-Encoding": "identity",
                "User-Agent": "AMLS course import",
            },
        )
        response = connection.getresponse()
        if response.status in _REDIRECTS and response.getheader("Location"):
            return urljoin(address, str(response.getheader("Location")))
        _check_status(response.status, address)
        content = _read(response, connection, until, address)
    except InsideError as error:
        raise _refused(address) from error
    except (TimeoutError, http.client.HTTPException, ssl.SSLError, OSError) as error:
        raise _unreachable(error, address) from error
    finally:
        connection.close()
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if _PASSWORD_FIELD.search(content) and len(content) < 200_000:
        raise _needs_login(address)
    return Fetched(content, address, _name(target, kind))


def _parts(address: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or 443
    except ValueError as error:
        raise CourseFileError([_("'%(address)s' is no address.") % {"address": address[:200]}]) from error
    if parts.scheme != "https" or not host:
        raise CourseFileError(
            [
                _(
                    "Only addresses that begin with https:// can be fetched. '%(address)s' doesn't: copy the page and paste it."
                )
                % {"address": _shown(address)}
            ]
        )
    if parts.username or parts.password:
        raise CourseFileError(
            [_("The address holds a name or password. Nothing is fetched with it: copy the page and paste it.")]
        )
    return host, port, urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _resolve(host: str, port: int, allows: Allows, address: str) -> list[Address]:
    try:
        return resolve(host, port, allows=allows)
    except InsideError as error:
        raise _refused(address) from error
    except (OSError, UnicodeError) as error:
        raise CourseFileError(
            [_("There is no server '%(host)s'. Check the address.") % {"host": host[:100]}]
        ) from error


def _read(response: http.client.HTTPResponse, connection: OutsideConnection, until: float, address: str) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.wait_at_most(left)
        piece = response.read1(64 * 1024)
        if not piece:
            return b"".join(pieces)
        size += len(piece)
        if size > MAX_BYTES:
            raise CourseFileError(
                [
                    _("%(address)s has more than 5 MB. Take the page or file with the schedule alone.")
                    % {"address": _shown(address)}
                ]
            )
        pieces.append(piece)


def _check_status(status: int, address: str) -> None:
    if status in (401, 403, 407):
        raise _needs_login(address)
    if status in (404, 410):
        raise CourseFileError([_("There is nothing at %(address)s. Check the address.") % {"address": _shown(address)}])
    if status != 200:
        raise CourseFileError(
            [
                _("%(address)s answered with an error (%(status)d). Try again later, or paste the page.")
                % {"address": _shown(address), "status": status}
            ]
        )


def _unreachable(error: Exception, address: str) -> CourseFileError:
    if isinstance(error, TimeoutError):
        words = _("%(address)s does not answer in time. Try again later, or paste the page.")
    elif isinstance(error, ssl.SSLError):
        words = _("The certificate of %(address)s can't be trusted, so it was not fetched. Paste the page.")
    else:
        words = _("%(address)s can't be reached. Try again later, or paste the page.")
    return CourseFileError([words % {"address": _shown(address)}])


def _refused(address: str) -> CourseFileError:
    return CourseFileError(
        [
            _("%(address)s lies within this network, from which nothing is fetched. Paste the page.")
            % {"address": _shown(address)}
        ]
    )


def _needs_login(address: str) -> CourseFileError:
    return CourseFileError(
        [
            _("%(address)s needs a login. Sign in with your browser, copy the page, and paste it.")
            % {"address": _shown(address)}
        ]
    )


def _shown(address: str) -> str:
    return address if len(address) <= 100 else f"{address[:99]}…"


def _name(target: str, kind: str) -> str:
    last = target.partition("?")[0].rpartition("/")[2]
    ending = last.rpartition(".")[2].lower() if "." in last else ""
    known = _TYPES.get(kind, "")
    # A server's word for a text is often wrong, its word for a page or calendar never.
    if known in ("html", "ics", "csv", "json") or (known and not ending):
        return f"page.{known}" if ending not in ("md", "yml", "yaml") or known != "html" else last
    return last
