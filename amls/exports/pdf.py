"""PDF for people to read: tagged (PDF/UA-1), with language and title, fonts embedded.

WeasyPrint takes 0.7 s to import and hundreds of megabytes to work: it is loaded where the
first PDF is made, which is a worker, and never by importing this module.
"""

import base64
import io
import logging
import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe

from amls.core.text import clean_line
from amls.exports.kinds import Order

logger = logging.getLogger(__name__)

_FONTS = ("instrument-sans-latin-wght-normal.woff2", "instrument-sans-latin-ext-wght-normal.woff2")
# From comfortable to the smallest that can be read on a door.
_SIZES = ("9.4pt", "8.6pt", "7.8pt", "7pt", "6.2pt")


class PdfError(Exception):
    """The document can't be made; the message says why."""


def render_pdf(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    order: Order,
    paper: str = "A4",
    on_one_page: bool = False,
) -> bytes:
    """Return a PDF made from a template that extends 'exports/pdf/base.html'.

    Args:
        template: its blocks are `content` and, for own rules, `style`; it may use the classes of static/css/pdf.css.
            Images are data: addresses with an alt text; nothing else is fetched.
        context: for the template; it also gets `order`, `course`, `title`, `now` and `site_url`.
        title: the document's title, in the order's language.
        order: gives course, language and time.
        paper: size of the page in CSS words, such as 'A4' or 'A4 landscape'.
        on_one_page: set it smaller, as far as it can be read, if it would not fit one page.

    The same context gives the same bytes.
    """
    html = render_html(template, context, title=title, order=order, paper=paper)
    weasyprint = _weasyprint()
    try:
        document: Any = None
        for size in _SIZES if on_one_page else _SIZES[:1]:
            sized = html.replace("</style>", f"html{{font-size:{size}}}</style>", 1)
            source = weasyprint.HTML(string=sized, url_fetcher=_fetcher(), base_url=None)
            document = source.render(pdf_variant="pdf/ua-1")
            if len(document.pages) == 1:
                break
        return bytes(document.write_pdf(pdf_variant="pdf/ua-1"))
    except _fatal() as error:  # a BaseException: it would end the worker
        raise PdfError(f"The document wants something from elsewhere: {error}") from None


def render_html(template: str, context: Mapping[str, Any], *, title: str, order: Order, paper: str = "A4") -> str:
    """Return what render_pdf() sets: one page of HTML with styles and fonts within it. Parameters as there."""
    course = order.course
    values = {
        "order": order,
        "course": course,
        "now": order.now,
        "title": clean_line(title),
        "language": order.language,
        "paper": paper,
        "site_url": settings.SITE_URL,
        "css": mark_safe(_css()),  # noqa: S308 - our own file
        **context,
    }
    return render_to_string(template, values)


def qr_code(text: str) -> str:
    """Return a QR code of `text` as a data: address of an SVG image."""
    target = io.BytesIO()
    segno.make(text, error="m", micro=False).save(target, kind="svg", scale=4, border=2, xmldecl=False, dark="#1d1f24")
    return f"data:image/svg+xml;base64,{base64.b64encode(target.getvalue()).decode()}"


def warm_up() -> None:
    """Load WeasyPrint, the fonts and the table of addresses, so that the first PDF is as quick as the next."""
    try:
        reverse("admin:index")
        weasyprint = _weasyprint()
        # What slips and receipts have: weights of the font, a drawing, tags.
        drawing = f'<img alt="–" src="{qr_code("–")}">'
        page = f"<html lang=en><title>–</title><style>{_css()}</style><h1>–</h1><p><b>–</b> –</p>{drawing}"
        weasyprint.HTML(string=page, url_fetcher=_fetcher()).write_pdf(pdf_variant="pdf/ua-1")
    except OSError as error:
        logger.error("WeasyPrint can't be loaded: %s. Run 'manage.py check' to see what is missing.", error)


@cache
def _weasyprint() -> Any:
    # Font subsets carry the time at which they were made, unless this says another.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1704067200")
    return import_module("weasyprint")


def _fetcher() -> Any:
    # The default one reads local files and loopback addresses.
    return import_module("weasyprint.urls").URLFetcher(allowed_protocols=["data"], allow_redirects=False)


def _fatal() -> type[BaseException]:
    found: type[BaseException] = import_module("weasyprint.urls").FatalURLFetchingError
    return found


@cache
def _css() -> str:
    static = settings.BASE_DIR / "static"
    faces = "".join(
        '@font-face{font-family:"Instrument Sans";'
        f"src:url(data:font/woff2;base64,{base64.b64encode((static / 'fonts' / name).read_bytes()).decode()})}}"
        for name in _FONTS
    )
    return faces + (static / "css" / "pdf.css").read_text(encoding="utf-8")
