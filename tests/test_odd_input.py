"""Odd input at every address, as everyone: words, never a fault of the server; and who only reads changes nothing.

The sample of every run is the same until the site changes. Everything takes hours: `make test ARGS='-m odd'`. Less of it:
ODD_SHARE=0.02 sends one of fifty requests of each address (other ones with another ODD_SEED), ODD_SLICE=2/8 looks at the
second eighth of the addresses, ODD_ONLY='/exams/|/me/' at those in which this pattern is found.
"""

import logging
import os
import random
import re
import sys
from collections.abc import Iterator
from itertools import chain

import pytest
from pytest_django import Settings

from tests.cast import Cast
from tests.odd.plan import everything
from tests.odd.sending import Sender, send_all
from tests.odd.world import addresses, furnish
from tests.test_addresses import PARTS, furnished, places  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
# How many addresses a run of the sample tries as each part of the cast, and how often each.
_ADDRESSES, _REQUESTS = 24, 8
_SEED, _ONLY = os.environ.get("ODD_SEED", "11"), os.environ.get("ODD_ONLY", "")
_SHARE = float(os.environ.get("ODD_SHARE", "1"))
_SLICE, _SLICES = (int(part) for part in os.environ.get("ODD_SLICE", "1/1").split("/"))


@pytest.fixture(autouse=True)
def _surroundings(settings: Settings) -> Iterator[None]:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    # Django tells of every 404.
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def sites(cast: Cast, places: dict[str, str]) -> list[str]:  # noqa: F811
    """Every address of a site with something of everything in it."""
    return addresses(places, furnish(cast, places))


@pytest.mark.parametrize("part", PARTS)
def test_no_odd_input_is_a_fault_of_the_server(cast: Cast, sites: list[str], part: str) -> None:
    rng, sender = random.Random(f"{_SEED} {part}"), Sender(cast.client(part))
    tried = rng.sample(sites, _ADDRESSES)
    requests = [
        rng.sample(possible, min(_REQUESTS, len(possible)))
        for path in tried
        for possible in [[*everything(sender, path, rng)]]
    ]
    faults = send_all(sender, chain.from_iterable(requests), part)
    assert not faults, "\n".join(faults)


@pytest.mark.odd
@pytest.mark.parametrize("part", PARTS)
def test_no_odd_input_of_all_is_a_fault_of_the_server(cast: Cast, sites: list[str], part: str) -> None:
    rng, sender = random.Random(f"{_SEED} {part}"), Sender(cast.client(part))
    faults: list[str] = []
    for number, path in [*enumerate(sites)][_SLICE - 1 :: _SLICES]:
        if not re.search(_ONLY, path):
            continue
        requests = [*everything(sender, path, rng)]
        faults += (new := send_all(sender, rng.sample(requests, max(1, int(len(requests) * _SHARE))), part))
        print(f"{number}/{len(sites)} {path}: {len(requests)}", *new, sep="\n", file=sys.stderr, flush=True)
    assert not faults, "\n".join(faults)
