"""Who may ask how the installation is: machines that watch it, by a token or from their network."""

from ipaddress import IPv6Address, ip_address

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from amls.core.peers import is_forwarded


def may_watch(request: HttpRequest) -> bool:
    """Return whether a request has the token of settings.MONITOR_TOKEN, or comes from one of MONITOR_NETWORKS.

    What a front server passes on counts by the visitor's address; where this site is told of no front server, but there
    is one, nobody's address is known.
    """
    token = settings.MONITOR_TOKEN
    if token and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"):
        return True
    if is_forwarded(request) and not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        return False
    try:
        address = ip_address(get_adapter().get_client_ip(request))
    except (ValueError, PermissionDenied, ImproperlyConfigured):
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in settings.MONITOR_NETWORKS)
