"""'My data': everything that the site knows of a person, as a zip with JSON and files."""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.times import say_time
from amls.exports.kinds import ZIP, ExportKind, Order, Progress
from amls.privacy.registry import StoredFile, everything_about

NAME = "exports.my-data"
_READ_BYTES = 256 * 1024


def _write(order: Order, progress: Progress) -> Iterator[bytes]:
    assert order.user is not None  # noqa: S101 - `allows` says so
    with tempfile.TemporaryFile() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _readme(order))
            for count, (path, content) in enumerate(everything_about(order.user), start=1):
                _add(archive, _safe_path(path), content)
                # How much there is shows only on the way.
                progress(count, count + 1)
        target.seek(0)
        while chunk := target.read(_READ_BYTES):
            yield chunk


class _LocalTimes(DjangoJSONEncoder):
    """Moments in the site's zone, each with its distance from UTC: they are of several courses and of none."""

    def default(self, o: Any) -> Any:
        """Return what JSON can hold."""
        if isinstance(o, datetime) and o.tzinfo is not None:
            return timezone.localtime(o).isoformat(timespec="seconds")
        return super().default(o)


def _add(archive: zipfile.ZipFile, path: str, content: Any) -> None:
    if not isinstance(content, StoredFile):
        text = json.dumps(content, cls=_LocalTimes, ensure_ascii=False, indent=1)
        archive.writestr(path, text)
        return
    try:
        stored = default_storage.open(content.name, "rb")
    except FileNotFoundError:
        archive.writestr(f"{path}.missing.txt", _("This file is gone from the storage."))
        return
    with stored, archive.open(path, "w", force_zip64=True) as entry:
        for chunk in stored.chunks(_READ_BYTES):
            entry.write(chunk)


def _safe_path(path: str) -> str:
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return "/".join(parts)


def _readme(order: Order) -> str:
    return _(
        "All that this site knows of %(email)s, as of %(now)s.\n"
        "Each folder is one part of the site; .json files open in any text editor.\n"
        "Times are those of %(zone)s, each with its distance from UTC.\n"
    ) % {
        "email": order.user.email if order.user else "",
        "now": say_time(order.now, timezone.get_current_timezone()),
        "zone": timezone.get_current_timezone_name(),
    }


MY_DATA = ExportKind(
    name=NAME,
    label=gettext_lazy("My data"),
    media=ZIP,
    allows=lambda order: order.user is not None and order.user.is_active,
    # Made anew each time, but not more often than once a minute.
    content_key=lambda order: order.now.strftime("%Y-%m-%dT%H:%M"),
    write=_write,
    is_single=True,
    filename=lambda order: f"my-data-{order.now:%Y-%m-%d}.zip",
)
