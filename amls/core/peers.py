"""Where a request comes from, as far as it may be kept."""

import ipaddress

from django.http import HttpRequest

# What front servers add: with one of these the peer is not the visitor (RFC 7239, and what was used before it).
_FORWARDING = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP")


def is_forwarded(request: HttpRequest) -> bool:
    """Return whether a front server passed a request on, or somebody says that one did."""
    return any(name in request.META for name in _FORWARDING)


def network_of(address: str) -> str:
    """Return the network of an IP address, such as '203.0.113.0/24': what is kept of it names no household.

    The last 8 bits of IPv4 and the last 80 of IPv6 go, as data protection authorities ask where a full address isn't
    needed. What is no address gives ''.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def line_of(address: str) -> str:
    """Return what stands for one line of an IP address: an IPv4 address itself, of IPv6 the network of 64 bits.

    Whoever has an IPv6 line may take any address of its network, a new one for each try. What is no address is
    returned as it is.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False).network_address)
    return str(parsed)


def is_loopback(host: str) -> bool:
    """Return whether a name or an address is this machine's own."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
