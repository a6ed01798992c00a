"""One order, and everything that may happen to it."""

from chalicelib.payments.gateways.port import Kind
from tests.kit.api import Reply
from tests.properties.ring.books import order_rows
from tests.properties.ring.play import Play
from tests.properties.ring.stage import Stage


class Ending(Play):
    """One order, and everything that may happen to it."""

    asking = ("cancels", "stops", "goes_on")

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.order_id, self.reference = stage.placed["order"]["id"], stage.placed["payment"]["reference"]

    def pays(self) -> None:
        self.pay(self.reference)

    def says_again(self) -> None:
        if self.bank.book[self.reference]:
            self.stage.tells(self.reference, number=7)

    def reverses(self) -> None:
        if Kind.CAPTURED in self.bank.kinds(self.reference) and Kind.DENIED not in self.bank.kinds(self.reference):
            self.stage.happens(self.reference, Kind.DENIED)
            self.stage.tells(self.reference)

    def cancels(self) -> Reply:
        return self.cancel(self.order_id)

    def stops(self) -> Reply:
        return self.shop.staff("POST", f"/admin/orders/{self.order_id}/hold", {"reason": "fraud"})

    def goes_on(self) -> Reply:
        return self.shop.staff("POST", f"/admin/orders/{self.order_id}/release")

    @property
    def state(self) -> str:
        return str(order_rows()[self.order_id]["state"])

    def check(self) -> None:
        assert self.state in {"confirmed", "on_hold", "expired", "cancelled"}
        assert "cancels" not in self.answers or (self.answers["cancels"].status == 200) <= (self.state == "cancelled")
        others = [order for order_id, order in order_rows().items() if order_id != self.order_id]
        assert all(order["version"] == 1 for order in others), "an order that is not due was moved"
