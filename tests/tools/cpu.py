"""`make test ARGS='-p tests.tools.cpu tests/exports'`: what each test and each file costs in seconds of a processor.

On a machine that others use too, the time on the clock says little. Linux counts what a control group uses: pytest, the
database's server, browsers and limited children alike. Give the run a group of its own, which a container is, and
`systemd-run --user --scope make test ARGS=…` makes; and no `-n`, as workers share the group.
"""

from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

_GROUPS = Path("/sys/fs/cgroup")
_TESTS_SHOWN = 40


class Report:
    """Measures each test from its set-up to its tear-down."""

    def __init__(self) -> None:
        self._costs: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        start = used_seconds()
        result = yield
        self._costs[item.nodeid] = used_seconds() - start
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        files: dict[str, list[float]] = defaultdict(list)
        for test, cost in self._costs.items():
            files[test.partition("::")[0]].append(cost)
        terminalreporter.section(
            f"seconds of a processor: {sum(self._costs.values()):.0f} for {len(self._costs)} tests"
        )
        for name, costs in sorted(files.items(), key=lambda entry: -sum(entry[1])):
            terminalreporter.write_line(f"{sum(costs):8.2f} {len(costs):5} {name}")
        terminalreporter.section(f"the {_TESTS_SHOWN} costliest tests")
        for test, cost in sorted(self._costs.items(), key=lambda entry: -entry[1])[:_TESTS_SHOWN]:
            terminalreporter.write_line(f"{cost:8.2f} {test}")


def used_seconds() -> float:
    """Return what all processes of this one's control group have used of the processors so far, by either version."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        if "cpuacct" in controllers.split(","):
            return int(_first(path, "cpuacct", "cpuacct.usage").read_text()) / 1e9
        if not controllers and (statistics := _first(path, "", "cpu.stat")).exists():
            return int(statistics.read_text().split()[1]) / 1e6
    raise pytest.UsageError("This system counts no processor time by control groups.")


def _first(path: str, folder: str, name: str) -> Path:
    # A container sees its own group as the root of all.
    own = _GROUPS / folder / path.lstrip("/") / name
    return own if own.exists() else _GROUPS / folder / name


def pytest_configure(config: pytest.Config) -> None:
    """Measure, from now on."""
    config.pluginmanager.register(Report(), "cpu-report")
