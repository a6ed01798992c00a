"""Staff for tests who have joined as staff do: by an invitation, with a password and an authenticator app."""

from dataclasses import dataclass, field
from typing import Any

from tests.kit.api import Reply, call

PASSWORD = "kuda lumping menari"
AGENT = "Mozilla/5.0 (X11; Linux x86_64)"


@dataclass
class Colleague:
    """Somebody who works here, and what they have about them."""

    account: str
    email: str
    secret: str
    recovery: list[str]
    password: str = PASSWORD
    device: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def code(self) -> str:
        """What the app shows."""
        from chalicelib.core import clock

        return code_at(self.secret, clock.now().timestamp())

    def says(self, password: str | None = None) -> Reply:
        """The first step of logging in."""
        body = {"email": self.email, "password": password or self.password}
        return send("POST", "/admin/login", body, device=self.device)

    def proves(self, ticket: str, proof: dict[str, Any] | None = None) -> Reply:
        """The second step."""
        body = {"ticket": ticket, "proof": proof or {"kind": "totp", "code": self.code()}}
        return send("POST", "/admin/login/second-factor", body, device=self.device)

    def logs_in(self) -> Reply:
        """Both, with the next code; from then on ``headers`` show the session, and ``device`` the device."""
        from chalicelib.core import clock

        clock.sleep(30)
        answer = self.proves(self.says().body["ticket"])
        if answer.status == 200:
            self.headers = {"Authorization": f"Bearer {answer.body['token']}"}
            self.device = answer.body["device"]
        return answer

    def asks(self, method: str, path: str, body: Any = None) -> Reply:
        """Something that needs the session."""
        return call(method, path, body, headers=self.headers)


def code_at(secret: str, at: float) -> str:
    """The six digits of RFC 6238, worked out here from the RFC and not by the library."""
    import base64
    import hashlib
    import hmac
    import struct

    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def send(method: str, path: str, body: Any, *, device: str | None = None) -> Reply:
    """A request of somebody unknown, who may show a device."""
    shown = {"X-Laris-Device": device} if device else {}
    return call(method, path, body, headers={"User-Agent": AGENT, **shown})


def visit(address: str = "203.0.113.7", device: str | None = None) -> Any:
    """A request from ``address``, for who asks the use case itself."""
    from chalicelib.core.access import Visit

    shown = {"x-laris-device": device} if device else {}
    return Visit({"user-agent": AGENT, **shown}, {}, address)


def letters(account: str) -> list[tuple[str, dict[str, str]]]:
    """The letters to somebody, the oldest first: template and facts."""
    from chalicelib.core import vault
    from chalicelib.notices.models.notices import NoticeRow

    key = vault.key(account)
    assert key is not None
    opened = [(row.template, row.opened(key)) for row in NoticeRow.look(NoticeRow.ids_of(account))]
    return [(template, dict(said[1])) for template, said in opened if said]


def owner(email: str = "ratna@toko-ratna.example", name: str = "Ratna Dewi") -> Colleague:
    """The first owner, who has joined a minute ago."""
    from chalicelib.identity import people

    return joined(email, people.first_owner(email, name).partition("#")[2])


def colleague(role: str, email: str, name: str = "Budi Santoso", *, boss: str) -> Colleague:
    """Somebody with ``role``, who has joined a minute ago, invited by ``boss``."""
    from chalicelib.identity import people

    account = people.invite(email, name, role, caller(boss)).id
    return joined(email, letters(account)[-1][1]["link"].partition("#")[2])


def caller(boss: str) -> Any:
    """An owner who asks a use case itself."""
    from chalicelib.core.access import Caller
    from chalicelib.identity.roles import SCOPES

    return Caller(f"staff:{boss}", boss, account=boss, scopes=frozenset(SCOPES))


def joined(email: str, token: str) -> Colleague:
    """Who accepted the invitation with this token."""
    from chalicelib.core import clock
    from chalicelib.identity import links, people

    account = links.peek_link(people.INVITATION, token)
    secret = people.accept(token, PASSWORD).secret
    recovery = people.confirm(token, code_at(secret, clock.now().timestamp()))
    clock.sleep(60)  # the next code
    return Colleague(account, email, secret, recovery)
