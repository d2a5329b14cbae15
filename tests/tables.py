"""Tables for tests, and how a person imports one in the browser."""

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook


def workbook(*rows: list[object]) -> bytes:
    """Return an XLSX file of these rows."""
    book, target = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(target)
    return target.getvalue()


def show(client: Client, address: str, content: bytes, *, name: str = "table.csv", **data: Any) -> Any:
    """Return the page that shows what a table would change."""
    return client.post(address, {"file": SimpleUploadedFile(name, content), **data})


def agree(client: Client, address: str, shown: Any, **data: Any) -> Any:
    """Return what comes of pressing 'Import' below what was shown."""
    return client.post(address, {**kept(shown), "_agreed": "1", **data})


def kept(shown: Any) -> dict[str, str]:
    """Return what the form of a preview holds."""
    preview = shown.context["preview"]
    return {"kept": preview["kept"], "_shown": preview["seal"]}


def said(problems: Any) -> list[str]:
    """Return problems as sentences."""
    return [str(problem) for problem in problems]
