"""API keys and roles as staff keep them, and everybody's own passkeys."""

from chalicelib.core.access import Caller
from chalicelib.core.api import Api, Created
from chalicelib.core.errors import WriteRefused
from chalicelib.core.idempotency import Claim
from chalicelib.identity import keys, passkeys, rolebook
from chalicelib.identity.access import oneself, oneself_anew, staff
from chalicelib.identity.deskviews import (
    AddPasskey,
    KeyList,
    KeyView,
    ListKeys,
    MadeKey,
    MakeKey,
    PasskeyList,
    PasskeyOptions,
    PasskeyView,
    PutRole,
    RoleList,
    RoleView,
)
from chalicelib.identity.errors import (
    BeyondOwnLimit,
    BeyondOwnScopes,
    KeyNotFound,
    KeyRevoked,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyTaken,
    RoleBuiltIn,
    RoleInUse,
    RoleNotFound,
    TooManyPasskeys,
)
from chalicelib.identity.roles import SCOPES

api = Api(__name__)


@api.get("/keys", access=staff("keys:read"), query=ListKeys, answers={200: KeyList})
def list_keys(query: ListKeys) -> KeyList:
    """API keys, the newest first, with those that were revoked or have expired."""
    page = keys.page(limit=query.limit, cursor=query.cursor)
    return KeyList([KeyView.of(key) for key in page.items], page.next_cursor)


@api.post(
    "/keys",
    access=staff("keys:write", step_up=True),
    body=MakeKey,
    answers={201: MadeKey},
    idempotent=True,
    claims_in_use_case=True,
    refusals=(BeyondOwnScopes,),
)
def make_key(asked: MakeKey, caller: Caller, claim: Claim) -> Created:
    """Make an API key; its token is in this answer and never again.

    To change a key over, make its successor, give it to who uses the old one, and revoke the old one then.
    """
    key, token = keys.issue(asked.wish(), caller, claim)
    return Created(MadeKey.with_token(key, token), location="/admin/keys")


@api.post(
    "/keys/{key_id}/revoke",
    access=staff("keys:write", step_up=True),
    answers={200: KeyView},
    refusals=(KeyNotFound, KeyRevoked),
)
def revoke_key(key_id: str) -> KeyView:
    """End a key: an integration's at once, a storefront's within half a minute."""
    return KeyView.of(keys.revoke(key_id))


@api.get("/roles", access=staff("staff:read"), answers={200: RoleList})
def list_roles() -> RoleList:
    """All roles, and what each scope lets do."""
    return RoleList([RoleView.of(role) for role in rolebook.every()], SCOPES)


@api.get("/roles/{role}", access=staff("staff:read"), answers={200: RoleView}, refusals=(RoleNotFound,))
def get_role(role: str) -> RoleView:
    """A role."""
    return RoleView.of(rolebook.get(role))


@api.put(
    "/roles/{role}",
    access=staff("staff:write", step_up=True),
    body=PutRole,
    answers={200: RoleView},
    refusals=(RoleBuiltIn, BeyondOwnScopes, BeyondOwnLimit, WriteRefused),
)
def put_role(role: str, asked: PutRole, caller: Caller) -> RoleView:
    """Make a role of the shop's own, or change it; it counts everywhere within half a minute.

    Nobody can give what they do not have themselves.
    """
    return RoleView.of(rolebook.put(asked.role(role), caller))


@api.delete(
    "/roles/{role}",
    access=staff("staff:write", step_up=True),
    answers={204: None},
    refusals=(RoleNotFound, RoleBuiltIn, RoleInUse, BeyondOwnScopes, BeyondOwnLimit),
)
def delete_role(role: str, caller: Caller) -> None:
    """Take a role of the shop's own away; nobody may have it any more."""
    rolebook.drop(role, caller)


@api.get("/me/passkeys", access=oneself, answers={200: PasskeyList})
def list_passkeys(caller: Caller) -> PasskeyList:
    """Your passkeys, the oldest first."""
    return PasskeyList([PasskeyView.of(passkey) for passkey in passkeys.of(caller.account or "")])


@api.post("/me/passkeys/options", access=oneself_anew, answers={200: PasskeyOptions}, refusals=(TooManyPasskeys,))
def begin_passkey(caller: Caller) -> PasskeyOptions:
    """Begin a new passkey: what the browser needs to make one, within five minutes.

    `user.name` and `user.displayName` only label it on the device; a page may put your e-mail there.
    """
    return PasskeyOptions(passkeys.registration(caller.account or ""))


@api.post(
    "/me/passkeys",
    access=oneself_anew,
    body=AddPasskey,
    answers={201: PasskeyView},
    refusals=(PasskeyRefused, PasskeyTaken),
)
def add_passkey(asked: AddPasskey, caller: Caller) -> Created:
    """Keep the passkey that the browser made."""
    passkey = passkeys.register(caller.account or "", asked.credential)
    return Created(PasskeyView.of(passkey), location="/admin/me/passkeys")


@api.delete("/me/passkeys/{passkey_id}", access=oneself_anew, answers={204: None}, refusals=(PasskeyNotFound,))
def delete_passkey(passkey_id: str, caller: Caller) -> None:
    """Take one of your passkeys away."""
    passkeys.drop(caller.account or "", passkey_id)
