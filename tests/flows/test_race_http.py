"""The whole system as `make run` starts it, over real HTTP: a race for the last units, the demo, start and stop."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
import urllib3

from infra.local.env import FOLDER, ROOT
from tests.flows.race import Race, until
from tests.kit.running import Running, free_ports, is_listening, running

WALK = [sys.executable, "-m", "infra.local.demo.walk"]


@pytest.fixture(scope="module")
def shop() -> Iterator[Running]:
    with running() as shop:
        print(f"\nready in {shop.seconds:.1f} s")
        yield shop


def test_a_hundred_buyers_get_the_ten_units_there_are_and_ninety_a_clear_refusal(shop):
    race = Race(shop.values)

    outcome = race.run()

    assert outcome.answers == Counter({(201, ""): 10, (409, "out_of_stock"): 90})
    assert (outcome.stock["available"], outcome.stock["reserved"], outcome.stock["on_hand"]) == (0, 10, 10)
    assert outcome.is_consistent, outcome.audit


def test_all_winners_of_a_race_who_pay_are_confirmed(shop):
    race = Race(shop.values, buyers=20, units=5)
    outcome = race.run()

    for reference in outcome.references:
        url = f"{shop.values['MIDTRANS_SIM_URL']}/_sim/transactions/{reference}/settle"
        assert urllib3.request("POST", url, json={"duplicates": 1, "shuffle": True}).status == 200

    assert until(lambda: race.stock()["allocated"] == 5), race.stock()
    assert (race.stock()["available"], race.stock()["reserved"]) == (0, 0)
    orders = [race.order(reference.rpartition("-")[0]) for reference in outcome.references]
    assert {(order["state"], order["payment_status"]) for order in orders} == {("confirmed", "paid")}


def test_the_demo_walks_a_purchase_and_finds_everything_as_promised(shop):
    done = subprocess.run(WALK, cwd=ROOT, env=shop.environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Selesai." in done.stdout
    assert "\033" not in done.stdout


def test_the_demo_says_so_if_nothing_runs(tmp_path):
    done = subprocess.run(WALK, cwd=ROOT, env={**os.environ, FOLDER: str(tmp_path)}, capture_output=True, text=True)

    assert done.returncode == 1
    assert "make run" in done.stderr


def test_ctrl_c_stops_everything_and_the_same_port_serves_again():
    port = free_ports()
    with running(port) as first:
        assert all(is_listening(each) for each in first.ports())
        status = first.stop()
        left = [each for each in first.ports() if is_listening(each)]
        env_file = first.folder / "env"
        assert (status, left, env_file.exists()) == (0, [], False)

    with running(port) as second:
        answer = urllib3.request("GET", f"{second.values['BASE_URL']}/store/products?limit=1")
        assert (answer.status, len(answer.json()["items"])) == (200, 1)
        print(f"\nready in {first.seconds:.1f} s, and in {second.seconds:.1f} s the second time")


def test_a_second_system_on_the_same_port_refuses_and_leaves_the_first_alone(shop):
    command = [sys.executable, "-m", "infra.local"]
    environment = {**shop.environment, "PORT": str(shop.port)}

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert f"Port {shop.port} is taken" in done.stderr
    assert (shop.folder / "env").exists()
