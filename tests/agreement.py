"""How a person agrees to what the desk and pages show before they do it."""

import re
from collections.abc import Mapping
from typing import Any

from django.test import Client

from amls.held.models import HeldAct
from amls.held.services import apply_next


def seal_in(answer: Any) -> str:
    """Return the seal of what a page shows; nothing where it asks for nothing."""
    seal = re.search(r'name="_shown" value="([0-9a-f]+)"', answer.content.decode())
    return seal.group(1) if seal else ""


def agreeing_in(shown: Any) -> dict[str, str]:
    """Return what the button sends that agrees to what a page shows, with the page's seal."""
    button = re.search(r'<button[^>]* name="(_agreed|_announce)" value="([^"]+)"', shown.content.decode())
    return {**({button[1]: button[2]} if button else {"_agreed": "1"}), "_shown": seal_in(shown)}


def agree_to(client: Client, address: str, data: Mapping[str, Any], shown: Any = None) -> Any:
    """Return what comes of agreeing to what these data would do.

    Args:
        client: of the person.
        address: of the page.
        data: what its form holds.
        shown: the answer that asked; without one it is asked for first, and returned where nothing is asked.
    """
    if shown is None:
        shown = client.post(address, data)
        if not seal_in(shown):
            return shown
    waiting = re.findall(r'name="_waiting" value="([^"]+)"', shown.content.decode())
    return client.post(address, {**data, **agreeing_in(shown), "_waiting": waiting})


def do_held() -> HeldAct:
    """Do what was held back last, as its worker does when its time has come, and return it."""
    act = HeldAct.objects.latest("pk")
    assert apply_next(act.apply_at) == 1
    act.refresh_from_db()
    return act
