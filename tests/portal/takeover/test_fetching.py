"""Fetching a page: from real servers, with certificates of their own, on this machine's loopback addresses."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from amls.core.internet import Address, is_public
from amls.portal.takeover.fetching import Fetched, fetch
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError
from tests.tls import make_certificate, serving

PAGE = b"<html><body><h1>Toy SS2024</h1><ul><li>01 One [Apr 16]</li></ul></body></html>"
SERVER = ipaddress.ip_address("127.0.0.1")


def only_the_server(address: Address) -> bool:
    """Allow the test's server, as an address of the open internet would be, and no other of this network."""
    return address == SERVER


class PageServer(BaseHTTPRequestHandler):
    """Pages by their path."""

    protocol_version = "HTTP/1.0"
    asked: list[dict[str, str]] = []

    def do_GET(self) -> None:
        type(self).asked.append(dict(self.headers))
        pages: dict[str, Callable[[], None]] = {
            "/page": lambda: self._send(200, PAGE, "text/html; charset=utf-8"),
            "/cal": lambda: self._send(200, b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "text/calendar"),
            "/moved": lambda: self._redirect("/page"),
            "/circle": lambda: self._redirect("/circle2"),
            "/circle2": lambda: self._redirect("/circle"),
            "/inside": lambda: self._redirect("https://127.0.0.2:9/"),
            "/metadata": lambda: self._redirect("https://169.254.169.254/latest/meta-data"),
            "/plain": lambda: self._redirect("http://example.org/"),
            "/private": lambda: self._redirect("https://localhost:9/idp/login?next=page"),
            "/forbidden": lambda: self._send(403, b"no", "text/plain"),
            "/gone": lambda: self._send(404, b"no", "text/plain"),
            "/broken": lambda: self._send(500, b"no", "text/plain"),
            "/form": lambda: self._send(200, b"<form><input name=p type='password'></form>", "text/html"),
            "/large": lambda: self._send(200, b"x" * (6 * 1024**2), "text/plain"),
            "/slow": self._slow,
        }
        pages[self.path.partition("?")[0]]()

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        # Whoever asked may have heard enough.
        with suppress(OSError):
            self.wfile.write(body)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def _slow(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            for _piece in range(40):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.25)

    def log_request(self, *_said: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), SERVER)


@pytest.fixture(scope="module")
def site(certificate: Path) -> Iterator[str]:
    with serving(PageServer, SERVER, certificate) as address:
        yield address


@pytest.fixture
def get(certificate: Path) -> Callable[[str], Fetched]:
    context = ssl.create_default_context(cafile=str(certificate))

    def ask(address: str, seconds: float = 10) -> Fetched:
        return fetch(address, allows=only_the_server, context=context, seconds=seconds)

    return ask


@pytest.fixture(autouse=True)
def only_version_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 'localhost' be the server alone, on machines where it has an address of version 6 as well."""
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *_how: object, **_more: object) -> list:
        return [target for target in real(host, port, type=socket.SOCK_STREAM) if target[0] == socket.AF_INET]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_a_page_is_fetched_and_read(site: str, get: Callable[[str], Fetched]) -> None:
    fetched = get(f"{site}/page")
    assert (fetched.content, fetched.address, fetched.name) == (PAGE, f"{site}/page", "page.html")
    source = read_source(fetched.content, name=fetched.name, base=fetched.address)
    assert source.container == "html"
    assert get(f"{site}/cal").name == "page.ics"
    assert get(f"{site}/moved").address == f"{site}/page"


def test_nothing_that_tells_who_asks_is_sent(site: str, get: Callable[[str], Fetched]) -> None:
    PageServer.asked.clear()
    get(f"{site}/page?week=3")
    (headers,) = PageServer.asked
    assert {name.lower() for name in headers} == {"host", "accept", "accept-encoding", "user-agent"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/circle", "redirects in circles"),
        ("/inside", "lies within this network"),
        ("/metadata", "lies within this network"),
        ("/plain", "Only addresses that begin with https://"),
        ("/private", "needs a login"),
        ("/forbidden", "needs a login"),
        ("/form", "needs a login"),
        ("/gone", "There is nothing at"),
        ("/broken", r"answered with an error \(500\)"),
        ("/large", "has more than 5 MB"),
    ],
)
def test_what_cannot_be_fetched_is_said_in_a_sentence(
    site: str, get: Callable[[str], Fetched], path: str, words: str
) -> None:
    with pytest.raises(CourseFileError, match=words):
        get(site + path)


def test_a_server_that_hangs_is_left_in_time(site: str, get: Callable[..., Fetched]) -> None:
    with pytest.raises(CourseFileError, match="does not answer in time"):
        get(f"{site}/slow", seconds=1.5)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://example.org/", "Only addresses that begin with https://"),
        ("file:///etc/passwd", "Only addresses that begin with https://"),
        ("ftp://example.org/x", "Only addresses that begin with https://"),
        ("https://user:secret@example.org/", "holds a name or password"),
        ("https://[zoom-link]/", "is no address"),
        ("https:///x", "Only addresses that begin with https://"),
        ("https://127.0.0.1/", "lies within this network"),
        ("https://localhost/", "lies within this network"),
        ("https://2130706433/", "lies within this network"),
        ("https://0x7f.1/", "lies within this network"),
        ("https://10.0.0.1/", "lies within this network"),
        ("https://192.168.178.1/", "lies within this network"),
        ("https://169.254.169.254/", "lies within this network"),
        ("https://100.64.0.1/", "lies within this network"),
        ("https://0.0.0.0/", "lies within this network"),
        ("https://nowhere.invalid/", "There is no server 'nowhere.invalid'"),
    ],
)
def test_addresses_that_are_refused_before_anything_is_sent(address: str, words: str) -> None:
    with pytest.raises(CourseFileError, match=words):
        fetch(address, seconds=5)


@pytest.mark.parametrize(
    "address", ["::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "fe80::1", "fc00::1", "224.0.0.1", "ff02::1", "240.0.0.1"]
)
def test_addresses_of_version_six_and_of_many_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def test_public_addresses_are() -> None:
    assert all(is_public(ipaddress.ip_address(address)) for address in ("130.149.7.201", "2001:638:809:ff1f::8295:7c9"))


def test_the_name_is_asked_once_and_its_answer_connected_to(
    site: str, get: Callable[[str], Fetched], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, answers = socket.getaddrinfo, iter(["127.0.0.1", "127.0.0.2", "127.0.0.2"])

    def resolve(host: str, port: int, *_how: object, **_more: object) -> list:
        # A name server that says something else each time: first what may be asked, then an address within.
        return real(next(answers), port, type=socket.SOCK_STREAM) if host == "localhost" else real(host, port, type=socket.SOCK_STREAM)  # fmt: skip

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert get(f"{site}/page").content == PAGE
    with pytest.raises(CourseFileError, match="lies within this network"):
        get(f"{site}/page")


def test_one_address_within_among_others_is_enough_to_refuse(
    site: str, get: Callable[[str], Fetched], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *_how: object, **_more: object) -> list:
        return [*real("127.0.0.1", port, type=socket.SOCK_STREAM), *real("127.0.0.2", port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(CourseFileError, match="lies within this network"):
        get(f"{site}/page")


def test_a_certificate_that_nobody_vouches_for_is_refused(site: str) -> None:
    with pytest.raises(CourseFileError, match="certificate"):
        fetch(f"{site}/page", allows=only_the_server)
