"""Understanding a course page of 200 rows, as a ratio to parsing its container alone."""

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta

ROWS, ROUNDS = 200, 7
_DAY = date(2026, 9, 1)


def page() -> str:
    """Return an HTML page whose table has that many sessions, with links, a free day and a deadline now and then."""
    lines = ["<h1>Data Systems, Fall 2026</h1><p>Lectures: Tuesday, 10:15am-11:45am in Gates B01</p><table>"]
    lines.append("<tr><th>Date</th><th>Topic</th><th>Slides</th><th>Due</th></tr>")
    for number in range(ROWS):
        day = _DAY + timedelta(days=number)
        topic = "No class (holiday)" if number % 20 == 7 else f"Topic {number}: storage, caching and recovery"
        due = f"HW {number // 10}" if number % 10 == 9 else ""
        link = f'<a href="https://example.org/{number}.pdf">pdf</a>, <a href="https://youtu.be/{number}">video</a>'
        lines.append(f"<tr><td>{day:%b} {day.day}</td><td>{topic}</td><td>{link}</td><td>{due}</td></tr>")
    return "\n".join([*lines, "</table>"])


def measure() -> list[dict[str, object]]:
    """Return the milliseconds of both, medians of alternating rounds."""
    import django

    django.setup()
    from bs4 import BeautifulSoup

    from amls.portal.takeover.sources import read_source
    from amls.portal.takeover.understanding.interpret import understand

    text = page()
    source = read_source(text, name="page.html")

    def ours() -> int:
        return len(understand(source, {}, today=_DAY).sessions)

    def bare() -> int:
        return len(BeautifulSoup(text, "lxml").find_all("td"))

    assert ours() > ROWS * 0.9
    taken: dict[Callable[[], int], list[float]] = {ours: [], bare: []}
    for _round in range(ROUNDS):
        for work, times in taken.items():
            began = time.perf_counter()
            work()
            times.append((time.perf_counter() - began) * 1000)
    mine, parsing = (statistics.median(times) for times in taken.values())
    case = f"understanding {ROWS} rows, ms, to parsing them"
    return [{"case": case, "value": round(mine, 1), "ratio": round(mine / parsing, 2), "aim": "< 300 ms"}]
