"""Passkeys (WebAuthn level 3, https://www.w3.org/TR/webauthn-3/): set up, listed, and asked for at log-in and step-up.

With the library ``fido2``, imported on use. Not ``webauthn``: it brings pyOpenSSL, which botocore loads, with
cryptography, at every cold start where it finds it. Texts are URL-safe base64, as browsers' ``toJSON`` gives them.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from chalicelib.core import audit, clock, crypto, db
from chalicelib.core.config import settings
from chalicelib.core.log import logger
from chalicelib.identity.errors import PasskeyRefused, TooManyPasskeys
from chalicelib.identity.models.passkeys import ChallengeRow, Passkey, PasskeyRow

if TYPE_CHECKING:
    from fido2.server import Fido2Server
    from fido2.webauthn import AuthenticationResponse, AuthenticatorData

__all__ = ["Passkey", "drop", "of", "options", "register", "registration", "verify"]

CHALLENGE_BYTES: Final = 32
CHALLENGE_LASTS: Final = timedelta(minutes=5)
MOST: Final = 20
REGISTER: Final = "register"
ALGORITHMS: Final = (-8, -7, -257)
"""EdDSA, ES256 and RS256, as COSE calls them: the best first."""


def of(account: str) -> list[Passkey]:
    """The passkeys of an account, the oldest first."""
    return PasskeyRow.of(account)


def drop(account: str, id_: str) -> None:
    """Take a passkey away. Raises PasskeyNotFound."""
    audit.change(f"passkey:{id_}", before={"account": account})
    with db.transaction() as tx:
        PasskeyRow.drop(tx, account, id_)


def registration(account: str) -> dict[str, Any]:
    """What the browser's ``navigator.credentials.create`` takes, by ``parseCreationOptionsFromJSON``.

    Raises TooManyPasskeys.
    """
    present = of(account)
    if len(present) >= MOST:
        raise TooManyPasskeys()
    return {
        "rp": {"id": _host(), "name": _host()},
        "user": {"id": crypto.text_of(account.encode()), "name": account, "displayName": account},
        "challenge": _challenge(account, REGISTER),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
        "timeout": int(CHALLENGE_LASTS.total_seconds() * 1000),
        "excludeCredentials": [_named(passkey) for passkey in present],
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    }


def register(account: str, credential: Mapping[str, Any]) -> Passkey:
    """The passkey that a browser made of ``registration``. Raises PasskeyRefused, PasskeyTaken."""
    challenge, made = _registered(credential)
    described = made.credential_data
    if described is None or described.public_key.ALGORITHM not in ALGORITHMS:
        raise PasskeyRefused()
    passkey = Passkey(
        id=crypto.digest(crypto.text_of(described.credential_id)),
        data=crypto.text_of(bytes(described)),
        model=str(described.aaguid),
        counter=made.counter,
        is_synced=bool(made.flags & made.FLAG.BS),
        made_at=clock.now(),
        used_at=None,
    )
    audit.change(f"passkey:{passkey.id}", after={"account": account, "model": passkey.model})
    with db.transaction() as tx:
        ChallengeRow.use_up(tx, account, REGISTER, challenge)
        PasskeyRow.add(tx, account, passkey)
    logger.info("passkey added", account=account, passkey=passkey.id)
    return passkey


def options(account: str, ticket_id: str) -> dict[str, Any]:
    """What the browser's ``navigator.credentials.get`` takes, by ``parseRequestOptionsFromJSON``.

    ``ticket_id`` names the log-in or session that the answer is for, and is of use for no other.
    """
    return {
        "challenge": _challenge(account, ticket_id),
        "timeout": int(CHALLENGE_LASTS.total_seconds() * 1000),
        "rpId": _host(),
        "allowCredentials": [_named(passkey) for passkey in of(account)],
        "userVerification": "required",
    }


def verify(account: str, credential: Mapping[str, Any], ticket_id: str) -> None:
    """Let through who answered ``options`` with a passkey of ``account``; once. Raises PasskeyRefused."""
    answer = _parsed(credential)
    id_ = crypto.digest(crypto.text_of(answer.raw_id))
    (passkey,) = db.look(PasskeyRow.lookup(account, id_))
    if passkey is None or answer.response.user_handle not in {None, account.encode()}:
        raise PasskeyRefused()
    challenge = crypto.text_of(answer.response.client_data.challenge)
    _check_signed(answer, challenge, passkey)
    try:
        with db.transaction() as tx:
            ChallengeRow.use_up(tx, account, ticket_id, challenge)
            PasskeyRow.use(tx, account, id_, answer.response.authenticator_data.counter, clock.now())
    except PasskeyRefused:
        logger.warning("passkey answered too late, twice, or from a copy", account=account, passkey=id_)
        raise


def _challenge(account: str, purpose: str) -> str:
    challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
    with db.transaction() as tx:
        ChallengeRow.add(tx, account, purpose, challenge, clock.now() + CHALLENGE_LASTS)
    return challenge


def _named(passkey: Passkey) -> dict[str, str]:
    from fido2.webauthn import AttestedCredentialData

    credential = AttestedCredentialData(crypto.bytes_of(passkey.data))
    return {"type": "public-key", "id": crypto.text_of(credential.credential_id)}


def _registered(credential: Mapping[str, Any]) -> "tuple[str, AuthenticatorData]":
    """The challenge that was answered, and what the authenticator says of its new credential."""
    from fido2.webauthn import RegistrationResponse

    with _held_to_the_protocol():
        answer = RegistrationResponse.from_dict(credential)
        challenge = crypto.text_of(answer.response.client_data.challenge)
        made = _server().register_complete(_state(challenge), answer)
        _check_top(answer.response.client_data.cross_origin)
    return challenge, made


def _parsed(credential: Mapping[str, Any]) -> "AuthenticationResponse":
    from fido2.webauthn import AuthenticationResponse

    with _held_to_the_protocol():
        return AuthenticationResponse.from_dict(credential)


def _check_signed(answer: "AuthenticationResponse", challenge: str, passkey: Passkey) -> None:
    from fido2.webauthn import AttestedCredentialData

    known = AttestedCredentialData(crypto.bytes_of(passkey.data))
    with _held_to_the_protocol():
        _server().authenticate_complete(_state(challenge), [known], answer)
        _check_top(answer.response.client_data.cross_origin)


@contextmanager
def _held_to_the_protocol() -> Iterator[None]:
    """What the library finds wrong comes out as PasskeyRefused; it has no one type for it."""
    try:
        yield
    except Exception as error:
        raise PasskeyRefused() from error


def _check_top(is_framed: bool) -> None:
    """The library holds the origin to ours, but would take our page within a frame of somebody else's."""
    if is_framed:
        raise PasskeyRefused()


def _server() -> "Fido2Server":
    from fido2.server import Fido2Server
    from fido2.webauthn import PublicKeyCredentialRpEntity

    url = urlsplit(settings.console_url)
    party = PublicKeyCredentialRpEntity(name=_host(), id=_host())
    return Fido2Server(party, verify_origin=lambda origin: origin == f"{url.scheme}://{url.netloc}")


def _state(challenge: str) -> dict[str, str]:
    return {"challenge": challenge, "user_verification": "required"}


def _host() -> str:
    return urlsplit(settings.console_url).hostname or ""
