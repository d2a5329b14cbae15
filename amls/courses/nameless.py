"""What stands for the address of an account that was deleted: by it one sees that it is nobody's any more."""

NAMELESS_DOMAIN = "deleted.invalid"


def nameless_address(pk: int) -> str:
    """Return what stands for the address of an account that was deleted; nobody can have it (RFC 2606, 2)."""
    return f"deleted-{pk}@{NAMELESS_DOMAIN}"


def is_nameless_address(address: str) -> bool:
    """Return whether an address is one of `nameless_address`."""
    return address.endswith(f"@{NAMELESS_DOMAIN}")
