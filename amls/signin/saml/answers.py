"""Answers of a provider of SAML: whether one is for this site and this sign-in, and what it says.

The library checks signatures, wrapping, times, audience and issuer where they stand; what it lets be left out is asked
for here (SAML 2.0 Profiles, 4.1.4.2 and 4.1.4.5).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from amls.core.providers import SignInProvider
from amls.signin.problems import SignInProblem, SignInRefused
from amls.signin.saml import toolkit

_CONFIRMATION = "/samlp:Response/saml:Assertion/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
_STATUS = "/samlp:Response/samlp:Status//samlp:StatusCode"
_STATUS_MESSAGE = "/samlp:Response/samlp:Status/samlp:StatusMessage"
# Longer than any assertion holds.
_REMEMBERED_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class SamlAnswer:
    """What a provider says of who signed in.

    Attributes:
        attributes: their values by name, and by friendly name.
        name_id: value, 'Format' and qualifiers of the subject.
        contexts: how they proved themselves there.
        session: by what the provider knows the session; '' if it doesn't say.
    """

    attributes: Mapping[str, list[Any]]
    name_id: Mapping[str, str]
    contexts: list[str]
    session: str


def parse_answer(encoded: str, config: dict[str, Any]) -> Any:
    """Return an answer, decrypted and not believed yet.

    Raises:
        SignInProblem: it is none.
    """
    try:
        return toolkit.Response(toolkit.Settings(config), encoded)
    except Exception as error:  # whatever bent base64, XML or encryption makes of three libraries
        raise SignInProblem(f"the answer can't be read ({type(error).__name__})") from error


def refuse_unless_success(response: Any) -> None:
    """Look at what an answer says of itself; it need not be signed, as nobody is signed in by it.

    Raises:
        SignInRefused: it says why nobody is (SAML 2.0 Core, 3.2.2).
    """
    codes = [entry.get("Value", "") for entry in toolkit.XML.query(response.document, _STATUS)]
    if not codes or codes[0] == toolkit.Constants.STATUS_SUCCESS:
        return
    messages = [entry.text or "" for entry in toolkit.XML.query(response.document, _STATUS_MESSAGE)]
    # The first is whose fault it is, the one in it what happened.
    raise SignInRefused(codes[-1].rpartition(":")[2], " ".join(messages))


def believe(response: Any, *, provider: SignInProvider, asked: str, data: dict[str, Any]) -> SamlAnswer:
    """Return what an answer says that is believed.

    Until when it holds python3-saml judges by the machine's own clock, as it can be given no other.

    Args:
        response: parsed.
        provider: who must have signed it, for this site.
        asked: the ID of the request that it answers.
        data: of the HTTP request that brought it.

    Raises:
        SignInProblem: it is not for this sign-in; why.
    """
    if not response.is_valid(data, asked):
        raise SignInProblem(str(response.get_error())[:300])
    document = response.decrypted_document if response.encrypted else response.document
    confirmations = toolkit.XML.query(document, _CONFIRMATION)
    # What is signed must say so, not only the envelope around it, which may be anybody's.
    if not any(
        confirmation.get("InResponseTo") == asked and confirmation.get("Recipient") for confirmation in confirmations
    ):
        raise SignInProblem("the assertion answers no request of this sign-in")
    if response.get_assertion_not_on_or_after() is None:
        raise SignInProblem("the assertion holds for ever")
    if not response.get_audiences():
        raise SignInProblem("the assertion is for everybody")
    seen = hashlib.sha256(f"{provider.entity_id} {response.get_assertion_id()}".encode()).hexdigest()
    if not cache.add(f"signin:assertion:{seen}", 1, _REMEMBERED_SECONDS):
        raise SignInProblem("the assertion was used already")
    try:
        name_id = response.get_nameid_data()
        attributes = {**response.get_friendlyname_attributes(), **response.get_attributes()}
    except Exception as error:  # of a subject that can't be decrypted, or is another site's
        raise SignInProblem(f"the subject can't be read ({type(error).__name__})") from error
    return SamlAnswer(attributes, name_id, response.get_authn_contexts(), response.get_session_index() or "")
