"""Files as Debian's nginx sends them by deploy/nginx.conf: ranges from it, all that protects them from us."""

import re
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver
from django.utils import timezone

from amls.core.models import Spending
from amls.courses.models import Audience
from lectures.models import Material
from lectures.services.materials import upload_for_lecture
from tests.factories import EnrolmentFactory, LectureFactory, UserFactory
from tests.lectures.files import pdf
from tests.patience import SECONDS, wait_until
from tests.projects.servers import NGINX_EXAMPLE, form, get, granian, nginx, send, signed_in
from tests.test_numbers import all_addresses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("slow")]
KEPT_HEADERS = (
    "content-type", "content-disposition", "cache-control", "content-security-policy", "x-content-type-options",
    "x-frame-options", "cross-origin-resource-policy", "permissions-policy", "referrer-policy",
)  # fmt: skip


@pytest.fixture
def front(tmp_path: Path) -> Iterator[int]:
    """The example before a server that takes everything and answers nothing: it decides alone."""
    with (
        socket.create_server(("127.0.0.1", 0)) as behind,
        nginx(tmp_path, behind.getsockname()[1], is_up=False) as port,
    ):
        yield port


def test_a_front_server_sends_pieces_and_keeps_what_protects_files(tmp_path: Path) -> None:
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    lecture = LectureFactory.create(course__slug="amls", number="05")
    upload = SimpleUploadedFile("05 Parallel.pdf", pdf(["One"]))
    kept = upload_for_lecture(lecture=lecture, kind="pdf", upload=upload, by=None, now=timezone.now())
    address, content = kept.material.get_absolute_url(), Path(kept.file.path).read_bytes()
    with granian(tmp_path, workers=1) as alone:
        _status, by_itself, _body = get(alone, address)
    with (
        granian(tmp_path, {"X_ACCEL_REDIRECT_PREFIX": "/protected/"}, workers=1) as behind,
        nginx(tmp_path, behind) as port,
    ):
        status, headers, body = get(port, address)
        assert (status, body) == (200, content)
        assert {name: headers.get(name) for name in KEPT_HEADERS} == {
            name: by_itself.get(name) for name in KEPT_HEADERS
        }
        assert headers["content-security-policy"].startswith("default-src 'none'")
        etag = headers["etag"]
        assert not etag.startswith("W/")
        status, headers, body = get(port, address, Range="bytes=1-4")
        assert (status, body, headers["content-range"]) == (206, content[1:5], f"bytes 1-4/{len(content)}")
        assert get(port, address, **{"Range": "bytes=1-4", "If-Range": etag})[0] == 206
        assert get(port, address, **{"Range": "bytes=1-4", "If-Range": '"other"'})[0] == 200
        assert get(port, address, Range=f"bytes={len(content)}-")[0] == 416
        assert get(port, address, **{"If-None-Match": etag})[0] == 304
        # Such as one that was kept before the site knew of a front server.
        Path(kept.file.path).chmod(0)
        status, headers, body = get(port, f"{address}?download")
        assert (status, headers["content-type"], headers["retry-after"]) == (503, "text/html; charset=utf-8", "60")
        assert (
            "This server can’t read the file" in body.decode().replace("&rsquo;", "’"),
            "Datei nicht lesen" in body.decode(),
        ) == (True, True)
        assert b"nginx" not in body
        Material.objects.update(audience=Audience.ENROLLED)
        assert get(port, address)[0] == 404


def test_the_log_keeps_neither_what_people_seek_nor_what_lets_them_in(tmp_path: Path) -> None:
    LectureFactory.create(course__slug="amls", number="05")
    with granian(tmp_path, workers=1) as behind, nginx(tmp_path, behind) as port:
        assert get(port, "/amls/search/?q=secret-word")[0] == 200
        for path in ("/calendar/secret-token.ics", "/unsubscribe/secret-token/", "/receipts/secret-code/", "/accounts/password/reset/key/1-secret-key/", "/accounts/confirm-email/secret-key/"):  # fmt: skip
            get(port, path)
    kept = (tmp_path / "access.log").read_text()
    for path in ("/amls/search/", "/calendar/-", "/unsubscribe/-", "/receipts/-", "/accounts/password/reset/key/-", "/accounts/confirm-email/-"):  # fmt: skip
        assert f'"GET {path}"' in kept, path
    assert "secret" not in kept


# The most that anything may have, and what everyone may send everywhere.
LARGE, SMALL = 2100 * 1024**2, 999_999
# What somebody brings to these is a file.
PLACES = (
    "/amls/projects/mine/submit/", "/amls/assignments/1/submit/", "/amls/staff/assignments/1/files/",
    "/amls/staff/gradebook/import/", "/amls/lectures/05/upload/", "/admin/lectures/material/add/", "/new/",
)  # fmt: skip


def _head(path: str, size: int, cookie: str, method: str = "POST", more: str = "") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nContent-Length: {size}\r\n{more}\r\n"
    ).encode()


def _first_line(line: socket.socket) -> str:
    return line.recv(1000).split(b"\r\n")[0].decode().removeprefix("HTTP/1.1 ")


def _bytes_on_disk(folder: Path) -> int:
    """Return how much the front server keeps of bodies: in files that have no name any more, as nginx keeps them."""
    master, kept = (folder / "nginx.pid").read_text().strip(), 0
    for worker in Path(f"/proc/{master}/task/{master}/children").read_text().split():
        for opened in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(OSError):
                if str(opened.readlink()).startswith(str(folder / "n-client_body")):
                    kept += opened.stat().st_size
    return kept


def _asked(port: int, path: str, size: int, cookie: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line:
        line.sendall(_head(path, size, cookie, more="Expect: 100-continue\r\n"))
        return _first_line(line)


def test_who_is_signed_in_sends_files_to_every_address_that_there_is(tmp_path: Path) -> None:
    # Recordings are the staff's.
    cookie = signed_in(EnrolmentFactory.create(role="lecturer").user)
    addresses = {path for path in all_addresses(get_resolver().url_patterns, "1") if not path.startswith("/accounts/")}
    assert addresses >= {"/new/", "/amls/projects/mine/submit/", "/amls/staff/lists/1/import/"}
    # The suffix of calendars and the names of files are addresses like all others.
    addresses |= set(PLACES)
    with granian(tmp_path, workers=1) as behind, nginx(tmp_path, behind) as port:
        answers = {path: _asked(port, path, 20 * 1024**2, cookie) for path in addresses}
        most = {size: {_asked(port, path, size, cookie) for path in PLACES} for size in (LARGE, LARGE + 1)}
        signing_in = {size: _asked(port, "/accounts/login/", size, cookie) for size in (SMALL, 2 * 1024**2)}
    assert {path: said for path, said in answers.items() if said != "100 Continue"} == {}
    assert most == {LARGE: {"100 Continue"}, LARGE + 1: {"413 Request Entity Too Large"}}
    assert signing_in == {SMALL: "100 Continue", 2 * 1024**2: "413 Request Entity Too Large"}


def test_what_is_large_comes_to_amls_as_it_was_sent(tmp_path: Path) -> None:
    user = EnrolmentFactory.create(course__slug="amls").user
    body, kind = form({"large.ipynb": b"x" * 2 * 1024**2})
    with granian(tmp_path, workers=1) as behind, nginx(tmp_path, behind) as port:
        # Its words are those of the site, and it leads back to the very address, with what was asked there.
        status, said = send(port, "/amls/?a=%2F%26", cookie=signed_in(user), body=body, kind=kind)
        assert (status, get(port, "/.large/amls/")[0]) == (405, 404), said
    assert '"POST /.large/amls/" 405' in (tmp_path / "access.log").read_text()


def test_who_is_not_signed_in_fills_no_disk_of_a_front_server(tmp_path: Path) -> None:
    size, begun, known = 20 * 1024**2, 5 * 1024**2, signed_in(UserFactory.create())
    unknown = ("", f"{settings.SESSION_COOKIE_NAME}=invented")
    with granian(tmp_path, workers=1) as behind, nginx(tmp_path, behind) as port:
        for path in PLACES:
            for method, cookie in product(("POST", "PUT"), unknown):
                with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line:
                    line.sendall(_head(path, size, cookie, method))
                    with suppress(OSError):
                        line.sendall(b"x" * begun)
                    answer = _first_line(line), _bytes_on_disk(tmp_path)
                    assert answer == ("303 See Other", 0), (method, path, cookie)
            with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line:
                line.sendall(_head(path, size, known) + b"x" * begun)
                wait_until(lambda: _bytes_on_disk(tmp_path) > 0)
            # It lets go of what it kept once it has seen that the sender is gone.
            wait_until(lambda: _bytes_on_disk(tmp_path) == 0)
        # Whoever only looks is led to where to sign in, and then back to the same page.
        for cookie in unknown:
            status, headers, _body = get(port, "/admin/lectures/lecture/?course=1&state=planned", cookie)
            assert (status, headers["location"]) == (302, "/admin/login/?next=/admin/lectures/lecture/%3Fcourse%3D1%26state%3Dplanned")  # fmt: skip


def test_who_is_led_to_sign_in_comes_back_to_the_very_address(tmp_path: Path) -> None:
    # A line break that is decoded ends the header, and what follows is one that anybody's form plants.
    paths = (
        "/amls/projects/mine/submit/", "/amls/%0d%0aSet-Cookie:%20planted=yes%0d%0aX-Evil:%20yes/",
        "/amls/%3Fa=b%26c%23d/?e=%C3%BC&f=%2F",
    )  # fmt: skip
    body, kind = form({"large.ipynb": b"x" * 2 * 1024**2})
    with granian(tmp_path, workers=1) as behind, nginx(tmp_path, behind) as port:
        answers = [send(port, path, cookie="", body=body, kind=kind) for path in paths]
    sign_in = f"http://127.0.0.1:{port}/accounts/login/"
    assert answers == [(303, f"{sign_in}?{urlencode({'next': path}, safe='/')}") for path in paths]


def test_who_is_signed_in_fills_so_much_of_a_front_servers_disk_and_no_more(tmp_path: Path) -> None:
    path, size = "/amls/projects/mine/submit/", 500 * 1024**2
    first, second = (signed_in(user) for user in UserFactory.create_batch(2))
    wait = "Expect: 100-continue\r\n"
    with granian(tmp_path, workers=1) as behind, nginx(tmp_path, behind) as port, ExitStack() as stack:

        def send(head: bytes) -> None:
            # It stays open, and the body never comes.
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
            line.sendall(head)
            # Told to go on, also where the answer is no: then it follows at once.
            assert _first_line(line) in ("100 Continue", "429 Too Many Requests")

        def wait_until_refused(count: int) -> None:
            wait_until(lambda: (tmp_path / "access.log").read_text().count('" 429 ') == count)

        def spent() -> list[int]:
            return sorted(Spending.objects.values_list("spent", flat=True))

        for _each in range(6):
            send(_head(path, size, first, more=wait))
        wait_until_refused(2)
        assert spent() == [4 * size]
        send(_head("/admin/lectures/material/add/", size, first, more=wait))
        wait_until_refused(3)
        send(_head(path, size, second, more=wait))
        assert spent() == [size, 4 * size]
        # What is small costs nothing.
        send(_head(path, 1024**2, first, more=wait))
        assert spent() == [size, 4 * size]
        # Of what does not say how large it is no more is taken than of anything small.
        unsaid = _head(path, 0, second, more="Transfer-Encoding: chunked\r\n").replace(b"Content-Length: 0\r\n", b"")
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line:
            line.sendall(unsaid + b"200000\r\n" + b"x" * 1024**2)
            assert _first_line(line) == "413 Request Entity Too Large"
    assert (tmp_path / "access.log").read_text().count('" 429 ') == 3


def test_one_address_has_so_many_connections_and_no_more(front: int) -> None:
    lines = [socket.create_connection(("127.0.0.1", front), timeout=SECONDS) for _each in range(402)]
    try:
        # A connection counts once its headers are read: these wait for their bodies.
        for line in lines:
            line.sendall(b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
        readable, _none, _nothing = select.select(lines, [], [], SECONDS)
        assert readable
        assert all(line.recv(100).startswith(b"HTTP/1.1 429") for line in readable)
    finally:
        for line in lines:
            line.close()


def test_no_front_server_passes_on_names_that_the_site_takes_for_its_own() -> None:
    """Seen with Caddy 2.6: `X_Forwarded_For` and `X_Request_Began` of anybody took the place of what it had said."""
    for file, drops, stamp in (
        (NGINX_EXAMPLE, "underscores_in_headers off;", "proxy_set_header RequestBegan $began;"),
        (NGINX_EXAMPLE.parent / "Caddyfile", "header_up -*_*", "header_up RequestBegan {time.now.unix}"),
    ):
        lines = [line.strip() for line in file.read_text().splitlines()]
        assert {drops, stamp} <= set(lines), file.name


def test_each_front_server_says_the_same_while_the_site_is_started_anew() -> None:
    """Seen with Caddy 2.6: it answers so where nobody listens, and what the site says itself goes through."""
    said = [
        [
            page
            for page in re.findall(r"<!doctype html>.*?</html>", file.read_text(), re.DOTALL)
            if "Back in a moment" in page
        ]
        for file in (NGINX_EXAMPLE, NGINX_EXAMPLE.parent / "Caddyfile")
    ]
    assert len(said[0]) == 1
    assert said[0] == said[1]


def test_what_stands_in_the_example_keeps_to_protocols_that_hold() -> None:
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in NGINX_EXAMPLE.read_text()


@pytest.mark.parametrize("size", [10, 2 * 1024**2])
def test_who_comes_while_the_site_is_started_anew_reads_to_try_again(tmp_path: Path, size: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[1]
    with nginx(tmp_path, nobody, is_up=False) as port:
        status, headers, body = get(port, "/amls/")
        assert (status, headers["retry-after"], headers["content-type"]) == (503, "30", "text/html; charset=utf-8")
        assert "Back in a moment" in body.decode()
        assert "vielleicht nicht gespeichert" in body.decode()
        body, kind = form({"hand-in.ipynb": b"x" * size})
        assert send(port, "/amls/projects/mine/submit/", cookie="", body=body, kind=kind)[0] == 503
