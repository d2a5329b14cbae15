"""What is sent: everything of an address, a query, a form, a header and a cookie, each bent by itself."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from tests.odd.sending import Fields, File, Sender, Sent
from tests.odd.values import BODIES, COOKIES, COUNTS, HEADERS, JSON, ODD
from tests.odd.world import parameters_of, stands_for_its_kind

_WITHOUT_FORMS = ("/accounts/logout/",)
_DOCUMENTS: dict[str, Any] = {
    "/submit/ticket/": {"files": [[1, "0" * 64]]},
    "/check-in/marks/": {
        "sent_at": "2026-01-01T10:00:00Z",
        "marks": [
            {
                "registration": 1, "action": "present", "key": "00000000-0000-4000-8000-000000000000", "seat": "1",
                "made_at": "2026-01-01T10:00:00Z",
            }
        ],
    },
}  # fmt: skip
_TYPED = {"email": b"x@example.org", "number": b"1", "date": b"2026-03-02", "time": b"10:00", "url": b"https://example.org/", "datetime-local": b"2026-03-02T10:00"}  # fmt: skip


def everything(sender: Sender, path: str, rng: random.Random) -> Iterator[Sent]:
    """Yield every odd request for an address that `sender` may see, but for those in which nothing looks at what is odd.

    Names of a query count where the code behind the address looks for them, or its page or a list of the desk
    knows them; headers, cookies and bodies, which are read before any view, where the address stands for its kind.
    """
    path, _mark, query = path.partition("?")
    given = [(name.encode(), value.encode()) for name, value in parse_qsl(query, keep_blank_values=True)]
    yield from _addresses(path)
    answer, looked_for = sender.get(f"{path}?{query}" if query else path)
    page = None
    if not answer.streaming and answer.headers.get("Content-Type", "").startswith("text/html"):
        page = BeautifulSoup(answer.content, "html.parser")
    if answer.status_code != 404:
        names = looked_for | parameters_of(path) | (_names_on(page, path) if page else set())
        yield from _queries(path, given, names)
        if stands_for_its_kind(path):
            yield from _headers(path, given)
            yield from _bodies(path, given)
    if page and path not in _WITHOUT_FORMS:
        for form in page.find_all("form"):
            if (form.get("method") or "get").lower() == "post":
                for action in _actions(form):
                    yield from _form(page, form, urljoin(f"{path}?{query}", action or f"{path}?{query}"), rng)


def _addresses(path: str) -> Iterator[Sent]:
    for method in ("POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "XYZ"):
        yield Sent(f"method {method}", path, method)
    parts = path.strip("/").split("/")
    for place in range(len(parts)):
        for name, value in ODD.items():
            bent = [*parts]
            bent[place] = quote_from_bytes(value[:3000], "")
            yield Sent(f"part {place}: {name}", "/" + "/".join(bent) + ("/" if path.endswith("/") else ""))
    for name, value in ODD.items():
        yield Sent(f"appended {name}", path + quote_from_bytes(value[:3000], ""))


def _names_on(page: BeautifulSoup, path: str) -> set[str]:
    """Return the names of the queries that a page's links and forms ask of its own address."""
    names = set()
    for link in page.find_all("a", href=True):
        target = urlsplit(urljoin(path, str(link["href"]).encode("ascii", "ignore").decode()))
        if target.path == path:
            names |= {name for name, _value in parse_qsl(target.query, keep_blank_values=True)}
    for form in page.find_all("form"):
        if (form.get("method") or "get").lower() == "get":
            names |= {str(control["name"]) for control in form.select("[name]")}
    return names


def _queries(path: str, given: Any, names: set[str]) -> Iterator[Sent]:
    for name in sorted(names):
        others = [pair for pair in given if pair[0] != name.encode()]
        for what, value in ODD.items():
            yield Sent(f"{name}: {what}", path, query=[*others, (name.encode(), value)])
        yield Sent(f"{name} twice", path, query=[*others, (name.encode(), b"1"), (name.encode(), b"x")])
        yield Sent(f"{name} posted", path, "POST", query=[*others, (name.encode(), b"\0")])
    for what, value in ODD.items():
        yield Sent(f"an unknown name: {what}", path, query=[*given, (value[:5000], b"1")])
        yield Sent(f"an unknown field: {what}", path, "POST", query=given, fields=[(value[:5000], b"1")])


def _headers(path: str, given: Any) -> Iterator[Sent]:
    for name, values in HEADERS.items():
        for value in values:
            for method in ("GET", "POST"):
                yield Sent(f"{name}: {value[:50]!a}", path, method, query=given, headers={name: value})
    for name in ("sessionid", "csrftoken", "django_language", "messages", "odd"):
        for value in COOKIES:
            for method in ("GET", "POST"):
                yield Sent(f"cookie {name}: {value[:50]!a}", path, method, query=given, cookies={name: value})


def _bodies(path: str, given: Any) -> Iterator[Sent]:
    for name, body in BODIES.items():
        for method in ("POST", "GET", "PUT"):
            yield Sent(f"body: {name}", path, method, query=given, body=body)
    for end, document in _DOCUMENTS.items():
        if path.endswith(end):
            for value in JSON:
                for bent in _bent_documents(document, value):
                    body = ("application/json", json.dumps(bent).encode())
                    yield Sent(f"JSON {str(value)[:20]!a}", path, "POST", query=given, body=body)


def _bent_documents(document: Any, value: object) -> Iterator[Any]:
    """Yield the document with `value` in each of its places, then without each."""
    yield value
    keys: Any = (
        list(document) if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    )
    for key in keys:
        rest = document.copy()
        del rest[key]
        yield rest
        for bent in _bent_documents(document[key], value):
            changed = document.copy()
            changed[key] = bent
            yield changed


def _actions(form: Tag) -> list[str]:
    """Return where a form is sent to: by its buttons that say so themselves, else by itself."""
    by_buttons = [str(button["formaction"]) for button in form.select("[formaction]")]
    return list(dict.fromkeys(by_buttons)) or [str(form.get("action") or "")]


def _form(page: BeautifulSoup, form: Tag, address: str, rng: random.Random) -> Iterator[Sent]:
    """Yield a form sent to an address as it stands, by each of its buttons, then with each field bent by itself."""
    action = urlsplit(address)
    if action.path in _WITHOUT_FORMS or action.netloc:
        return
    own = [*form.select("[name]"), *(page.select(f'[form="{form["id"]}"][name]') if form.get("id") else [])]
    own = [control for control in own if control.get("name") != "csrfmiddlewaretoken"]
    buttons: list[tuple[bytes, bytes] | None] = [
        (_name(control), str(control.get("value", "")).encode())
        for control in own
        if control.name == "button" or control.get("type") == "submit"
    ]
    rows = [*_rows(own)]
    grown = [*_rows(own, adds_a_row=True)]
    asked = [(name.encode(), value.encode()) for name, value in parse_qsl(action.query, keep_blank_values=True)]
    is_multipart = form.get("enctype") == "multipart/form-data"

    def sent(what: str, fields: Fields, button: Any = None, **changes: Any) -> Sent:
        chosen = button or (rng.choice(buttons) if buttons else None)
        values = {"is_multipart": is_multipart} | changes
        return Sent(
            f"{what} by {chosen}", action.path, "POST", asked, [*fields, *([chosen] if chosen else [])], **values
        )

    for button in buttons or [None]:
        yield sent("as it stands", rows, button)
        yield sent("as it stands, in parts", rows, button, headers={"HX-Request": "true"})
        yield sent("with a row more", grown, button)
        yield sent("confirmed", [*rows, (b"_confirmed", b"1"), (b"_agreed", b"1"), (b"confirm", b"1")], button)
    # An action of a list, and what it asks for.
    for control in [control for control in own if control.get("name") == "action"]:
        for option in control.select("option[value]"):
            chosen = [(name, str(option["value"]).encode() if name == b"action" else value) for name, value in rows]
            for extra in ([], [(b"_confirmed", b"1")], [(b"select_across", b"1")]):
                yield sent(f"action {option['value']}", [*chosen, *extra])
    for name in dict.fromkeys(name for name, _value in grown):
        is_count = name.endswith(b"_FORMS")
        base = grown if rng.random() < 0.5 or name not in dict(rows) else rows
        others = [pair for pair in base if pair[0] != name]
        value = dict(base)[name]
        yield sent(f"{name!a} missing", others)
        yield sent(f"{name!a} twice", [*base, (name, b"x")])
        yield sent(f"{name!a} as a file", [*others, (name, File(b"x.txt", b"\0\xff"))], is_multipart=True)
        yield sent(f"{name!a} as a list", [*others, (name + b"[]", b"1"), (name + b"[0]", b"1")])
        for what, odd in (COUNTS if is_count else ODD).items():
            if isinstance(value, File):
                yield sent(f"{name!a} holds {what}", [*others, (name, File(value.name, odd))], is_multipart=True)
                yield sent(
                    f"{name!a} is named {what}",
                    [
                        *others,
                        (name, File(odd[:3000].replace(b'"', b"%22").replace(b"\r\n", b"%0D%0A"), value.content)),
                    ],
                    is_multipart=True,
                )
            yield sent(f"{name!a} is {what}", [*others, (name, odd)])


def _name(field: Tag) -> bytes:
    return str(field["name"]).encode()


def _rows(own: list[Tag], *, adds_a_row: bool = False) -> Iterator[tuple[bytes, bytes | File]]:
    """Yield the fields of a form as a browser would send them, what is required filled."""
    counts = {
        str(control["name"]).removesuffix("-TOTAL_FORMS"): int(str(control.get("value") or 0))
        for control in own
        if str(control["name"]).endswith("-TOTAL_FORMS")
    }
    seen: set[str] = set()
    for control in own:
        name, kind = str(control["name"]), str(control.get("type", "text"))
        if (
            control.name in ("button", "output")
            or kind in ("submit", "reset", "button", "image")
            or control.has_attr("disabled")
        ):
            continue
        if "__prefix__" in name:
            if not adds_a_row:
                continue
            name = name.replace("__prefix__", str(counts.get(name.partition("-__prefix__")[0], 0)))
        if name.endswith("-TOTAL_FORMS") and adds_a_row:
            yield name.encode(), str(counts[name.removesuffix("-TOTAL_FORMS")] + 1).encode()
            continue
        if kind in ("radio", "checkbox"):
            # The first of each, or the one that is chosen.
            if name in seen and not control.has_attr("checked"):
                continue
            seen.add(name)
            yield name.encode(), str(control.get("value", "on")).encode()
        elif control.name == "select":
            options = control.select("option")
            chosen = [option for option in options if option.has_attr("selected") and option.get("value")]
            chosen = chosen or [option for option in options if option.get("value")][:1]
            for text in [str(option["value"]) for option in chosen] or [""]:
                yield name.encode(), text.encode()
        elif kind == "file":
            yield name.encode(), File(b"05.csv", b"email;name;points;title\nx@example.org;X;5;T\n", b"text/csv")
        else:
            text = control.get_text() if control.name == "textarea" else str(control.get("value", ""))
            yield name.encode(), re.sub(r"^\n", "", text).encode() or _TYPED.get(kind, b"x")
