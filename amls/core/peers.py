"""Where a request comes from, as far as it may be kept."""

import ipaddress


def network_of(address: str) -> str:
    """Return the network of an IP address, such as '203.0.113.0/24': what is kept of it names no household.

    The last 8 bits of IPv4 and the last 80 of IPv6 go, as data protection authorities ask where a full address isn't
    needed. What is no address gives ''.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))


def line_of(address: str) -> str:
    """Return what stands for one line of an IP address: an IPv4 address itself, of IPv6 the network of 64 bits.

    Whoever has an IPv6 line may take any address of its network, a new one for each try. What is no address is
    returned as it is.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network(f"{found}/64", strict=False).network_address)
    return str(found)
