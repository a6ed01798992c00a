"""What proves, besides the password, that it is they: a code of the app, a recovery code, a passkey."""

from typing import Annotated, Any

import msgspec

from chalicelib.core import db
from chalicelib.core.errors import LarisError
from chalicelib.core.personal import SECRET
from chalicelib.identity import passkeys, totp


class TotpProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="totp"):
    """The six digits that the authenticator app shows."""

    code: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$"), SECRET]


class RecoveryProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="recovery"):
    """One of the recovery codes, each good once."""

    code: Annotated[str, msgspec.Meta(min_length=16, max_length=40), SECRET]


class PasskeyProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="passkey"):
    """What ``navigator.credentials.get()`` gave, as its ``toJSON()``."""

    credential: Annotated[dict[str, Any], SECRET]


Proof = TotpProof | RecoveryProof | PasskeyProof


def prove(tx: db.Transaction, account: str, proof: Proof, *, challenge: str, refusal: LarisError) -> None:
    """Use ``proof`` up in ``tx``: whatever else is in it happens only if it is right and was not used before.

    ``challenge`` names what a passkey's challenge was made for: a ticket or a session.
    """
    match proof:
        case TotpProof(code):
            totp.take(tx, account, code, refusal)
        case RecoveryProof(code):
            totp.take_recovery(tx, account, code, refusal)
        case PasskeyProof(credential):
            passkeys.verify(account, credential, challenge)
