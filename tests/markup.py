"""Looking for markup in pages, however its lines are broken."""

import re

from bs4 import BeautifulSoup


def squeeze(markup: str) -> str:
    """Return the markup without white space beside tags, and with single spaces elsewhere."""
    return re.sub(r" ?(<[^>]*>) ?", r"\1", re.sub(r"\s+", " ", markup))


def shows(page: str, markup: str) -> bool:
    """Return whether a page holds the markup."""
    return squeeze(markup) in squeeze(page)


def sent_by(page: str, form: int = 0) -> dict[str, list[str]]:
    """Return what a browser sends of a page's form, but for its buttons."""
    sent: dict[str, list[str]] = {}
    element = BeautifulSoup(page, "html.parser").select("main form")[form]
    for control in element.select("input[name], select[name], textarea[name]"):
        name, kind = str(control["name"]), control.get("type", "text")
        if control.name == "select":
            chosen = control.select("option[selected]") or control.select("option")[:1]
            sent.setdefault(name, []).extend(str(option.get("value", option.text)) for option in chosen)
        elif control.name == "textarea":
            sent.setdefault(name, []).append(control.text)
        elif kind not in ("checkbox", "radio", "submit") or control.has_attr("checked"):
            sent.setdefault(name, []).append(str(control.get("value", "on" if kind == "checkbox" else "")))
    return sent
