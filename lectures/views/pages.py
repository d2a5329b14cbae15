"""One lecture: abstract, slides in the page, recording, downloads, earlier and later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from amls.agenda.managers import JOIN_LEAD
from amls.courses.access import Access, open_course
from amls.courses.accounts import user_or_none
from amls.pagecache.parts import Shared
from amls.pagecache.signed_in import kept_for_reader
from amls.pagecache.store import Key, cacheable, store
from lectures.advice import advice_for
from lectures.models import Lecture, Material
from lectures.page import (
    Deck,
    ShownChapter,
    Texts,
    add_versions,
    changed_since_download,
    chapters_of,
    deck_of,
    position_of,
    texts_of,
)
from lectures.queries import lectures_for
from lectures.targets import Shown, first_of, shown_of


def find_lecture(access: Access, ref: str) -> tuple[Lecture, list[Lecture]]:
    """Return the lecture that `ref` stands for in its address, and all lectures of the course.

    Raises:
        Http404: there is none.
    """
    lectures = lectures_for(access)
    for lecture in lectures:
        if lecture.ref == ref:
            return lecture, lectures
    raise Http404


class LectureShared(Shared):
    """What a lecture's page shows to everybody of an audience.

    Attributes:
        ref: what stands for the lecture in its address.
    """

    def __init__(self, access: Access, ref: str) -> None:
        super().__init__(access)
        self.ref = ref

    @property
    def key(self) -> Key:
        """Return what its parts are kept under."""
        return (*super().key, self.ref)

    @cached_property
    def _found(self) -> tuple[Lecture, list[Lecture]]:
        return find_lecture(self._access, self.ref)

    @cached_property
    def lecture(self) -> Lecture:
        """Return the lecture with its `shown_materials` and their versions: 3 queries; raises Http404."""
        lecture = self._found[0]
        add_versions(lecture.shown_materials)  # type: ignore[attr-defined]
        return lecture

    @property
    def materials(self) -> list[Material]:
        """Return what this audience may open, and what is announced."""
        return list(self.lecture.shown_materials)  # type: ignore[attr-defined]

    @property
    def earlier(self) -> Lecture | None:
        """Return the lecture before this one."""
        lecture, lectures = self._found
        place = lectures.index(lecture)
        return lectures[place - 1] if place else None

    @property
    def later(self) -> Lecture | None:
        """Return the lecture after this one."""
        lecture, lectures = self._found
        return next(iter(lectures[lectures.index(lecture) + 1 :]), None)

    @cached_property
    def _texts(self) -> Texts:
        return texts_of(self.materials)

    @cached_property
    def shown(self) -> Shown:
        """Return which files the page shows: 1 query more."""
        return shown_of(self.lecture, self.materials, {pk: len(passages) for pk, passages in self._texts.items()})

    @cached_property
    def deck(self) -> Deck | None:
        """Return the slides."""
        return deck_of(self._access, self.shown.deck, self.shown.notes, self._texts)

    @cached_property
    def presentation(self) -> Deck | None:
        """Return the presentation that has other slides than the deck."""
        return deck_of(self._access, self.shown.apart, None, self._texts)

    @property
    def slides(self) -> Material | None:
        """Return the PDF, read or not."""
        return first_of(self.materials, Material.Kind.PDF)

    @cached_property
    def chapters(self) -> list[ShownChapter]:
        """Return the recording's chapters: 2 queries."""
        return chapters_of(self.lecture, self.materials, self.deck) if self.shown.recording is not None else []

    @property
    def joins_now(self) -> bool:
        """Return whether it is time to join."""
        return self.lecture.is_on_at(self.now, JOIN_LEAD)

    @property
    def is_on(self) -> bool:
        """Return whether it goes on."""
        return self.lecture.is_on_at(self.now)

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return self.lecture.is_over_at(self.now)


@dataclass(frozen=True, slots=True)
class LectureFacts:
    """What is asked of a lecture before its page's parts are: kept beside them.

    Attributes:
        name: of the lecture, in words.
        versions: the newest version (a file's pk) of each material that this audience may open, by the material's pk.
        recording: the pk of what is watched, None without one.
        is_played: whether it is watched on the page.
        has_deck: whether slides are shown one by one.
    """

    name: str
    versions: Mapping[int, int | None]
    recording: int | None
    is_played: bool
    has_deck: bool
    valid_until: datetime

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return 500 + 100 * len(self.versions)

    @classmethod
    def of(cls, shared: LectureShared) -> LectureFacts:
        """Return them: no query where they are kept; raises Http404."""
        key: Key = (*shared.key, "lecture facts")
        facts = store.get(key, LectureFacts) if shared.is_kept else None
        if facts is not None and shared.now < facts.valid_until:
            return facts
        recording = shared.shown.recording
        facts = cls(
            name=str(shared.lecture),
            versions={material.pk: material.current_id for material in shared.materials},
            recording=recording.pk if recording is not None else None,
            is_played=recording is not None and recording.current is not None,
            has_deck=shared.deck is not None,
            valid_until=shared.valid_until if shared.is_kept else shared.now,
        )
        if shared.is_kept:
            store.put(key, facts)
        return facts


@require_safe
@kept_for_reader
def lecture(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Show one lecture."""
    access = open_course(request, slug)
    shared = LectureShared(access, ref)
    facts = LectureFacts.of(shared)
    user = user_or_none(request)
    going_on, to_mend = advice_for(shared.lecture) if access.is_manager else ([], [])
    context = {
        "access": access,
        "course": access.course,
        "shared": shared,
        "facts": facts,
        "said_back": "lecture",
        "is_presentation_open": "presentation" in request.GET,
        "position": position_of(user, facts.recording),
        "starts_at_second": _asked_second(request),
        "changed": changed_since_download(user, facts.versions),
        "going_on": going_on,
        "to_mend": to_mend,
    }
    response = render(request, "lectures/lecture.html", context)
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


def _asked_second(request: HttpRequest) -> int | None:
    """Return where the address says that the recording is to start, if it does."""
    asked = request.GET.get("t", "")
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= 6 else None
