"""One-time links. A token is the account's id and 256 bits of chance, of which only the digest is kept."""

import secrets
from datetime import timedelta
from typing import Final

from chalicelib.core import clock, crypto, db
from chalicelib.identity.errors import LinkEnded
from chalicelib.identity.models.links import LinkRow

MOST_DROPPED: Final = 20


def make_link(tx: db.Transaction, purpose: str, account: str, lifetime: timedelta) -> str:
    """The token of a new link, written in ``tx``: good for this purpose, once."""
    secret = secrets.token_urlsafe(32)
    LinkRow.add(tx, account, purpose, crypto.digest(secret), until=clock.now() + lifetime)
    return f"{account}_{secret}"


def peek_link(purpose: str, token: str) -> str:
    """Whose link it is. It can still be used. Raises LinkEnded."""
    account, digest = _parts(token)
    (is_good,) = db.look(LinkRow.lookup(account, purpose, digest))
    if not is_good:
        raise LinkEnded()
    return account


def use_link(tx: db.Transaction, purpose: str, token: str) -> str:
    """Whose link it is; it is used up with ``tx``, and so are all others for the same purpose. Refused: LinkEnded."""
    account, digest = _parts(token)
    LinkRow.use(tx, account, purpose, digest, refusal=LinkEnded())
    LinkRow.drop_others(tx, account, purpose, digest, MOST_DROPPED)
    return account


def drop_links(tx: db.Transaction, purpose: str, account: str) -> None:
    """Make all links of an account for ``purpose`` worthless."""
    LinkRow.drop_others(tx, account, purpose, None, MOST_DROPPED)


def drop_all(tx: db.Transaction, account: str, *, but: str | None = None) -> None:
    """Make all links of an account worthless, whatever they are for, save those for the purpose ``but``.

    With a new password or e-mail: who had the old one may have asked for any of them.
    """
    LinkRow.drop_all(tx, account, but, MOST_DROPPED)


def _parts(token: str) -> tuple[str, str]:
    """``stf_01J…_secret`` → account id, digest. Raises LinkEnded for anything else."""
    kind, _, rest = token.partition("_")
    id_, _, secret = rest.partition("_")
    if not (kind and id_ and secret):
        raise LinkEnded()
    return f"{kind}_{id_}", crypto.digest(secret)
