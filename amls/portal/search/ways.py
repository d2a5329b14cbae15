"""The pages of a course and of this site, and what is done there, found by the words that people have for them.

One list for all who lead somewhere by words: what is found on the search page and in the palette, and what the palette
offers before anything is typed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cache
from operator import attrgetter

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from amls.courses.models import Course, Language
from amls.portal.course_places import Places, places_of
from amls.portal.search.query import Typed, folded_words
from amls.portal.search.readers import Reader

# Across courses the ways into so many of them, and so many ways in all.
_MOST_COURSES, _MOST_WAYS = 3, 6
# What German verbs leave at the end of a sentence, folded; and of how many letters at least the rest of them is.
_PARTS_OF_VERBS, _SHORTEST_VERB = frozenset(["ab", "an", "aus", "ein", "um", "zuruck"]), 3


class Whom(Enum):
    """Who goes a way."""

    ALL = "all"
    VISITORS = "visitors"
    SIGNED_IN = "signed in"
    MEMBERS = "members"
    NO_MEMBERS = "no members"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Way:
    """A page, or what is done on one.

    Attributes:
        view: the name of its address; of a course's it takes the slug.
        words: by which people of both languages ask for it, beside those of its title.
        does: whether it is named for what one does there.
        place: an anchor on the page.
        has: whether a course with these places has something there; its staff go there in any case, to begin.
    """

    view: str
    title: str | Promise
    words: str
    whom: Whom = Whom.ALL
    does: bool = False
    place: str = ""
    has: Callable[[Places], bool] = bool

    @property
    def said(self) -> frozenset[str]:
        """All words by which it is found, as they are written."""
        return frozenset([*self.words.split(), *(word.lower() for word in _titles(self).split())])

    def address(self, course: Course | None) -> str:
        """Return where it leads; a course's way in that course."""
        return reverse(self.view, args=[course.slug] if course is not None else []) + self.place


_PROJECTS, _ASSIGNMENTS, _EXAMS = (attrgetter(name) for name in ("has_projects", "has_assignments", "has_exams"))
OF_A_COURSE = (
    Way(
        "portal:home", _("Course"),
        "kurs start startseite home overview übersicht neuigkeiten news vorlesung vorlesungen lecture lectures folien slides skript "
        "unterlagen material materialien aufzeichnung aufzeichnungen recording recordings video videos "
        "link online zoom webex einwahl einwahllink meeting",
    ),
    Way(
        "agenda:schedule", _("Schedule"),
        "plan stundenplan zeitplan terminplan vorlesungsplan termine dates calendar kalender timetable month monat",
    ),
    Way("projects:topics", _("Projects"), "projekt projektthemen thema themen topic topics auswahl choose wählen team", has=_PROJECTS),
    Way(
        "projects:assignments", _("Assignments"),
        "assignment aufgaben aufgabe übung übungen übungsblatt übungsblätter sheet sheets homework hausaufgaben exercises",
        has=_ASSIGNMENTS,
    ),
    Way(
        "exams:exams", _("Exams"),
        "exam klausur klausuren prüfung prüfungen examination test seat sitzplatz slip retake resit nachklausur nachprüfung wiederholungsprüfung wiederholungsklausur "
        "warteliste waiting list einsicht review krank krankheit attest sick nachteilsausgleich accommodation",
        has=_EXAMS,
    ),
    Way(
        "portal:me", _("My course"),
        "mein meine status state points punkte grade grades note noten result results ergebnis ergebnisse bewertung feedback zulassung admission progress",
        Whom.MEMBERS,
    ),
    Way("mail:mine", _("Mail of this course"), "e-mail email mails erinnerung erinnerungen reminder reminders notifications benachrichtigungen abbestellen unsubscribe", Whom.MEMBERS),
    Way("portal:schedule_pdf", _("Schedule as PDF"), "drucken print stundenplan"),
    Way("portal:gradebook", _("Gradebook"), "noten punkte grades points", Whom.STAFF),
    Way("mail:staff", _("Announcements and mail"), "ankündigung announce rundmail", Whom.STAFF),
    Way("lectures:move_sessions", _("Move weekly sessions"), "verlegen verschieben reschedule slot wochentermin wochentag weekday raum room vorlesung vorlesungen lecture lectures", Whom.STAFF, does=True),
    Way("held:held", _("Held back"), "zurückgehalten zurücknehmen rückgängig undo take back wartet waiting", Whom.STAFF),
    Way("portal:stats", _("Statistics"), "zahlen numbers usage", Whom.STAFF),
    Way("agenda:subscribe", _("Subscribe to the calendar"), "abonnieren abo ical ics feed kalender google outlook apple export", does=True),
    Way(
        "projects:mine", _("My project"),
        "projekt mein meine thema topic team gruppe partner wechseln wechsel switch verlassen einladen einladung invite mitglied member",
        Whom.MEMBERS,
        has=_ASSIGNMENTS,
    ),
    Way("projects:mine", _("Hand in"), "abgeben abgabe einreichen submit submission upload hochladen extension verlängerung fristverlängerung", Whom.MEMBERS, does=True, has=_ASSIGNMENTS),
    Way("exams:exams", _("Sign up for an exam"), "anmelden anmeldung prüfungsanmeldung klausuranmeldung register registration signup klausur prüfung", does=True, has=_EXAMS),
    Way("exams:exams", _("Withdraw from an exam"), "abmelden abmeldung rücktritt zurücktreten withdrawal cancel klausur prüfung deregister", does=True, has=_EXAMS),
    Way("portal:me", _("Leave the course"), "kurs verlassen abmelden austragen austreten drop quit unenrol unenroll", Whom.MEMBERS, does=True, place="#leave"),
    Way("portal:enrol", _("Join the course"), "einschreiben einschreibung beitreten teilnehmen teilnahme enrol enroll enrolment", Whom.NO_MEMBERS, does=True),
)  # fmt: skip
OF_THE_SITE = (
    Way("account_login", _("Sign in"), "login log anmelden einloggen", Whom.VISITORS, does=True),
    Way("portal:my_dates", _("My dates of all courses"), "termine kalender calendar ics", Whom.SIGNED_IN),
    Way("portal:profile", _("Name and language"), "profil profile sprache matrikelnummer matriculation number konto account", Whom.SIGNED_IN),
    Way("account_email", _("E-mail addresses"), "email adresse mail konto account", Whom.SIGNED_IN),
    Way("account_change_password", _("Password"), "kennwort change ändern", Whom.SIGNED_IN),
    Way("mfa_index", _("Passkeys and second factor"), "2fa totp sicherheit security authenticator", Whom.SIGNED_IN),
    Way("usersessions_list", _("Signed-in devices"), "sessions sitzungen geräte abmelden logout", Whom.SIGNED_IN),
    Way("usersessions_list", _("Notices on devices"), "push hinweise benachrichtigung benachrichtigungen notification notifications", Whom.SIGNED_IN),
    Way("exports:data", _("My data"), "daten datenschutz gdpr dsgvo download löschen delete konto account", Whom.SIGNED_IN),
    Way("admin:index", _("Desk"), "admin verwaltung", Whom.STAFF),
)  # fmt: skip


class Fit(IntEnum):
    """How well something is named, the best first."""

    NAMED = 0
    KNOWN = 1
    # Only begun: 'haus' may become 'Hausaufgaben', and means a house as long as it does not.
    BEGUN = 2


@dataclass(frozen=True, slots=True)
class Led:
    """A way of one course, or of the site."""

    way: Way
    course: Course | None

    @property
    def url(self) -> str:
        """Where it leads."""
        return self.way.address(self.course)

    @property
    def part(self) -> tuple[int | None, bool]:
        """What of the palette it belongs to: whose ways, and whether something is done there."""
        return self.course.pk if self.course is not None else None, self.way.does


def ways_for(reader: Reader) -> Iterator[Led]:
    """Yield all ways that the reader may go, of their first courses, then of the site: 1 query for each course that changed."""
    for course in list(reader.courses.values())[:_MOST_COURSES]:
        yield from (Led(way, course) for way in OF_A_COURSE if _may_go(reader, way, course))
    yield from (Led(way, None) for way in OF_THE_SITE if _may_go(reader, way, None))


def ways_to(reader: Reader, typed: Typed) -> list[tuple[Fit, Led]]:
    """Return the ways that all telling words of what was typed speak of, best first."""
    fitting = []
    for led in ways_for(reader):
        title, known = _words(led.way)
        fit = fit_of(typed, title, known)
        if fit is not None:
            fitting.append((fit, led))
    fitting.sort(key=lambda pair: pair[0])
    return fitting[:_MOST_WAYS]


def fit_of(
    typed: Typed, title: frozenset[str], known: frozenset[str], beside: frozenset[str] = frozenset()
) -> Fit | None:
    """Return how well words that were typed name something, or None.

    Args:
        typed: its last word may be the beginning of one.
        title: the folded words of its name.
        known: all by which it is known.
        beside: folded words that may stand beside those, and alone mean something else.
    """
    words = _joined(typed, known)
    if beside:
        words = [word for word in words if word not in beside]
    if not words:
        return None
    if _fits(words, title, may_begin=typed.is_last_open):
        return Fit.NAMED
    if _fits(words, known, may_begin=False):
        return Fit.KNOWN
    return Fit.BEGUN if _fits(words, known, may_begin=typed.is_last_open) else None


def _joined(typed: Typed, known: frozenset[str]) -> list[str]:
    """Return the telling words, 'melde … ab' as the known word that it is in a German question, 'abmelden'."""
    words = list(typed.telling)
    apart = _PARTS_OF_VERBS & typed.all_folded
    for part in apart:
        for place, word in enumerate(words):
            if len(word) <= _SHORTEST_VERB:
                continue
            whole = next((verb for verb in known if verb.startswith(part + word[:-1])), None)
            if whole is not None:
                return [other for other in [*words[:place], whole, *words[place + 1 :]] if other != part]
    return words


def _fits(words: list[str], known: frozenset[str], *, may_begin: bool) -> bool:
    *whole, last = words
    begins = may_begin and len(last) > 1 and any(word.startswith(last) for word in known)
    return known.issuperset(whole) and (begins or last in known)


def _may_go(reader: Reader, way: Way, course: Course | None) -> bool:
    pk = course.pk if course is not None else None
    is_member, is_staff = pk in reader.enrolled, pk in reader.managed
    if course is not None and not is_staff and not way.has(places_of(course)):
        return False
    return {
        Whom.ALL: True,
        Whom.VISITORS: not reader.is_signed_in,
        Whom.SIGNED_IN: reader.is_signed_in,
        Whom.MEMBERS: is_member,
        Whom.NO_MEMBERS: not is_member and not is_staff,
        Whom.STAFF: is_staff if course is not None else bool(reader.managed),
    }[way.whom]


@cache
def _titles(way: Way) -> str:
    """Return a way's title in every language."""
    titles = []
    for language in Language.values:
        with override(language):
            titles.append(str(way.title))
    return " ".join(titles)


@cache
def _words(way: Way) -> tuple[frozenset[str], frozenset[str]]:
    """Return the folded words of a way's title in every language, and all by which it is found."""
    title = frozenset(folded_words(_titles(way)))
    return title, title | frozenset(folded_words(way.words))
