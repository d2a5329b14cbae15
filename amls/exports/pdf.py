"""PDF for people to read: tagged (PDF/UA-1), with language and title, fonts embedded.

Letters come from one file for each weight that has all of Latin, Greek and Cyrillic: WeasyPrint knows no `unicode-range`,
and of two files of one weight it would draw the letters of one by the numbers of the other. These are cut from Inter's
variable font (`fonttools varLib.instancer InterVariable.woff2 opsz=14 wght=400`): from that itself WeasyPrint would cut them
anew for every document, which takes as long as all the rest of it. What they lack comes from the
system's fonts that static/css/pdf.css names (deploy/system_packages.sh installs them), then from any other that has it.

WeasyPrint takes 0.7 s to import and hundreds of megabytes to work: it is loaded where the
first PDF is made, which is a worker, and never by importing this module.
"""

import base64
import gc
import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from amls.core.text import clean_line
from amls.exports.kinds import Order

logger = logging.getLogger(__name__)

_WEIGHTS = (400, 500, 600, 700)
# From comfortable to the smallest that can be read on a door.
_SIZES = ("9.4pt", "8.6pt", "7.8pt", "7pt", "6.2pt")
# Unicode's sign for a letter that can't be shown.
_REPLACEMENT = "\ufffd"
# More than these would hide the sentence that they stand in.
_MOST_NAMED = 12


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
        context: for the template; it also gets `order`, `course`, `title`, `made_at` and `site_url`. There is no `now`: paper
            is kept, and without it `{% moment %}` says the year of every day.
        title: the document's title, in the order's language.
        order: gives course, language and time.
        paper: size of the page in CSS words, such as 'A4' or 'A4 landscape'.
        on_one_page: set it smaller, as far as it can be read, if it would not fit one page. What fits none goes on on as few
            as it needs, in the largest letters that they have room for: nothing is left out.

    The same context gives the same bytes. Letters that no font has are printed as '�', and a sentence that names them
    is added to the order's remarks.

    Raises:
        PdfError: the template wants something that is not in it.
    """
    html = render_html(template, context, title=title, order=order, paper=paper)
    sizes = _SIZES if on_one_page else _SIZES[:1]
    try:
        content, lacking = _typeset(html, sizes)
        if lacking:
            # The title is no part of it: readers of PDFs have fonts of their own.
            head, start, body = html.partition("<body>")
            mended = body.translate(dict.fromkeys(map(ord, lacking), _REPLACEMENT))
            content, _none = _typeset(f"{head}{start}{mended}", sizes)
            order.remarks.append(_remark(lacking))
    except _fatal() as error:  # a BaseException: it would end the worker
        raise PdfError(f"The document wants something from elsewhere: {error}") from None
    return content


def _typeset(html: str, sizes: Sequence[str]) -> tuple[bytes, list[str]]:
    """Return the PDF in the first of some sizes, which get smaller, that takes the fewest pages, and the letters no font has."""
    weasyprint = _weasyprint()
    document: Any = None
    with _hear_of_lacking() as lacking:
        for size in sizes:
            sized = html.replace("</style>", f"html{{font-size:{size}}}</style>", 1)
            source = weasyprint.HTML(string=sized, url_fetcher=_fetcher(), base_url=None)
            smaller = source.render(font_config=_fonts(), stylesheets=[_face()], pdf_variant="pdf/ua-1")
            if document is None or len(smaller.pages) < len(document.pages):
                document = smaller
            if len(document.pages) == 1:
                break
        content = bytes(document.write_pdf(pdf_variant="pdf/ua-1"))
    return content, lacking


class _Lacking(logging.Filter):
    """Takes out of WeasyPrint's log what it says of each letter that no font has, and keeps the letter."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the letter; let everything else pass."""
        if not str(record.msg).startswith(".notdef glyph"):
            return True
        assert isinstance(record.args, tuple)  # noqa: S101 - a letter and its number
        letter = str(record.args[0])
        if letter not in self.letters:
            self.letters.append(letter)
        return False


@contextmanager
def _hear_of_lacking() -> Iterator[list[str]]:
    listener, log = _Lacking(), logging.getLogger("weasyprint")
    log.addFilter(listener)
    try:
        yield listener.letters
    finally:
        log.removeFilter(listener)


def _remark(lacking: Sequence[str]) -> str:
    named = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in lacking[:_MOST_NAMED])
    if len(lacking) > _MOST_NAMED:
        named += ", …"
    return _(
        "No font on this server has these letters, and “�” is printed in their place: %(letters)s. "
        "Tell those who run the site which ones you need; with such a font installed, make the file again."
    ) % {"letters": named}


def render_html(template: str, context: Mapping[str, Any], *, title: str, order: Order, paper: str = "A4") -> str:
    """Return what render_pdf() sets in the font that it brings: one page of HTML with its styles. Parameters as there."""
    course = order.course
    values = {
        "order": order,
        "course": course,
        "made_at": order.now,
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


def load() -> None:
    """Load WeasyPrint in a worker before it makes its processes, which then have it in common; fonts are each one's own."""
    with suppress(OSError):  # warm_up() says what is missing
        _weasyprint()


def warm_up() -> None:
    """Load WeasyPrint, the fonts and the table of addresses, so that the first PDF is as quick as the next."""
    try:
        reverse("admin:index")
        # What slips and receipts have: weights of the font, a drawing, tags.
        drawing = f'<img alt="–" src="{qr_code("–")}">'
        page = f"<html lang=en><title>–</title><style>{_css()}</style><h1>–</h1><p><b>–</b> –</p>{drawing}"
        _typeset(page, _SIZES[:1])
    except OSError as error:
        logger.error("WeasyPrint can't be loaded: %s. Run 'manage.py check' to see what is missing.", error)


def unload() -> None:
    """Give back what the fonts take: WeasyPrint unpacks them into a folder, which a process that ends by `os._exit` would leave."""
    _face.cache_clear()
    _fonts.cache_clear()
    # Styles and fonts know each other.
    gc.collect()


@cache
def _weasyprint() -> Any:
    # Font subsets carry the time at which they were made, unless this says another.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "1704067200")
    return import_module("weasyprint")


@cache
def _fonts() -> Any:
    # One for all documents of the process: unpacking the font takes longer than setting a slip.
    return import_module("weasyprint.text.fonts").FontConfiguration()


def _fetcher() -> Any:
    # The default one reads local files and loopback addresses.
    return import_module("weasyprint.urls").URLFetcher(allowed_protocols=["data"], allow_redirects=False)


def _fatal() -> type[BaseException]:
    error: type[BaseException] = import_module("weasyprint.urls").FatalURLFetchingError
    return error


@cache
def _face() -> Any:
    # Beside the documents, not in each: half a megabyte of letters takes longer to read than a slip.
    rules = []
    for weight in _WEIGHTS:
        font = base64.b64encode((_static() / "fonts" / f"inter-4.1-{weight}.woff2").read_bytes()).decode()
        source = f"url(data:font/woff2;base64,{font})"
        rules.append(f'@font-face{{font-family:"AMLS Sans";font-weight:{weight};src:{source}}}')
    return _weasyprint().CSS(string="".join(rules), font_config=_fonts(), url_fetcher=_fetcher())


@cache
def _css() -> str:
    return (_static() / "css" / "pdf.css").read_text(encoding="utf-8")


def _static() -> Path:
    return Path(settings.STATICFILES_DIRS[0])
