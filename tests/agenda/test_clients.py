"""Independent readers of the feed find the same instants."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import recurring_ical_events
import vobject
from django.conf import settings
from django.test import Client
from icalendar import Calendar
from pytest_django.live_server_helper import LiveServer

from tests.seed import INSTANTS, import_seed

Instants = list[tuple[datetime, datetime]]

_LIBICAL = """
import gi, sys
gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib as I
calendar = I.Parser.parse_string(sys.stdin.read())
event = calendar.get_first_component(I.ComponentKind.VEVENT_COMPONENT)
while event:
    def instant(time, prop):
        zone = calendar.get_timezone(prop.get_first_parameter(I.ParameterKind.TZID_PARAMETER).get_tzid())
        return time.as_timet_with_zone(zone)
    start = event.get_first_property(I.PropertyKind.DTSTART_PROPERTY)
    end = event.get_first_property(I.PropertyKind.DTEND_PROPERTY)
    print(instant(event.get_dtstart(), start), instant(event.get_dtend(), end))
    event = calendar.get_next_component(I.ComponentKind.VEVENT_COMPONENT)
"""
_ICAL_JS = """
import ICAL from "ical.js";
import { readFileSync } from "node:fs";
const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
const events = calendar.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component));
console.log(JSON.stringify(events.map((event) => [event.startDate.toUnixTime(), event.endDate.toUnixTime()])));
"""


def run(command: list[str], feed: bytes, **options: object) -> str:
    done = subprocess.run(command, input=feed, capture_output=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr.decode()
    return str(done.stdout.decode())


def from_unix(start: float, end: float) -> tuple[datetime, datetime]:
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def by_libical(feed: bytes, _folder: Path) -> Instants:
    rows = run(["/usr/bin/python3", "-c", _LIBICAL], feed).split()
    return [from_unix(float(rows[index]), float(rows[index + 1])) for index in range(0, len(rows), 2)]


def by_ical_js(feed: bytes, folder: Path) -> Instants:
    script = settings.VAR_DIR / f"read-{folder.name}.mjs"
    script.write_text(_ICAL_JS)
    try:
        return [from_unix(*pair) for pair in json.loads(run(["node", str(script)], feed))]
    finally:
        script.unlink()


def by_vobject(feed: bytes, _folder: Path) -> Instants:
    calendar = vobject.readOne(feed.decode())
    calendar.validate(raiseException=True)
    return [(event.dtstart.value.astimezone(UTC), event.dtend.value.astimezone(UTC)) for event in calendar.vevent_list]


def by_recurring_ical_events(feed: bytes, _folder: Path) -> Instants:
    occurrences = recurring_ical_events.of(Calendar.from_ical(feed)).between((2024, 1, 1), (2025, 1, 1))
    return [(event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)) for event in occurrences]


def by_khal(feed: bytes, folder: Path) -> Instants:
    (folder / "feed.ics").write_bytes(feed)
    (folder / "khal.conf").write_text(
        "[calendars]\n[[none]]\npath = " + str(folder / "none") + "\n"
        "[locale]\nlocal_timezone = UTC\ndefault_timezone = UTC\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\n"
        "longdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%dT%H:%M\nlongdatetimeformat = %Y-%m-%dT%H:%M\n"
    )
    (folder / "none").mkdir()
    khal = Path(settings.BASE_DIR) / ".venv" / "bin" / "khal"
    command = [
        str(khal),
        "-c",
        str(folder / "khal.conf"),
        "printics",
        "--format",
        "{start} {end}",
        str(folder / "feed.ics"),
    ]
    words = [word for word in run(command, b"").split() if word.startswith("20")]
    moments = [datetime.fromisoformat(word).replace(tzinfo=UTC) for word in words]
    return list(zip(moments[::2], moments[1::2], strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize("read", [by_libical, by_ical_js, by_vobject, by_recurring_ical_events, by_khal])
def test_every_reader_finds_the_instants_of_the_course(
    client: Client, tmp_path: Path, read: Callable[[bytes, Path], Instants]
) -> None:
    import_seed()
    assert sorted(read(client.get("/amls-ss2024/calendar.ics").content, tmp_path)) == INSTANTS


@pytest.mark.django_db(transaction=True)
def test_vdirsyncer_syncs_over_http(live_server: LiveServer, tmp_path: Path) -> None:
    import_seed()
    (tmp_path / "config").write_text(
        f'[general]\nstatus_path = "{tmp_path}/status/"\n'
        '[pair feed]\na = "here"\nb = "there"\ncollections = null\nconflict_resolution = "b wins"\n'
        f'[storage here]\ntype = "filesystem"\npath = "{tmp_path}/events/"\nfileext = ".ics"\n'
        f'[storage there]\ntype = "http"\nurl = "{live_server.url}/amls-ss2024/calendar.ics"\n'
    )
    tool = Path(settings.BASE_DIR) / ".venv" / "bin" / "vdirsyncer"
    for command in (["discover"], ["sync"], ["sync"]):
        run([str(tool), "-c", str(tmp_path / "config"), *command], b"y\n")
    kept_events = [
        Calendar.from_ical(path.read_bytes()).walk("VEVENT")[0] for path in (tmp_path / "events").glob("*.ics")
    ]
    assert (
        sorted((event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)) for event in kept_events)
        == INSTANTS
    )
