"""The demo's slides: real PDFs and PPTXs with several pages of text."""

import io
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.html import escape
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.util import Pt
from weasyprint import HTML

_FOLDER = Path(__file__).resolve().parent
_STYLE = """
@page { size: 254mm 143mm; margin: 14mm 18mm; background: #fff;
  @bottom-left { content: string(footer); font: 9pt DejaVu Sans, sans-serif; color: #5d6270 }
  @bottom-right { content: counter(page); font: 9pt DejaVu Sans, sans-serif; color: #5d6270 } }
body { font: 19pt/1.5 "DejaVu Sans", sans-serif; color: #1d1f24; margin: 0 }
section { break-after: page; border-left: 5pt solid #b3121d; padding-left: 14pt; min-height: 105mm }
section:last-child { break-after: auto }
h1 { font-size: 34pt; line-height: 1.2; margin: 22mm 0 6mm } h2 { font-size: 26pt; margin: 0 0 8mm; string-set: none }
p { color: #5d6270 } li { margin-bottom: 4mm } footer { string-set: footer content() ; display: none }
h1, h2 { string-set: footer attr(data-footer) }
"""


_colour: Any = RGBColor
_ACCENT = _colour.from_string("B3121D")


@dataclass(frozen=True)
class LectureText:
    """What a lecture of the demo says.

    Attributes:
        slides: title and points of each slide.
    """

    number: str
    abstract: str
    slides: list[tuple[str, list[str]]]


def load_texts() -> dict[str, LectureText]:
    """Return the demo's lectures by their number."""
    data = tomllib.loads((_FOLDER / "lectures.toml").read_text(encoding="utf-8"))
    return {
        entry["number"]: LectureText(
            entry["number"], entry["abstract"].strip(), [(slide[0], slide[1:]) for slide in entry["slides"]]
        )
        for entry in data["lecture"]
    }


def make_pdf(title: str, course: str, text: LectureText) -> bytes:
    """Return the slides as a tagged PDF."""
    footer = escape(f"{text.number} {title}")
    pages = [f'<section><h1 data-footer="{footer}">{footer}</h1><p>{escape(course)}</p></section>']
    for heading, points in text.slides:
        items = "".join(f"<li>{escape(point)}</li>" for point in points)
        pages.append(f'<section><h2 data-footer="{footer}">{escape(heading)}</h2><ul>{items}</ul></section>')
    html = (
        f'<html lang="en"><head><meta charset="utf-8"><title>{footer}</title><style>{_STYLE}</style></head>'
        f"<body>{''.join(pages)}</body></html>"
    )
    document: bytes = HTML(string=html).write_pdf(pdf_variant="pdf/ua-1")
    return document


def make_pptx(title: str, course: str, text: LectureText) -> bytes:
    """Return the slides as a presentation with speaker notes."""
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = f"{text.number} {title}"
    first.placeholders[1].text = course
    for heading, points in text.slides:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = heading
        slide.shapes.title.text_frame.paragraphs[0].runs[0].font.color.rgb = _ACCENT
        frame = slide.placeholders[1].text_frame
        for index, point in enumerate(points):
            paragraph = frame.paragraphs[0] if index == 0 else frame.add_paragraph()
            paragraph.text = point
            paragraph.font.size = Pt(24)
        slide.notes_slide.notes_text_frame.text = f"{heading}: {'. '.join(points)}."
    deck.core_properties.title = f"{text.number} {title}"
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def make_captions(title: str, text: LectureText) -> bytes:
    """Return captions for the minute that a recording of the demo lasts."""
    points = [f"Welcome to {title}.", *(point for heading, points in text.slides for point in (f"{heading}:", *points))]
    seconds = 60 / len(points)
    cues = [
        f"{_stamp(index * seconds)} --> {_stamp((index + 1) * seconds)}\n{point}" for index, point in enumerate(points)
    ]
    return ("WEBVTT\n\n" + "\n\n".join(cues) + "\n").encode()


def _stamp(seconds: float) -> str:
    return f"00:{int(seconds // 60):02}:{seconds % 60:06.3f}"


def recording(number: str) -> bytes | None:
    """Return the recording of a lecture, a minute that seeks; None where there is none."""
    path = _FOLDER / "media" / f"{number}.mp4"
    return path.read_bytes() if path.exists() else None
