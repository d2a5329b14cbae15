"""MEDIA_URL: where uploads are kept, as one address."""

from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_FORM = "s3://key:secret@host/bucket/folder?region=eu-central-1"


def media_storage(url: str) -> dict[str, Any]:
    """Return the entry of Django's STORAGES for uploads.

    Args:
        url: the value of MEDIA_URL. Empty: the folder MEDIA_ROOT. `s3://…`: a bucket of any server that speaks S3; without
            a host Amazon's, without a key what the machine is allowed by its role or its environment. `?tls=no` is
            for a server on the same machine, `?region=` names the bucket's region.

    Raises:
        ImproperlyConfigured: the address can't be used; the message says why.
    """
    if not url:
        return {"BACKEND": "amls.files.marks.FolderStorage"}
    parts = _parts_of(url)
    port = f":{parts.port}" if parts.port else ""
    if parts.scheme != "s3":
        raise ImproperlyConfigured(f"MEDIA_URL begins with '{parts.scheme}', which is no storage. Write {_FORM}.")
    bucket, _slash, folder = parts.path.strip("/").partition("/")
    if not bucket:
        raise ImproperlyConfigured(f"MEDIA_URL names no bucket. Write {_FORM}.")
    if bool(parts.username) != bool(parts.password):
        raise ImproperlyConfigured(f"MEDIA_URL needs the key and its secret, or neither. Write {_FORM}.")
    asked = parse_qs(parts.query, keep_blank_values=True)
    if parts.fragment or (unknown := sorted(set(asked) - {"region", "tls"})):
        named = "anything after #" if parts.fragment else f"'{unknown[0]}'"
        raise ImproperlyConfigured(f"MEDIA_URL doesn't know {named}. Write {_FORM}.")
    options: dict[str, Any] = {"bucket_name": unquote(bucket), "location": unquote(folder)}
    if parts.username and parts.password:
        options |= {"access_key": unquote(parts.username), "secret_key": unquote(parts.password)}
    if "region" in asked:
        options["region_name"] = asked["region"][0]
    if parts.hostname:
        scheme = "http" if asked.get("tls", ["yes"])[0] == "no" else "https"
        options["endpoint_url"] = f"{scheme}://{parts.hostname}{port}"
    return {"BACKEND": "amls.files.objects.ObjectStorage", "OPTIONS": options}


def _parts_of(url: str) -> SplitResult:
    # Nothing of the address is in what is said of it: it may be a piece of the secret.
    try:
        parts = urlsplit(url)
        is_read = parts.port != 0 and "@" not in parts.path
    except ValueError:
        is_read = False
    if not is_read:
        raise ImproperlyConfigured(
            "MEDIA_URL can't be read: a port is a number. Signs such as @, :, / and # in a key or secret are written as %40, "
            "%3A, %2F and %23."
        )
    return parts
