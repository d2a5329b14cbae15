"""What a link leads to: slides, notes, a recording, something to read, code, or something else."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from amls.portal.takeover.sourcerows import Link

SLIDES, NOTES, RECORDING, READING, CODE, CALL, OTHER = (
    "slides",
    "notes",
    "recording",
    "reading",
    "code",
    "call",
    "other",
)
_I = re.IGNORECASE
_BY_WORD = (
    (RECORDING, r"recordings?|recorded|videos?|video lecture|lecture video|screencast|aufzeichnung(?:en)?|aufnahmen?|mitschnitt|mp4|webcast|youtube|panopto|echo ?360|opencast|vod|stream|mediasite|vid|kaltura|watch|file-video|video-camera|play"),
    (SLIDES, r"slides?|slide deck|deck|folien(?:satz)?|präsentation|presentation|pptx?|keynote|ppt|handout slides|handouts?|foliensammlung|vorlesungsfolien|file-powerpoint|pdf|file-pdf|pptx"),
    (NOTES, r"(?:lecture |scribe |class |annotated |board )?notes?|scribes?|skript|skripten|notizen|mitschrift|script|whiteboard|tafelbild(?:er)?|file-text|annotated"),
    (CODE, r"code|notebooks?|colab|jupyter|ipynb|repo(?:sitory)?|github|source|demo|starter|binder|programm(?:e|code)?|examples?|gitlab"),
    (READING, r"readings?|preparation|prep|vorbereitung|paper|papers|read|textbook|book|chapters?|chap|ch|literatur|lektüre|artikel|article|blog|required|optional|references?|arxiv|buch"),
)  # fmt: skip
_WORDS = tuple((kind, re.compile(rf"(?<![a-zäöü])(?:{words})(?![a-zäöü])", _I)) for kind, words in _BY_WORD)
ANNOUNCED = {
    "pdf": SLIDES, "slides": SLIDES, "slide": SLIDES, "pptx": SLIDES, "ppt": SLIDES, "folien": SLIDES, "notes": NOTES, "skript": NOTES, "mp4": RECORDING,
    "video": RECORDING, "videos": RECORDING, "recording": RECORDING, "aufzeichnung": RECORDING, "youtube": RECORDING, "vtt": "captions", "captions": "captions", "transcript": "transcript",
    "zip": OTHER, "code": CODE, "ipynb": CODE, "html": OTHER, "notebook": CODE, "handout": SLIDES, "reading": READING, "paper": READING, "screencast": RECORDING, "lecture notes": NOTES,
}  # fmt: skip
_CALL_HOSTS = re.compile(
    r"(?:^|\.)(?:zoom\.(?:us|com)|zoom-x\.de|teams\.microsoft\.com|meet\.google\.com|webex\.com|bbb\.[\w.-]+|meet\.jit\.si)$|bigbluebutton|^zoom\.",
    _I,
)
_HOSTS = (
    (RECORDING, re.compile(r"youtu\.?be|vimeo|panopto|echo360|opencast|mediasite|kaltura|mediaspace|tube\.|video\.|videos\.|bilibili|media\.ccc|lecture2go|tele-task|stream\.", _I)),
    (CODE, re.compile(r"github\.com|gitlab|bitbucket|colab\.research|nbviewer|mybinder|kaggle|replit|git\.", _I)),
    (READING, re.compile(r"arxiv\.org|dl\.acm\.org|doi\.org|ieeexplore|springer|openreview|aclanthology|usenix\.org|vldb\.org|semanticscholar|jstor|wikipedia|nature\.com|sciencedirect|cidrdb|papers\.nips|proceedings|jmlr|mitpress|oreilly|medium\.com|cambridge\.org/core", _I)),
    (SLIDES, re.compile(r"docs\.google\.com/presentation|slideshare|speakerdeck|prezi|slides\.com|beamer", _I)),
)  # fmt: skip
_ENDINGS = {
    "mp4": RECORDING, "webm": RECORDING, "mkv": RECORDING, "mov": RECORDING, "m4v": RECORDING, "mp3": RECORDING, "pptx": SLIDES, "ppt": SLIDES, "key": SLIDES, "odp": SLIDES,
    "ipynb": CODE, "py": CODE, "zip": OTHER, "c": CODE, "cpp": CODE, "java": CODE, "r": CODE, "jl": CODE, "tar": CODE, "gz": OTHER, "vtt": "captions", "srt": "captions",
}  # fmt: skip
_SLIDES_PATH = re.compile(r"slides?|folien|lectures?/|lec\d|/vl|vorlesung|/l\d", _I)


@dataclass(frozen=True, slots=True)
class LinkedMaterial:
    """What belongs to a session.

    Attributes:
        kind: slides, notes, recording, captions, transcript, reading, code or other.
        title: as it is called.
        url: where it is; empty where it is only announced.
    """

    kind: str
    title: str = ""
    url: str = ""


def is_whole(address: str) -> bool:
    """Return whether an address leads somewhere wherever it stands: '01.pdf' does only on its own page."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as 'https://[zoom-link]', which nobody filled in
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def is_call(link: Link) -> bool:
    """Return whether a link leads into a call, and not to its recording."""
    try:
        parts = urlsplit(link.href)
    except ValueError:
        return False
    return bool(_CALL_HOSTS.search(parts.hostname or "")) and not re.search(r"/rec(?:ording)?/|/share/", parts.path)


def is_place(link: Link) -> bool:
    """Return whether a link leads to a place of the same page, to a person or to nothing."""
    return not link.href or link.href.startswith(("#", "mailto:", "javascript:", "tel:"))


def material_of(link: Link, *, column: str = "", before: str = "") -> LinkedMaterial:
    """Return what a link of a session is.

    Args:
        link: with its text.
        column: the kind that its column says, if any.
        before: the words before it, such as 'Readings:'.
    """
    kind = _kind(link, column, before)
    return LinkedMaterial(kind, " ".join(link.text.split())[:200], link.href)


def _kind(link: Link, column: str, before: str) -> str:
    path = re.sub(r"^https?://", "", re.split(r"[?#]", link.href.lower(), maxsplit=1)[0])
    by_text = word_kind(link.text)
    by_host = next((kind for kind, pattern in _HOSTS if pattern.search(path)), "")
    last = path.rpartition("/")[2]
    ending = _ENDINGS.get(last.rpartition(".")[2] if "." in last else "", "")
    if RECORDING in (by_host, ending):
        return RECORDING
    if column and column != OTHER:
        is_other = by_text and not re.fullmatch(r"\W*(?:pdf|pptx?|slides?|link)\W*", link.text, _I)
        if column == SLIDES and by_host == READING:
            return READING
        return by_text if is_other and column in (SLIDES, NOTES, RECORDING) else column
    if is_call(link):
        return CALL
    if not column and (len(link.text.split()) > 4 or (by_text == SLIDES and by_host == READING)):
        by_text = ""
    if by_text == SLIDES and by_host == CODE and ending != SLIDES:
        by_text = CODE
    is_slides = path.endswith(".pdf") and _SLIDES_PATH.search(path)
    return by_text or word_kind(before) or ending or by_host or (SLIDES if is_slides else OTHER)


@lru_cache(maxsize=4096)
def word_kind(text: str) -> str:
    """Return which kind the words of a link, a label or a column's heading name, or ''."""
    words = [(match.start(), kind) for kind, pattern in _WORDS if (match := pattern.search(text))]
    if not words:
        return ""
    names = {kind for _start, kind in words}
    if SLIDES in names and RECORDING in names and re.search(r"video|record|aufz", text, _I):
        return RECORDING
    if len(text.split()) > 6:
        return ""
    # 'Reading (pdf)', 'Lecture notes (pdf)': what it is, not how it is kept.
    others = [
        word
        for word in words
        if word[1] != SLIDES
        or not re.fullmatch(r".*\b(?:pdf|pptx?)\b.*", text, _I)
        or re.search(r"slide|folie", text, _I)
    ]
    return min(others or words)[1]
