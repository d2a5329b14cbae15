"""What the environment says, read strictly: a value that means nothing is refused at the start, and its setting named."""

import math
import os
import re
from collections.abc import Iterable, Sequence
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from environ import Env

Number = TypeVar("Number", int, float)

_SWITCHES = {
    **dict.fromkeys(("1", "true", "yes", "on", "y", "ok"), True),
    **dict.fromkeys(("0", "false", "no", "off", "n"), False),
}
# A host of a site, Django's '*' and '.example.org' for all under one, or an IPv6 address in brackets.
_HOST = re.compile(r"\*|\.?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
_FORMS = {bool: "1 or 0", int: "a whole number, such as 20", float: "a number, such as 2.5"}
# 128 bits in hexadecimal digits.
_SHORTEST_KEY = 32


class Environment(Env):  # type: ignore[misc]
    """The settings of the environment; one that is empty says as much as one that isn't there.

    Every method raises ImproperlyConfigured, with the setting's name and what is right, where a value means nothing.
    """

    def get_value(self, var: str, cast: Any = None, default: Any = Env.NOTSET, parse_default: bool = False) -> Any:
        """Return what `env.bool`, `env.int` and all others of the library ask for."""
        if cast in (*_FORMS, list) and not self.ENVIRON.get(var, "").strip():
            return default
        try:
            return super().get_value(var, cast=cast, default=default, parse_default=parse_default)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} must be {_FORMS[cast]}, not '{self.ENVIRON[var]}'.") from error

    @classmethod
    def parse_value(cls, value: Any, cast: Any) -> Any:
        """Return a value as what it is to be.

        Raises:
            ValueError: it is no such.
        """
        if cast is bool:
            if value.strip().lower() not in _SWITCHES:
                raise ValueError(value)
            return _SWITCHES[value.strip().lower()]
        if cast in (int, float):
            number = cast(value)
            if not math.isfinite(number) or number < 0:
                raise ValueError(value)
            return number
        if cast is list:
            return [entry for piece in value.split(",") if (entry := piece.strip())]
        return super().parse_value(value, cast)

    def number(self, var: str, default: Number, *, least: Number, most: Number) -> Number:
        """Return a number of the kind of `default`, which is one from `least` to `most`."""
        kind = type(default)
        value: Number = self.get_value(var, cast=kind, default=default)
        if not least <= value <= most:
            raise ImproperlyConfigured(f"{var} must be {_FORMS[kind]}, from {least} to {most}, not '{value}'.")
        return value

    def hosts(self, var: str, default: Sequence[str], *, needed: str) -> list[str]:
        """Return names of this site's machine, as a browser asks for them; `needed` must be one of them."""
        names: list[str] = self.list(var, default=list(default))
        for name in names:
            if _HOST.fullmatch(name) is None:
                raise ImproperlyConfigured(
                    f"{var} must be names with commas between, without https:// and port, such as courses.example.org,localhost: "
                    f"'{name}' is none."
                )
        ends = [name for name in names if name.startswith(".") and f".{needed}".endswith(name.lower())]
        if not ends and not {"*", needed.lower()} & {name.lower() for name in names}:
            raise ImproperlyConfigured(
                f"{var} must have the host of SITE_URL among its names, '{needed}': each page that people ask for would be refused."
            )
        return names

    def location(self, var: str) -> str:
        """Return the path of a front server's location; empty where there is none."""
        value: str = self.str(var, "")
        if value and not (len(value) > 1 and value.startswith("/") and value.endswith("/")):
            raise ImproperlyConfigured(f"{var} must begin and end with a slash, such as /protected/, not '{value}'.")
        return value

    def header(self, var: str) -> str:
        """Return the name of a header; empty where there is none."""
        value: str = self.str(var, "")
        if value and re.fullmatch(r"[A-Za-z0-9_-]+", value) is None:
            raise ImproperlyConfigured(f"{var} must be the name of a header, such as RequestBegan, not '{value}'.")
        return value

    def choice(self, var: str, default: str, choices: Iterable[str]) -> str:
        """Return one of `choices`, in whichever case it is typed."""
        value, known = self.str(var, "") or default, {choice.lower(): choice for choice in choices}
        if value.lower() not in known:
            raise ImproperlyConfigured(f"{var} must be one of {', '.join(known.values())}, not '{value}'.")
        return known[value.lower()]

    def key(self, var: str) -> str:
        """Return a secret that nobody guesses; empty where there is none."""
        value: str = self.str(var, "")
        if value and len(value) < _SHORTEST_KEY:
            raise ImproperlyConfigured(
                f"{var} has {len(value)} characters and needs {_SHORTEST_KEY} of chance, such as `openssl rand -hex 32` prints. "
                f"What the old one signed stays valid where it stands in {var}_FALLBACKS."
            )
        return value

    def site(self, var: str, default: str) -> str:
        """Return the address of a site, without a slash at its end."""
        value: str = self.str(var, "") or default
        whole = f"{var} must be a whole address, such as https://courses.example.org"
        try:
            parts = urlsplit(value)
            is_address = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise ImproperlyConfigured(f"{whole}, not '{value}'.")
        if parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
            raise ImproperlyConfigured(
                f"{whole}, with nothing but a host and a port: not '{value}'. The site takes a host of its own, no folder of one."
            )
        return value.rstrip("/")

    def zone(self, var: str, default: str) -> str:
        """Return the name of a time zone."""
        value: str = self.str(var, "") or default
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError) as error:
            raise ImproperlyConfigured(
                f"{var} must be a time zone by its IANA name, such as Europe/Berlin, not '{value}'."
            ) from error
        return value

    def pattern(self, var: str, default: str) -> str:
        """Return a regular expression."""
        value: str = self.str(var, "") or default
        try:
            re.compile(value)
        except re.error as error:
            raise ImproperlyConfigured(
                f"{var} must be a regular expression, such as {default}, not '{value}': {error}."
            ) from error
        return value

    def sender(self, var: str, default: str) -> str:
        """Return from whom mails come: an address, or a name and one."""
        value: str = self.str(var, "")
        if not value:
            return default
        try:
            validate_email(parseaddr(value)[1])
        except ValidationError as error:
            raise ImproperlyConfigured(
                f"{var} must be an address, such as AMLS <courses@example.org>, not '{value}'."
            ) from error
        return value

    def networks(self, var: str, default: Sequence[str]) -> list[IPv4Network | IPv6Network]:
        """Return networks; an address within one means the network."""
        networks = []
        for value in self.list(var, default=list(default)):
            try:
                networks.append(ip_network(value, strict=False))
            except ValueError as error:
                raise ImproperlyConfigured(
                    f"{var} must be networks with commas between, such as 10.0.0.0/8,::1/128: '{value}' is none."
                ) from error
        return networks

    def folder(self, var: str, default: Path) -> Path:
        """Return a folder that is there and can be read, or that by default, which is made when it is needed.

        Whether it can be written to is no setting's to say: a backup only reads, and a running site loses it (`/readyz`).
        """
        value: str = self.str(var, "")
        if not value:
            return default
        # Of what is no folder, or of one within that may not be seen, the same is said.
        if not os.access(f"{value}/.", os.R_OK | os.X_OK):
            raise ImproperlyConfigured(
                f"{var} must be a folder that is there, mounted, and that AMLS' own user can read: '{value}' is not."
            )
        return Path(value)
