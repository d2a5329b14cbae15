"""The demo as tests begin with it: made once in a run."""

from django.utils import timezone

from amls.portal.demo.services import make_demo
from tests.snapshots import Snapshots


def restore_demo(snapshots: Snapshots, *, with_coursework: bool) -> None:
    """Put it back on an empty database, with the course of weekly sheets or without; the first time, make it."""
    name = "demo with coursework" if with_coursework else "demo"
    snapshots.restore(name, lambda: make_demo(now=timezone.now(), with_coursework=with_coursework))
