"""What is found, in numbers, for Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from collections.abc import Iterator

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from amls.core.processes import queues
from amls.portal.health.findings import findings
from amls.portal.health.state import State


class _StateCollector(Collector):
    """Gives the numbers of one look."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what is known of the whole installation."""
        state = self._state
        yield _one("amls_database_up", "Whether the database answers.", state.is_database_up)
        yield _one("amls_broker_up", "Whether the broker answers.", state.is_broker_up)
        if state.migrations is not None:
            yield _one("amls_migrations_missing", "Migrations to apply.", state.migrations)
        yield _many(
            "amls_disk_free_bytes",
            "Free on a disk of this server.",
            "place",
            {disk.path: disk.free for disk in state.disks},
        )
        yield _many(
            "amls_disk_bytes", "Size of a disk of this server.", "place", {disk.path: disk.size for disk in state.disks}
        )
        yield _many(
            "amls_clock_skew_seconds", "How far a clock is ahead of the database's.", "clock", dict(state.skews)
        )
        if state.has_tables:
            yield from self._rows()
        problems = {observation.name: int(observation.is_problem) for observation in findings(state)}
        yield _many("amls_problem", "1 for what somebody has to do something about.", "name", problems)

    def _rows(self) -> Iterator[GaugeMetricFamily]:
        state = self._state
        there = state.presence
        workers = {queue: sum(queue in process.queues for process in there.workers) for queue in queues()}
        yield _many("amls_workers_alive", "Living workers of a queue.", "queue", workers)
        yield _one("amls_beats_alive", "Living beats.", len(there.beats))
        yield _one("amls_processes_silent", "Workers and beats that fell silent.", len(there.silent))
        waiting = {backlog.task: backlog.count for backlog in state.backlogs}
        yield _many("amls_waiting", "How much work waits.", "task", waiting)
        ages = {
            backlog.task: (state.now - backlog.oldest_since).total_seconds() if backlog.oldest_since else 0.0
            for backlog in state.backlogs
        }
        yield _many("amls_waiting_oldest_seconds", "For how long the oldest work waits.", "task", ages)
        if state.mail is not None:
            if state.mail.last_beat_at is not None:
                age = (state.now - state.mail.last_beat_at).total_seconds()
                yield _one("amls_last_round_seconds", "How long ago beat's last round reached a worker.", age)
            yield _one(
                "amls_mails_not_taken",
                "Mails that wait as the mail server is away or refuses us.",
                sum(state.mail.refused.values()),
            )
            yield _one("amls_mails_failed", "Mails given up within a day.", state.mail.failed)
        if state.exports is not None:
            yield _one("amls_exports_failed", "Exports given up within a day.", state.exports.failed)
        yield _one("amls_files_missing", "Stored files that were not found.", state.missing_files)


def exposition(state: State) -> bytes:
    """Return the numbers of a look and what all processes of this server have counted, as Prometheus reads them."""
    registry = CollectorRegistry()
    if settings.METRICS_DIR.is_dir():
        MultiProcessCollector(registry, str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    registry.register(_StateCollector(state))
    return generate_latest(registry)


def _one(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=float(value))


def _many(name: str, help_text: str, label: str, values: dict[str, float] | dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
