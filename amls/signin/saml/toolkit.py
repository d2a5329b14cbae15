"""What is used of python3-saml, by its own names without their prefix; loaded by the first who asks for it (PEP 562).

It brings parsers of XML and two libraries in C, a tenth of what a web process weighs, and a site without a provider of SAML
never asks.
"""

from importlib import import_module
from typing import Any

_PLACES = {
    "Auth": "auth",
    "Constants": "constants",
    "Error": "errors",
    "IdPMetadataParser": "idp_metadata_parser",
    "Logout_Request": "logout_request",
    "Response": "response",
    "Settings": "settings",
    "XML": "xml_utils",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"'{name}' is none of the names of python3-saml that are used here.")
    return getattr(import_module(f"onelogin.saml2.{_PLACES[name]}"), f"OneLogin_Saml2_{name}")
