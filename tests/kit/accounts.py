"""Customers for tests who come by the doors alone: they register, read their letters and log in."""

from dataclasses import dataclass, field
from typing import Any

from tests.kit import letters
from tests.kit.api import Reply, call
from tests.kit.logins import code_at
from tests.kit.shop import Shop

PASSWORD = "layang-layang biru di atas sawah"


@dataclass
class Visitor:
    """Somebody at a browser of their own."""

    shop: Shop
    email: str = "siti@example.com"
    name: str = "Siti Rahmawati"
    password: str = PASSWORD
    source: str = "198.51.100.7"
    device: str | None = None
    secret: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def asks(self, method: str, path: str, body: Any = None) -> Reply:
        """Something that anybody may ask."""
        shown = {"X-Forwarded-For": self.source, **({"X-Laris-Device": self.device} if self.device else {})}
        return call(method, path, body, headers=shown)

    def does(self, method: str, path: str, body: Any = None) -> Reply:
        """Something that needs the session."""
        return call(method, path, body, headers={"X-Forwarded-For": self.source, **self.headers})

    def registers(self, **about: Any) -> Reply:
        """They ask for an account."""
        wish = {"name": self.name, "email": self.email, "password": self.password, **about}
        return self.asks("POST", "/store/customers", wish)

    def mail(self, to: str | None = None) -> list[letters.Mail]:
        """What lies in a mailbox, theirs if no other is named."""
        self.shop.drain()
        return letters.sent(to or self.email)

    def token(self, to: str | None = None) -> str:
        """What the link of the newest letter carries, those about orders apart."""
        links = [link for mail in self.mail(to) for link in mail.links if "/orders/" not in link]
        return links[-1].partition("#")[2]

    def follows(self, token: str | None = None) -> Reply:
        """They follow the link that opens the account."""
        return self.asks("POST", "/store/customers/verify", {"token": token or self.token(), "password": self.password})

    def says(self, password: str | None = None) -> Reply:
        """The first step of logging in."""
        return self.asks("POST", "/store/login", {"email": self.email, "password": password or self.password})

    def logs_in(self) -> Reply:
        """Both steps; from then on they have a session."""
        answer = self.says()
        if answer.status == 200 and answer.body["ticket"]:
            proof = {"kind": "totp", "code": self.code()}
            answer = self.asks("POST", "/store/login/second-factor", {"ticket": answer.body["ticket"], "proof": proof})
        if answer.status == 200:
            self.headers = {"Authorization": f"Bearer {answer.body['token']}"}
            self.device = answer.body["device"]
        return answer

    def joins(self, **about: Any) -> "Visitor":
        """All of it."""
        assert self.registers(**about).status == 202
        assert self.follows().status == 204
        assert self.logs_in().status == 200
        return self

    def code(self) -> str:
        """What the authenticator app shows."""
        from chalicelib.core import clock

        assert self.secret is not None
        return code_at(self.secret, clock.now().timestamp())

    def sets_up_totp(self) -> list[str]:
        """They start and confirm a second factor; the recovery codes."""
        self.secret = self.does("POST", "/store/me/totp").body["secret"]
        confirmed = self.does("POST", "/store/me/totp/confirm", {"code": self.code()})
        assert confirmed.status == 200, confirmed.text
        return list(confirmed.body["codes"])
