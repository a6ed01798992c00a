"""No room for a function: its callers are told so, its messages wait, and all goes on once there is room again."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.deployed.ring3.buyers import Buyer
from tests.deployed.ring3.system import API, Deployed, eventually


@contextmanager
def no_room_for(deployed: Deployed, function: str) -> Iterator[None]:
    """Its reserved concurrency is 0 while this lasts."""
    functions = deployed.emulator.client("lambda")
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        functions.delete_function_concurrency(FunctionName=function)


def test_an_api_without_room_says_so_and_then_goes_on_where_it_was(deployed):
    buyer = Buyer(deployed, deployed.skus[3]).fills_a_cart()

    with no_room_for(deployed, API):
        refused = deployed.api.ask("GET", f"/store/carts/{buyer.cart}")

    assert refused.status == 429
    assert buyer.orders().status == 201


def test_messages_wait_for_a_worker_without_room(deployed):
    with no_room_for(deployed, f"{API}-orders-on-payment"):
        buyer = Buyer(deployed, deployed.skus[3]).buys().pays()
        assert eventually(lambda: "payment.captured" in deployed.timeline(buyer.order_id))
        assert eventually(lambda: deployed.queues().get("orders", 0) >= 1)
        assert deployed.order(buyer.order_id)["state"] == "pending"

    assert eventually(lambda: "stock.allocated" in deployed.timeline(buyer.order_id)), deployed.order(buyer.order_id)
    assert deployed.order(buyer.order_id)["state"] == "confirmed"
