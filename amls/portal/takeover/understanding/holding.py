"""How a session or an exam is held, as remarks, brackets and what stands behind a time say it: when, where and in which mode."""

import re
from dataclasses import dataclass, replace

from amls.portal.takeover.understanding.drafts import Draft
from amls.portal.takeover.understanding.rooms import clean_room, is_place, mode_of, pieces_of_place, room_of, says_only
from amls.portal.takeover.understanding.times import Times, find_times

_BRACKETS = re.compile(r"\s*\((?P<said>[^()]*)\)")
# In a title 'virtual', 'digital' and 'hybrid' may be its topic: 'Memory (virtual)'.
_TOPICS = re.compile(r"\W*(?:virtual|digital|hybrid|remote)\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Held:
    """What a remark says of how a session is held; '' and None where it says nothing of it."""

    times: Times | None = None
    room: str = ""
    mode: str = ""


def held_as(text: str) -> Held | None:
    """Return how a session is held by a remark that says nothing else: 'nur online (Zoom)', '14:15–15:45 Uhr, SR 104'.

    A room alone is none, as 'Kapitel 3' looks like one.
    """
    spans = [span for span in find_times(text) if not span.problem]
    if len(spans) > 1:
        return None
    rooms: list[str] = []
    modes: set[str] = set()
    for piece in pieces_of_place(_without(text, spans)):
        if mode_of(piece):
            modes.add(mode_of(piece))
        elif room_of(piece):
            rooms.append(room_of(piece))
        else:
            return None
    if not (spans or modes):
        return None
    mode = "" if not modes else modes.pop() if len(modes) == 1 else "hybrid"
    return Held(spans[0] if spans else None, ", ".join(rooms), "hybrid" if mode == "virtual" and rooms else mode)


def with_remarks(draft: Draft) -> Draft:
    """Return a draft with the time, room and mode that the brackets of its title and its remarks say."""
    title = draft.title
    for brackets in _BRACKETS.finditer(draft.title):
        said = held_as(brackets.group("said")) or _left_of_time(draft, brackets.group("said"))
        if said is not None and _TOPICS.fullmatch(brackets.group("said")) is None:
            draft = _with(draft, said, is_only=says_only(brackets.group("said")))
            title = title.replace(brackets.group(), "", 1)
    for remark in draft.details:
        said = held_as(remark)
        if said is not None:
            draft = _with(draft, said, is_only=says_only(remark))
    return replace(draft, title=title.strip() or draft.title)


def _left_of_time(draft: Draft, text: str) -> Held | None:
    """Return the room that brackets named behind a time, which was taken out of them: '(, Statler Aud)'."""
    rooms = pieces_of_place(text)
    is_left = draft.times is not None and re.match(r"\s*,", text) is not None
    return Held(room=", ".join(map(clean_room, rooms))) if is_left and rooms and all(map(is_place, rooms)) else None


def _with(draft: Draft, said: Held, *, is_only: bool) -> Draft:
    """Return a draft with what is said of it; its own cells go before, and with a room of its own 'Zoom' is hybrid."""
    mode = "hybrid" if said.mode == "virtual" and draft.room and not is_only else said.mode
    return replace(
        draft, times=draft.times or said.times, room=draft.room or said.room, mode=draft.mode or mode,
    )  # fmt: skip


def places_of_exam(title: str, text: str) -> str:
    """Return the rooms that the title of an exam names, or what stands behind its time: 'Walker Gym' of '7pm-9pm, Walker Gym'.

    Args:
        title: of the exam, which names it first.
        text: of its row.
    """
    plain = _without(title, find_times(title))
    named = ", ".join(room for piece in pieces_of_place(plain)[1:] if (room := room_of(piece)))
    if named:
        return named
    for span in find_times(text):
        behind = re.match(r"\s*[,(]\s*(?P<place>[^,;()|\n]+)", text[span.end :])
        if behind is not None and is_place(behind.group("place").strip(" .")):
            return clean_room(behind.group("place"))
    return ""


def _without(text: str, spans: list[Times]) -> str:
    for span in reversed(spans):
        text = f"{text[: span.start]}, {text[span.end :]}"
    return text
