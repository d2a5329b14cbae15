"""Rooms and modes, as brackets, cells and sentences name them."""

import re

_I = re.IGNORECASE
ROOM = r"(?-i:[A-ZÄÖÜ])[\w.-]*?(?:[ -]?[A-Za-z]{0,3}\d[\w.-]*)"
_MODES = {
    "virtual only": "virtual", "virtual": "virtual", "virtually": "virtual", "online": "virtual", "online only": "virtual", "zoom": "virtual", "via zoom": "virtual", "on zoom": "virtual",
    "remote": "virtual", "digital": "virtual", "webex": "virtual", "teams": "virtual", "bbb": "virtual", "hybrid": "hybrid", "in person": "in_person", "in-person": "in_person", "on site": "in_person", "präsenz": "in_person", "in präsenz": "in_person", "vor ort": "in_person",
}  # fmt: skip
_LABELLED = re.compile(
    r"^(?:moved to|verlegt (?:in|nach)|now in|in|at|@|im|room:?|raum:?|location:?|ort:?|venue:?|rm\.?)\s+(?P<room>\S.*)$",
    _I,
)
_PLACE_WORD = re.compile(
    r"\b(?:room|rm|hall|hörsaal|hs|raum|auditorium|audimax|aud|theatre|theater|lt|building|bldg|geb|center|centre|lab|pool|library|campus|saal|seminarraum|sr|zoom|stata|gates)\b",
    _I,
)
_SENTENCE = re.compile(
    rf"\b(?:in|im|at|@)\s+(?:(?:the|der|dem)\s+)?(?:lecture\s+)?(?:(?P<word>(?:room|hall|raum|hörsaal|saal|building|rm\.?|seminarraum)\s+)?"
    rf"(?P<room>{ROOM}(?:\s*(?:[,/&+]|\b(?:und|and)\b)\s*(?-i:[A-ZÄÖÜ]{{1,4}} ?\d{{3,4}}[a-z]?)\b)*))",
    _I,
)
_BEHIND = re.compile(
    r"^\s*[,;·|(@-]*\s*(?:(?:in|im|at|@|room|raum|location|ort|rm)\b[\s:.]*)*(?P<room>[^.;|·()\n]+?(?:\.\d[\w.]*)*)\s*(?=[.;|·()\n]|$|,\s*(?:and|und|hybrid|online|zoom|via|starting|ab|beginn)|\s+(?:and|und|via|starting|beginning|ab|statt|hybrid|mit|with|on zoom|as well)\b)",
    _I,
)


# As rooms stand behind the time of an exam: 'HS 1', 'MA 001', 'Walker Gym', but not 'Open Book'.
_PLACE = re.compile(
    r"(?:HS|H|Room|Raum|Hörsaal|[A-Z]{1,4})\s?[\w.-]*\d[\w.-]*|[A-Z][\w-]+ \d{1,4}|(?:(?:in|im|at) )?[A-ZÄÖÜ][\w'’.-]+(?: [A-ZÄÖÜ\d][\w'’.-]*){0,3}"
)
_MANNER = re.compile(
    r"\b(?:open|closed|class|book|notes|choice|written|oral|schriftlich|mündlich|pflicht|anmeldung|registration)\b", _I
)
_ONLY = re.compile(r"\b(?:only|nur|ausschließlich)\b", _I)


def is_place(text: str) -> bool:
    """Return whether what stands behind a time and a comma is a place: capitals tell, where it is no mode and no manner."""
    return _PLACE.fullmatch(text) is not None and not mode_of(text) and _MANNER.search(text) is None


def says_only(text: str) -> bool:
    """Return whether a text says that there is nothing else: 'nur online'."""
    return _ONLY.search(text) is not None


def clean_room(text: str) -> str:
    """Return a room as written, but for one space between letters and digits: 'H0111' is 'H 0111'."""
    room = " ".join(re.split(r"\\|\$", text)[0].strip(" .,;:").split())
    room = re.sub(r"^(?:room|raum|rm\.?|hörsaal(?=\s+[A-Z]+\s?\d)|in|im|at)\s+", "", room, flags=_I)
    return re.sub(r"^([A-ZÄÖÜ]{1,3})(\d)", r"\1 \2", room)


def mode_of(token: str) -> str:
    """Return the mode that a token alone names, in one word or several such as 'online (Zoom)', or ''."""
    modes = {_mode_of_word(word) for word in pieces_of_place(token)}
    if "" in modes or not modes:
        return ""
    return modes.pop() if len(modes) == 1 else "hybrid"


def _mode_of_word(word: str) -> str:
    plain = " ".join(_ONLY.sub(" ", word).lower().split())
    return _MODES.get(re.sub(r"^(?:via|per|über|on|auf|bei|mit)\s+", "", plain), "")


def pieces_of_place(text: str) -> list[str]:
    """Return the pieces of what names places: rooms, modes, and whatever else stands among them."""
    words = re.split(r"\s*[,;/&+|()\[\]]\s*|\s+(?:und|and|sowie|oder|or)\s+|\s+(?=(?:via|per|über)\s)", text, flags=_I)
    return [word for word in (word.strip(" .:–—-") for word in words) if word]


def place_of(text: str) -> tuple[str, str]:
    """Return the room and the mode that a cell of rooms names, each '' where it names none: 'H 0104 + Zoom' is both."""
    words = pieces_of_place(text)
    modes = {mode for word in words if (mode := _mode_of_word(word))}
    rooms = [word for word in words if not _mode_of_word(word)]
    if not modes or not all(map(room_of, rooms)):
        return clean_room(text), ""
    if rooms:
        return ", ".join(map(clean_room, rooms)), "in_person" if modes == {"in_person"} else "hybrid"
    return "", modes.pop() if len(modes) == 1 else "hybrid"


def room_of(token: str) -> str:
    """Return the room that a token of brackets or a list names, or ''."""
    labelled = _LABELLED.match(token)
    if labelled is not None:
        return clean_room(labelled.group("room"))
    if (
        re.fullmatch(ROOM, token)
        or (_PLACE_WORD.search(token) and len(token) < 40)
        or re.fullmatch(r"\d{1,3}-\d{2,4}|[A-Z]{1,4}\d?-[\w.]+|[A-Z]\w+ [A-Z]?\d{1,4}[a-z]?", token)
    ):
        return clean_room(token)
    return ""


def room_in(text: str) -> str:
    """Return the room that a sentence names behind 'in', or ''."""
    match = _SENTENCE.search(text)
    return clean_room(match.group("room")) if match else ""


def room_behind(text: str) -> str:
    """Return the room that follows a time in a line such as 'Mon 10:00-11:00, Gates B03'."""
    match = _BEHIND.match(text)
    if match is None:
        return ""
    room = clean_room(re.sub(r"^(?:in[- ])?(?:person|hybrid|online|virtual)\b\W*", "", match.group("room"), flags=_I))
    if mode_of(room) or not room or len(room) > 60 or not re.search(r"[A-ZÄÖÜ\d]", room[:12]):
        return ""
    if re.match(
        r"(?:lectures?|starting|ab|the|every|weekly|wöchentlich|all times|recorded|instructor|est|edt|pst|pdt|eastern|pacific|ct|et|pt|cet)\b",
        room,
        _I,
    ):
        return ""
    return room


def mode_in(text: str) -> str:
    """Return how a sentence says that something is held."""
    is_online = re.search(r"\b(?:virtual|virtually|online|zoom|hybrid)\b", text, _I) is not None
    has_room = bool(room_in(text)) or re.search(r"\bhybrid\b", text, _I) is not None
    if is_online:
        return "hybrid" if has_room else "virtual"
    return "in_person"
