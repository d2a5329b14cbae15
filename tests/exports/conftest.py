"""Exports of tests: small kinds that do what a test asks."""

import logging
from collections.abc import Callable, Iterator

import pytest

from amls.core.hooks import Hook
from amls.exports.kinds import CSV, ExportKind, Order, Progress, kinds, offer

Write = Callable[[Order, Progress], Iterator[bytes]]


def write_parameters(order: Order, progress: Progress) -> Iterator[bytes]:
    progress(1, 2)
    yield str(sorted(order.parameters.items())).encode()
    progress(2, 2)


@pytest.fixture
def known() -> Iterator[Hook[ExportKind]]:
    """The registry, put back after the test."""
    with kinds.replaced(dict(kinds.items())):
        yield kinds


@pytest.fixture
def make_kind(known: Hook[ExportKind]) -> Callable[..., ExportKind]:
    """Register a kind of the test; it is a CSV for whom it was made unless said otherwise."""

    def make(name: str = "tests.list", write: Write = write_parameters, **values: object) -> ExportKind:
        fields: dict = {
            "label": "List",
            "media": CSV,
            "allows": lambda order: order.user is not None,
            "content_key": lambda order: "1",
            "filename": lambda order: "list.csv",
            **values,
        }
        return offer(ExportKind(name=name, write=write, **fields))

    return make


@pytest.fixture
def complaints(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What WeasyPrint complains of."""
    warned: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warned.append(record.getMessage())

    listener = Listener(level=logging.WARNING)
    logging.getLogger("weasyprint").addHandler(listener)
    yield warned
    logging.getLogger("weasyprint").removeHandler(listener)
