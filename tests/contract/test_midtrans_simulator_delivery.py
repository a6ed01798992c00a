"""How the simulator delivers its notifications."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.kit.midtrans_simulated import asking, listening, merchant, playing
from tests.kit.partner import Said


@pytest.fixture
def midtrans():
    with merchant() as made:
        yield made


@pytest.mark.parametrize(
    ("status", "tries"),
    [(200, 1), (204, 1), (500, 2), (503, 5), (400, 3), (404, 3), (301, 1), (302, 1), (303, 1), (403, 6), (502, 6)],
)
def test_a_notification_is_tried_again_as_documented(status, tries):
    with (
        listening(lambda _: Said(status, {})) as sink,
        playing(sink.url, retry_scale=0.000001) as simulator,
        asking(simulator, sink) as midtrans,
    ):
        midtrans.charge()

        assert midtrans.statuses() == ["pending"] * tries
        assert [each["status"] for each in simulator.deliveries()] == [status] * tries
        assert simulator.deliveries()[-1]["next_try_in_ms"] is None


def test_a_notification_nobody_takes_is_given_up_after_five_more_tries():
    with playing("http://127.0.0.1:9/hook", retry_scale=0.000001) as simulator, asking(simulator) as midtrans:
        midtrans.charge()

        assert simulator.drain()
        assert len(simulator.deliveries()) == 6
        assert simulator.deliveries()[0]["error"] == "NewConnectionError"


def test_a_later_notification_does_not_wait_for_the_retries_of_an_earlier_one():
    first = threading.Event()

    def once_down(asked):
        if not first.is_set():
            first.set()
            return Said(503, {})
        return Said(200, {})

    with (
        listening(once_down) as sink,
        playing(sink.url, retry_scale=0.003) as simulator,
        asking(simulator, sink) as midtrans,
    ):
        midtrans.charge()
        assert first.wait(5)
        midtrans.sim("settle")

        assert midtrans.statuses() == ["pending", "settlement", "pending"]


def test_a_temporary_redirect_is_followed(midtrans):
    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", f"{midtrans.sink.url}/moved")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        midtrans.simulator.notify_url = f"http://127.0.0.1:{server.server_address[1]}/old"
        midtrans.charge()
        assert midtrans.simulator.drain()
        server.shutdown()

    assert [asked.path for asked in midtrans.sink.asked] == ["/moved"]
    assert midtrans.statuses() == ["pending"]


def test_a_charge_may_add_or_replace_the_addresses(midtrans):
    more, instead = f"{midtrans.sink.url}/more", f"{midtrans.sink.url}/instead"

    midtrans.charge(order_id="a", X_Append_Notification=more)
    midtrans.charge(order_id="b", X_Override_Notification=instead)

    midtrans.told()
    assert sorted((asked.path, asked.body["order_id"]) for asked in midtrans.sink.asked) == [
        ("/hook", "a"),
        ("/instead", "b"),
        ("/more", "a"),
    ]


def test_without_an_address_nothing_is_sent_and_one_set_later_hears_all_when_shuffled(midtrans):
    url, midtrans.simulator.notify_url = midtrans.simulator.notify_url, None
    midtrans.charge()
    assert midtrans.told() == []

    midtrans.simulator.notify_url = url
    midtrans.sim("settle", shuffle=True)

    assert sorted(midtrans.statuses()) == ["pending", "settlement"]


def test_many_at_once_lose_nothing(midtrans):
    references = [f"ord-{number}" for number in range(40)]

    with ThreadPoolExecutor(8) as buyers:
        list(buyers.map(lambda reference: midtrans.charge(order_id=reference), references))
        list(buyers.map(lambda reference: midtrans.sim("settle", reference), references))

    heard = midtrans.told()
    for reference in references:
        said = [note["transaction_status"] for note in heard if note["order_id"] == reference]
        assert said == ["pending", "settlement"]
    assert {line["status"] for line in midtrans.simulator.book()} == {"settlement"}
