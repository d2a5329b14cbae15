"""ID tokens: whether one is what this site asked this provider for (OpenID Connect Core 1.0, 3.1.3.7)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.utils.crypto import constant_time_compare, salted_hmac

from amls.core.providers import SignInProvider
from amls.signin.problems import SignInProblem

# By a private key that the provider alone has: never none, and never HS256, for which the public key could be taken.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
# How far the provider's clock may be off.
SKEW = timedelta(minutes=2)
# How long somebody may take to come back; allauth forgets the state after it.
_LONGEST = timedelta(minutes=15)


def nonce_of(state: str) -> str:
    """Return the nonce of a sign-in: bound to its state, which only the session that began it knows."""
    return salted_hmac("amls.signin.nonce", state, algorithm="sha256").hexdigest()


def read_id_token(
    token: str, *, keys: Sequence[Mapping[str, Any]], provider: SignInProvider, nonce: str, now: datetime
) -> dict[str, Any]:
    """Return the claims of an ID token.

    Args:
        token: as it came.
        keys: of the provider (JWK).
        provider: who must have made it, for this site.
        nonce: of this sign-in.
        now: the request's clock.

    Raises:
        SignInProblem: it is not for this sign-in; why.
    """
    claims = read_signed(token, keys=keys, provider=provider, now=now, needs=("exp", "iat", "iss", "aud", "sub"))
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != provider.client_id:
        raise SignInProblem("the ID token was made for another client (azp)")
    if now - _moment(claims, "iat") > _LONGEST + SKEW:
        raise SignInProblem("the ID token is an old one")
    if not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise SignInProblem("the ID token has another nonce")
    return claims


def read_logout_token(
    token: str, *, keys: Sequence[Mapping[str, Any]], provider: SignInProvider, now: datetime
) -> dict[str, Any]:
    """Return the claims of a token by which a provider says that a session is over (Back-Channel Logout 1.0, 2.6).

    Raises:
        SignInProblem: it is none, or names nobody; an ID token is none either.
    """
    claims = read_signed(token, keys=keys, provider=provider, now=now, needs=("iat", "iss", "aud", "jti", "sub"))
    events = claims.get("events")
    if not isinstance(events, dict) or _LOGOUT not in events or "nonce" in claims:
        raise SignInProblem("no logout token")
    if now - _moment(claims, "iat") > _LONGEST:
        raise SignInProblem("the logout token is an old one")
    return claims


def read_signed(
    token: str, *, keys: Sequence[Mapping[str, Any]], provider: SignInProvider, now: datetime, needs: Sequence[str]
) -> dict[str, Any]:
    """Return the claims of a token that a provider signed for this site, and that holds now.

    Raises:
        SignInProblem: it did not, or it does not.
    """
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise SignInProblem(f"signed by {str(header.get('alg'))[:20]}")
        key = _key(keys, header)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            audience=provider.client_id,
            issuer=_issuers(provider),
            # By the database's clock, below.
            options={"require": list(needs), "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise SignInProblem(f"{type(error).__name__}: {error}") from error
    if "exp" in claims and _moment(claims, "exp") + SKEW <= now:
        raise SignInProblem("the token has expired")
    if any(_moment(claims, name) - SKEW > now for name in ("nbf", "iat") if name in claims):
        raise SignInProblem("the token does not hold yet")
    return claims


def _issuers(provider: SignInProvider) -> list[str]:
    """Return how the issuer may be written: whoever typed it may have left out the slash at its end."""
    return [provider.issuer, f"{provider.issuer}/"]


def names_key(keys: Any, token: str) -> bool:
    """Return whether the key that a token names is among a provider's."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        return True
    return kid is None or (
        isinstance(keys, list) and any(isinstance(key, dict) and key.get("kid") == kid for key in keys)
    )


def _key(keys: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> jwt.PyJWK:
    wanted = [key for key in keys if key.get("use", "sig") == "sig"]
    if header.get("kid") is not None:
        wanted = [key for key in wanted if key.get("kid") == header["kid"]]
    if len(wanted) != 1:
        raise SignInProblem("signed by a key that the provider does not name")
    return jwt.PyJWK(dict(wanted[0]), algorithm=header["alg"])


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(claims[name]), tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise SignInProblem(f"{name} is no time") from error
