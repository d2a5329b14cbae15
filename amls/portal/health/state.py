"""What the installation is like at present: one look, which probes, numbers and the page in words share."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from kombu.exceptions import OperationalError

from amls.core import clock
from amls.core.doorbell import ANSWER_SECONDS, broker_to_ask
from amls.core.jobs import Backlog
from amls.core.keyprint import is_key_known
from amls.core.processes import Attendance, presence
from amls.exports.health import ExportHealth
from amls.exports.health import health as export_health
from amls.exports.jobs import EXPORTS
from amls.files.marks import is_storage_own
from amls.files.models import MissingFile
from amls.held.services import ACTS
from amls.mail.health import MailHealth
from amls.mail.health import health as mail_health
from amls.mail.push.queue import PUSHES
from amls.mail.send import OUTBOX
from amls.portal.takeover.queues import FETCHES, UPSTREAMS
from lectures.services.extraction import EXTRACTIONS
from projects.services.allocating import ALLOCATIONS
from projects.services.checking import CHECKS

QUEUES = (OUTBOX, PUSHES, ACTS, EXPORTS, EXTRACTIONS, CHECKS, ALLOCATIONS, FETCHES, UPSTREAMS)
# More than clocks that are kept by NTP ever differ.
_MOST_SKEW_SECONDS = 2
# Work that should have been begun is late after this; beat comes twice a minute.
_LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class UploadFolder:
    """A folder in which this server keeps what people send.

    Attributes:
        path: of the folder.
        is_writable: whether it can: its disk may be mounted read-only, and it may be another user's.
    """

    path: str
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Disk:
    """Where this server writes.

    Attributes:
        path: one of the places on it.
        free, size: bytes.
    """

    path: str
    free: int
    size: int

    @property
    def is_low(self) -> bool:
        """Whether less is free than there should be: of a disk that is hardly larger than that, half of it is enough."""
        return self.free < min(int(settings.LEAST_FREE_BYTES), self.size // 2)


@dataclass(frozen=True, slots=True)
class State:
    """What is known of the installation at a time; of its rows only where the database has all its migrations.

    Attributes:
        now: the time of the look, by the database's clock.
        is_database_up: whether it answers.
        migrations: how many are not applied; None while that is not known.
        is_broker_up: whether the broker answers.
        skews: how many seconds the clocks of this server, the front server and the processes are ahead of the database's.
        presence: which workers and beats live.
        backlogs: what waits, by queue of work.
        disks: where this server writes.
        places: where it keeps what people send.
        missing_files: how many stored files that rows name were not there when they were looked for.
        is_storage_own: whether what this server stores in is the storage of this installation.
        lacking_statics: styles and scripts of this release that were not collected when this server started.
        is_key_known: whether the database was written with this SECRET_KEY.
    """

    now: datetime
    is_database_up: bool
    migrations: int | None
    is_broker_up: bool
    disks: tuple[Disk, ...]
    places: tuple[UploadFolder, ...]
    skews: Mapping[str, float] = field(default_factory=dict)
    presence: Attendance = field(default_factory=lambda: Attendance((), ()))
    backlogs: tuple[Backlog, ...] = ()
    mail: MailHealth | None = None
    exports: ExportHealth | None = None
    missing_files: int = 0
    is_storage_own: bool = True
    lacking_statics: tuple[str, ...] = ()
    is_key_known: bool = True

    @property
    def has_tables(self) -> bool:
        """Whether the database can be asked for rows."""
        return self.migrations == 0

    @property
    def is_anyone_working(self) -> bool:
        """Whether a worker or a beat lives."""
        return bool(self.presence.alive)

    @property
    def is_ready(self) -> bool:
        """Whether this server should get requests: pages can be served, and somebody does what they ask for."""
        return (
            self.is_database_up
            and self.has_tables
            and self.is_key_known
            and self.is_storage_own
            and not self.lacking_statics
            and self.is_anyone_working
        )

    def wrong_clocks(self) -> dict[str, float]:
        """Return whose clock is off, and by how many seconds it is ahead."""
        return {name: skew for name, skew in self.skews.items() if abs(skew) > _MOST_SKEW_SECONDS}

    def late(self) -> Iterator[Backlog]:
        """Yield the queues whose oldest work should have been begun long ago."""
        for backlog in self.backlogs:
            if backlog.oldest_since is not None and self.now - backlog.oldest_since > _LATE:
                yield backlog


def look(*, now: datetime, front: datetime | None = None) -> State:
    """Look at everything; takes some seconds where the broker is away.

    Args:
        now: the request's clock.
        front: when the front server passed the present request on, by its own clock.
    """
    is_database_up = _database_answers()
    migrations = _missing_migrations() if is_database_up else None
    seen = State(
        now=now,
        is_database_up=is_database_up,
        migrations=migrations,
        is_broker_up=is_broker_up(),
        disks=tuple(_disks()),
        places=tuple(_places()),
        skews=_skews_here(now, front) if is_database_up else {},
        lacking_statics=tuple(_lacking_statics()),
    )
    return seen if not seen.has_tables else _with_rows(seen)


def _with_rows(seen: State) -> State:
    there = presence(now=seen.now)
    return State(
        now=seen.now,
        is_database_up=True,
        migrations=0,
        is_broker_up=seen.is_broker_up,
        disks=seen.disks,
        places=seen.places,
        skews={**seen.skews, **{process.name: process.skew for process in there.alive}},
        presence=there,
        backlogs=tuple(queue.backlog(now=seen.now) for queue in QUEUES),
        mail=mail_health(now=seen.now),
        exports=export_health(now=seen.now),
        missing_files=MissingFile.objects.count(),
        is_storage_own=is_storage_own(),
        lacking_statics=seen.lacking_statics,
        is_key_known=is_key_known(),
    )


def _skews_here(now: datetime, front: datetime | None) -> dict[str, float]:
    # Read as close to each other as can be: other looks take their time.
    before, database = timezone.now(), clock.now()
    here = before + (timezone.now() - before) / 2
    skews = {"this server": (here - database).total_seconds()}
    if front is not None:
        # This request has no body: it came to the front server when it came here.
        skews["the front server"] = (front - now).total_seconds()
    return skews


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _missing_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def is_broker_up() -> bool:
    """Return whether the broker answers a request in time."""
    try:
        with broker_to_ask() as broker:
            broker.ensure_connection(max_retries=0, timeout=ANSWER_SECONDS)
    except (OperationalError, OSError):
        return False
    return True


def _disks() -> Iterator[Disk]:
    """Yield each file system that this server writes to, once."""
    seen = set()
    for place in (Path(settings.MEDIA_ROOT), settings.VAR_DIR, Path(tempfile.gettempdir())):
        there = _nearest(place)
        device = there.stat().st_dev
        if device not in seen:
            seen.add(device)
            usage = shutil.disk_usage(there)
            yield Disk(str(place), usage.free, usage.total)


def _places() -> Iterator[UploadFolder]:
    """Yield the folder of uploads, and that in which a large one lies until it is whole."""
    for place in (Path(settings.MEDIA_ROOT), Path(tempfile.gettempdir())):
        yield UploadFolder(str(place), os.access(_nearest(place), os.W_OK | os.X_OK))


def _lacking_statics() -> Iterator[str]:
    """Yield this site's styles and scripts that pages can't name, as `collectstatic` was not run before the start."""
    known = getattr(staticfiles_storage, "hashed_files", None)
    if known is None:
        return
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*.*")):
            name = path.relative_to(folder).as_posix()
            if path.suffix in (".css", ".js") and name not in known:
                yield name


def _nearest(place: Path) -> Path:
    """Return what there is of a path: what is not there yet will be made in it."""
    return next(path for path in (place, *place.parents) if path.exists())
