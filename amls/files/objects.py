"""Uploads in a bucket of an S3 server: private objects, sent in parts, read in ranges."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from django.core.files.base import File
from django.utils.translation import gettext as _
from storages.backends.s3 import S3Storage

from amls.files.marks import MarkedStorage

logger = logging.getLogger(__name__)

_CHUNK = 256 * 1024
# What is opened to be read whole lies in memory up to this size, and in a temporary file beyond it.
_IN_MEMORY = 2 * 1024**2
_MISSING = {"404", "NoSuchKey", "NotFound"}


class ObjectStorage(MarkedStorage, S3Storage):  # type: ignore[misc]
    """A bucket as Django's storage. Whatever its server does becomes an `OSError` with a sentence.

    Names are never used again (they are random), objects are private, and no address of the bucket is given to anybody:
    who may read a file is decided with each request.
    """

    is_asked_once = True

    def get_default_settings(self) -> dict[str, Any]:
        """Return settings that ask for an answer within seconds: people wait for it."""
        return {
            **super().get_default_settings(),
            "file_overwrite": False,
            "default_acl": None,
            "max_memory_size": _IN_MEMORY,
            "client_config": Config(
                s3={"addressing_style": "path"},
                signature_version="s3v4",
                connect_timeout=5,
                read_timeout=20,
                retries={"max_attempts": 2, "mode": "standard"},
            ),
            # In this thread, so that what fails ends at once.
            "transfer_config": TransferConfig(use_threads=False),
        }

    def read_range(self, name: str, window: range) -> Iterator[bytes]:
        """Return the bytes of `window` in pieces; nothing else is fetched.

        Raises:
            FileNotFoundError: there is no such object.
            OSError: the server doesn't answer, refuses, or has other bytes than the window says; at once, or in the
                middle of what was asked for.
        """
        if not window:
            return iter(())
        key = self._normalize_name(name)
        with _in_words(name):
            answer = self.bucket.Object(key).get(Range=f"bytes={window.start}-{window.stop - 1}")
        if answer["ContentLength"] != len(window):
            answer["Body"].close()
            raise OSError(f"{name} has other bytes in the storage than were stored")
        return self._pieces(name, answer["Body"])

    @staticmethod
    def _pieces(name: str, body: Any) -> Iterator[bytes]:
        with _in_words(name), body:
            yield from body.iter_chunks(_CHUNK)

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        with _in_words(name):
            opened: Any = super()._open(name, mode)
            # Fetched here, so that what fails fails here.
            fetched: IO[bytes] = opened.file
        return File(fetched, name=name)

    def _save(self, name: str, content: Any) -> str:
        with _in_words(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is no error."""
        with _in_words(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        """Return whether there is such an object."""
        with _in_words(name):
            return bool(super().exists(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of folders and objects in a folder."""
        with _in_words(path):
            folders, names = super().listdir(path)
        return folders, names

    def size(self, name: str) -> int:
        """Return how many bytes an object has."""
        with _in_words(name):
            return int(super().size(name))

    def get_modified_time(self, name: str) -> Any:
        """Return when an object was stored."""
        with _in_words(name):
            return super().get_modified_time(name)


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    """Turn what the client of S3 throws into what a disk would."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise FileNotFoundError(f"{name} is not in the storage") from error
        logger.exception("The storage refused name=%s code=%s", name, code)
        said = _("the storage refused it (%(code)s)") % {"code": code} if code else _("the storage refused it")
        raise OSError(said) from error
    except (BotoCoreError, HTTPClientError) as error:
        logger.exception("The storage did not answer name=%s", name)
        raise OSError(_("the storage does not answer")) from error
