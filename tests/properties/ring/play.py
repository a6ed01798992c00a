"""One run over the stage: who acts, how it goes on without faults, and what all ends have in common."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from chalicelib.core import clock
from chalicelib.core.errors import LarisError
from chalicelib.payments.gateways.port import Kind
from tests.kit.api import Reply, call
from tests.kit.shop import PAYMENT
from tests.properties.ring import ends
from tests.properties.ring.books import Books, Row, order_rows, rows
from tests.properties.ring.outcome import Outcome
from tests.properties.ring.scheduler import run
from tests.properties.ring.schedules import Choices
from tests.properties.ring.stage import Stage, wants_repeat

MOST_STEPS: Final = 1500
LASTING: Final = ("orders", "payments", "inventory", "events")
CLAIM_IS_OLD: Final = 40
"""After so many seconds a request whose first try died may be carried on."""


class Play:
    """Actors are its methods, each by name; one with an apostrophe does the same as the one without."""

    asking: ClassVar[tuple[str, ...]] = ()
    """The actors that ask the API for something and ask again until they are answered."""

    def __init__(self, stage: Stage) -> None:
        stage.reset()
        self.stage, self.shop, self.bank = stage, stage.shop, stage.bank
        self.answers: dict[str, Reply] = {}
        self._books = Books()
        self._looked_again = False
        self._before_echo: Mapping[str, list[Row]] | None = None

    def run(self, choices: Choices, *names: str) -> Outcome:
        """Play it to its end, which must be explained. Raises AssertionError."""

        def actor(name: str) -> Callable[[], Any]:
            work = getattr(self, name.rstrip("'"))
            return (lambda: self._ask(name, work)) if self._asks(name) else work

        return run(
            {name: actor(name) for name in names},
            choices,
            always=self._books.check,
            drain=self._goes_on,
            quiet=self._ends,
            expected=(LarisError,),
            most_steps=MOST_STEPS,
        )

    # Whom every play may use

    def works(self) -> None:
        """Stream and queues move."""
        self.stage.turns(3)

    def doubles(self) -> None:
        """Queues give again, and out of order, what they gave before and what others are at."""
        self.stage.pumps.give_again()

    def expires(self) -> None:
        """The schedule strikes."""
        self.stage.pumps.run_schedule("orders-expire-unpaid")

    def sweeps(self) -> None:
        """The schedule strikes."""
        self.stage.pumps.run_schedule("inventory-sweep-holds")

    def pay(self, reference: str) -> None:
        """A buyer pays, if the gateway takes money; the bank says so."""
        if self.bank.is_open(reference):
            self.stage.happens(reference, Kind.CAPTURED)
        if reference in self.bank.charges and self.bank.book[reference]:
            self.stage.tells(reference)

    def pay_again(self, placed: Mapping[str, Any], key: str) -> Reply:
        """A buyer asks for another way to pay."""
        token = {"Authorization": f"Bearer {placed['access_token']}", "Idempotency-Key": key}
        return call("POST", f"/store/orders/{placed['order']['id']}/payments", PAYMENT, headers=token)

    def cancel(self, order_id: str) -> Reply:
        """Staff call an order off."""
        return self.shop.staff("POST", f"/admin/orders/{order_id}/cancel", {"reason": "batal"})

    # How it goes on

    def _asks(self, name: str) -> bool:
        return name.rstrip("'") in self.asking

    def _ask(self, name: str, ask: Callable[[], Reply]) -> None:
        self.answers[name] = ask()

    def _goes_on(self, outcome: Outcome) -> bool:
        """Clients and the bank ask again until they are answered; queues and schedules do what is left."""
        again = [name for name in outcome.actors if self._asks(name) and wants_repeat(self.answers.get(name))]
        if again:
            self.stage.pass_(seconds=CLAIM_IS_OLD)
        for name in again:
            if error := outcome.restart(name).error:
                raise error
        if self.stage.tells_unheard() or self.stage.settles() or again:
            return True
        return self._strikes() or self._echoes()

    def _strikes(self) -> bool:
        now = clock.stamp(clock.now())
        if any(row["state"] == "pending" and row["expires_at"] < now for row in order_rows().values()):
            self.expires()
            return True
        if not self._looked_again and any(row.get("state") == "parked" for row in rows("payments")):
            self._looked_again = True
            self.stage.pumps.run_schedule("payments-retry-parked")
            return True
        return False

    def _echoes(self) -> bool:
        if self._before_echo is not None:
            return False
        self._before_echo = {name: rows(name) for name in LASTING}
        self.stage.echoes()
        return True

    # How it ends

    def _ends(self, outcome: Outcome) -> None:
        ends.check(self.stage, is_fair=not outcome.faults)
        for name, before in (self._before_echo or {}).items():
            assert rows(name) == before, f"what was said twice was done twice: {name}"
        for name, reply in self.answers.items():
            assert reply.status < 500, f"{name} got {reply.text}"
        self.check()

    def check(self) -> None:
        """Raise AssertionError unless this play ended as it may."""
