"""What was found, in words: what is fine, what is not, and what to do about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.files.storing import MARK
from amls.mail.managers import SENDER, SERVER
from amls.portal.health.state import State
from lectures.extraction.run import office_program

# What stands still where nobody serves a queue.
_WORK_OF = {
    "mail": gettext_lazy("no mail leaves"),
    "exports": gettext_lazy("no PDF and no table is made"),
    "default": gettext_lazy("slides are not read, hand-ins are not checked, nothing is tidied up"),
}
_NAMES = {
    "amls.mail.tasks.deliver": gettext_lazy("Mails"),
    "amls.mail.tasks.push": gettext_lazy("Notices on devices"),
    "amls.exports.tasks.work": gettext_lazy("Exports"),
    "amls.held.tasks.apply_held": gettext_lazy("What was held back"),
    "lectures.tasks.extract": gettext_lazy("Slides to read"),
    "projects.tasks.allocate_topics": gettext_lazy("Topics to give by wish"),
    "projects.tasks.check_attempts": gettext_lazy("Hand-ins to check"),
    "amls.portal.tasks.fetch_drafts": gettext_lazy("Course pages to fetch"),
    "amls.portal.tasks.read_upstreams": gettext_lazy("Pages elsewhere to read again"),
}
# What a mail server may not agree with, by the setting that says it: name, title, and what to do.
_MAIL_SETTINGS = {
    SERVER: (
        "mail-server",
        gettext_lazy("Mail server (EMAIL_URL)"),
        gettext_lazy(
            "It is away, or takes no mail from here: look at host, port, user and password in EMAIL_URL, and at what it said, "
            "which the outbox lists. What waits is tried again by itself, for a day."
        ),
    ),
    SENDER: (
        "mail-sender",
        gettext_lazy("Sender of mails (DEFAULT_FROM_EMAIL)"),
        gettext_lazy(
            "The mail server takes no mail from this sender: look at DEFAULT_FROM_EMAIL, and at what the server said, which the "
            "outbox lists. What waits is tried again by itself, for a day."
        ),
    ),
}
_CLOCKS = {"this server": gettext_lazy("this server"), "the front server": gettext_lazy("the front server")}


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at.

    Attributes:
        name: what it is called in `/readyz` and `/metrics`, such as 'queue-mail'.
        title: in words.
        said: how it is.
        advice: what is wrong and what to do; empty where nothing is.
    """

    name: str
    title: str
    said: str
    advice: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether somebody has to do something."""
        return bool(self.advice)


def findings(state: State) -> list[Observation]:
    """Return what was found, in the language that is active; what matters most comes first."""
    observations = [*_foundations(state)]
    if state.has_tables:
        observations += [*_processes(state), *_work(state), _storage(state), _files(state)]
    return [*observations, _office(), *_disks(state), *_places(state), *_clocks(state)]


def _foundations(state: State) -> Iterator[Observation]:
    yield Observation(
        "database",
        _("Database"),
        _("reachable") if state.is_database_up else _("does not answer"),
        "" if state.is_database_up else _("Nothing works until it does."),
    )
    if state.migrations is not None:
        count = state.migrations
        yield Observation(
            "migrations",
            _("Migrations"),
            ngettext("%(count)d to apply", "%(count)d to apply", count) % {"count": count}
            if count
            else _("all applied"),
            _("Run manage.py migrate.") if count else "",
        )
    yield Observation(
        "key",
        _("Key"),
        _("that of this database") if state.is_key_known else _("another one than this database was written with"),
        ""
        if state.is_key_known
        else _(
            "Receipts, feeds, links and sessions of before are not valid. Set SECRET_KEY to the key of before (it is in the "
            "backup), or name that in SECRET_KEY_FALLBACKS if it was replaced."
        ),
    )
    lacking = len(state.lacking_statics)
    yield Observation(
        "static-files",
        _("Styles and scripts"),
        ngettext("%(count)d was not collected", "%(count)d were not collected", lacking) % {"count": lacking}
        if lacking
        else _("collected"),
        _(
            "Pages can't be shown. Run `manage.py collectstatic --no-input`, then start the web server of this machine anew."
        )
        if lacking
        else "",
    )
    yield Observation(
        "broker",
        _("Broker"),
        _("reachable") if state.is_broker_up else _("does not answer"),
        ""
        if state.is_broker_up
        else _(
            "Pages work. Mails, exports and the like wait, and go on by themselves once it is back: start it again."
        ),
    )


def _processes(state: State) -> Iterator[Observation]:
    unserved = set(state.presence.unserved())
    for queue in sorted({*_WORK_OF, *unserved}):
        names = [process.name for process in state.presence.workers if queue in process.queues]
        advice = ""
        if queue in unserved:
            what = _WORK_OF.get(queue, _("its work stands still"))
            advice = _("Nobody serves it: %(what)s. Start its worker.") % {"what": what}
        yield Observation(
            f"queue-{queue}",
            _("Workers of the queue '%(queue)s'") % {"queue": queue},
            ", ".join(names) or _("none"),
            advice,
        )
    beats = [process.name for process in state.presence.beats]
    yield Observation(
        "beat",
        _("Beat"),
        ", ".join(beats) or _("none"),
        "" if beats else _("Nothing is begun when it is due: reminders, retries, sweeps. Start beat."),
    )
    for process in state.presence.silent:
        yield Observation(
            f"process-{process.name}",
            process.name,
            _("silent for %(time)s") % {"time": _since(process.seen_at, state.now)},
            _("It was killed or hangs. Start it again, or let it be forgotten within a day if it is gone for good."),
        )


def _work(state: State) -> Iterator[Observation]:
    mail, exports = state.mail, state.exports
    if mail is not None:
        is_odd = mail.is_beat_missing and bool(state.presence.beats)
        yield Observation(
            "round",
            _("Last round of beat"),
            _("%(time)s ago") % {"time": _since(mail.last_beat_at, state.now)} if mail.last_beat_at else _("never"),
            _("Beat runs, but its calls do not reach the worker of mails: look at the broker and that worker's log.")
            if is_odd
            else "",
        )
    if mail is not None and mail.held_since is not None:
        yield Observation(
            "held",
            _("Mail"),
            _("held back for %(time)s, since a backup was restored") % {"time": _since(mail.held_since, state.now)},
            _("Release it with `manage.py release_mail`, which asks what had been sent before."),
        )
    yield from _mail_settings(mail.refused if mail is not None else {})
    late = {backlog.task for backlog in state.late()}
    for backlog in state.backlogs:
        said = _("none waits")
        if backlog.oldest_since is not None:
            said = ngettext("%(count)d waits, for %(time)s", "%(count)d wait, the oldest for %(time)s", backlog.count)
            said %= {"count": backlog.count, "time": _since(backlog.oldest_since, state.now)}
        yield Observation(
            f"waiting-{backlog.task}",
            str(_NAMES.get(backlog.task, backlog.task)),
            said,
            _("That is long: look at the worker of its queue, and at its log.") if backlog.task in late else "",
        )
    for name, title, count in (
        ("failed-mail", _("Mails that failed within a day"), mail.failed if mail else 0),
        ("failed-exports", _("Exports that failed within a day"), exports.failed if exports else 0),
    ):
        yield Observation(name, title, str(count), _("The desk lists them, with the reason.") if count else "")


def _mail_settings(refused: Mapping[str, int]) -> Iterator[Observation]:
    for setting, (name, title, advice) in _MAIL_SETTINGS.items():
        if count := refused.get(setting, 0):
            said = ngettext("%(count)d mail was not taken", "%(count)d mails were not taken", count)
            yield Observation(name, str(title), said % {"count": count}, str(advice))
        else:
            yield Observation(name, str(title), _("no mail waits for it"))


def _storage(state: State) -> Observation:
    return Observation(
        "storage",
        _("Storage of uploads"),
        _("that of this installation") if state.is_storage_own else _("another one than this installation's"),
        ""
        if state.is_storage_own
        else _(
            "This server takes no upload, so that none is lost, and can't give stored files. Look whether the disk of %(path)s is "
            "mounted, and whether what people sent lies below it, in the folder that is there without it. Where it is the right "
            "one, copied without the file %(mark)s, run `manage.py adopt_storage`."
        )
        % {"path": settings.MEDIA_ROOT, "mark": MARK},
    )


def _files(state: State) -> Observation:
    count = state.missing_files
    return Observation(
        "files",
        _("Stored files"),
        ngettext("%(count)d is missing", "%(count)d are missing", count) % {"count": count}
        if count
        else _("none is missing"),
        _(
            "Look whether the disk of %(path)s is mounted on every server; else restore them from a backup. People are told to come back later. `manage.py strays` names them."
        )
        % {"path": settings.MEDIA_ROOT}
        if count
        else "",
    )


def _office() -> Observation:
    said = (
        _("LibreOffice is on this server: those without a PDF are drawn")
        if office_program() is not None
        else _("LibreOffice is not on this server: those without a PDF are shown as text")
    )
    return Observation("office", _("Presentations"), said)


def _disks(state: State) -> Iterator[Observation]:
    for disk in state.disks:
        yield Observation(
            f"disk-{disk.path}",
            _("Disk of %(path)s") % {"path": disk.path},
            _("%(free)s free of %(size)s") % {"free": filesizeformat(disk.free), "size": filesizeformat(disk.size)},
            _("Make room: where a disk is full no upload is taken, and a database ends.") if disk.is_low else "",
        )


def _places(state: State) -> Iterator[Observation]:
    for place in state.places:
        yield Observation(
            f"folder-{place.path}",
            _("Folder %(path)s") % {"path": place.path},
            _("can be written to") if place.is_writable else _("can't be written to"),
            ""
            if place.is_writable
            else _(
                "Uploads are refused, and exports wait or fail. Look whether its disk is mounted read-only, and whether it belongs to the user of AMLS."
            ),
        )


def _clocks(state: State) -> Iterator[Observation]:
    wrong = state.wrong_clocks()
    for name, skew in state.skews.items():
        seconds = {"seconds": abs(round(skew))}
        said = _("right")
        if name in wrong:
            said = (
                _("%(seconds)s s ahead of the database") % seconds
                if skew > 0
                else _("%(seconds)s s behind the database") % seconds
            )
        yield Observation(
            f"clock-{name}",
            _("Clock of %(name)s") % {"name": _CLOCKS.get(name, name)},
            said,
            _("Let NTP set it.") if name in wrong else "",
        )


def _since(moment: datetime, now: datetime) -> str:
    return timesince(moment, now)
