"""Asking providers, with an end to how long and how much."""

import io
import time
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from amls.signin.problems import AnswerTooSlow, SignInProblem

# Somebody waits for it, and a web server's thread with them.
SECONDS_FOR_ONE = 5.0
# The metadata of a whole federation has 100 MB: name those of one provider.
MOST_BYTES = 5 * 1024**2


class BoundedTransport(HTTPAdapter):
    """Reads an answer as a whole, within a time and up to a size, however slowly it comes."""

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request and return its answer with all of its content.

        Raises:
            Timeout: the answer takes longer than it may.
            SignInProblem: it is larger than any answer of a provider.
        """
        until = time.monotonic() + self._seconds
        kwargs |= {"stream": True, "timeout": self._seconds}
        response = super().send(request, *args, **kwargs)
        whole = io.BytesIO()
        try:
            # What has come, however little: a server that sends a byte now and then is slow too.
            while piece := response.raw.read1(decode_content=True):
                whole.write(piece)
                if whole.tell() > self._most:
                    raise SignInProblem(f"more than {self._most} bytes from {request.url}")
                if time.monotonic() > until:
                    raise AnswerTooSlow(request.url)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise AnswerTooSlow(request.url) from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error) from error
        finally:
            response.raw.close()
        whole.seek(0)
        response.raw = whole
        return response


def provider_session() -> requests.Session:
    """Return a session for requests to providers, which follows no redirect elsewhere."""
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedTransport(seconds=SECONDS_FOR_ONE, most=MOST_BYTES))
    return session
