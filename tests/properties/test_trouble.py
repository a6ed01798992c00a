"""A throttled, conflicting, half-failing AWS: what each kind of door answers then, and that nothing is done by halves.

Every call that a request makes of AWS meets every fault in turn, for as long as it is repeated. The answer is the one
that was asked for or tells the client to come again; then AWS is well, the client does, and there is one effect.
"""

import random
from datetime import timedelta

import pytest
from moto.sqs.models import sqs_backends

from chalicelib.core import api, aws, client, db, limits, secrets
from chalicelib.core import clock as time
from chalicelib.core.errors import TooMany, Unanswered, Unavailable
from tests.kit import cloud, customers, faults, letters, trouble
from tests.kit.api import as_staff, call
from tests.kit.stock import level
from tests.kit.trouble import Scene, census
from tests.properties.ring.stage import Stage

GATEWAY_GIVES_UP = 29
TELLTALES = ("planted", "dynamo", "boto", "aws", "arn:", "traceback", "throughput", "exception", "laris-test", "kms")
LATER = {409, 429, 503}

THROTTLED = {
    "throughput": faults.failing("ProvisionedThroughputExceededException"),
    "throttled": faults.failing("ThrottlingException"),
    "over the limit": faults.failing("RequestLimitExceeded"),
}
CANCELLED = {
    "cancelled by throttling": faults.cancelled("ThrottlingError", "ThrottlingException"),
    "cancelled by throughput": faults.cancelled("ProvisionedThroughputExceeded", "SlowDown"),
    "in conflict": faults.cancelled("TransactionConflict", "TransactionConflictException"),
}
FAILING = {
    "failing inside": faults.failing("InternalServerError", 500),
    "not in service": faults.failing("ServiceUnavailable", 503),
    "unreachable": faults.unreachable,
    "request lost": faults.lost,
}
REFUSING = {
    "access denied": faults.failing("AccessDeniedException"),
    "forbidden": faults.failing("AccessDenied", 403),
    "key disabled": faults.failing("DisabledException"),
}
UNHEARD = {"response lost": faults.unheard}
KINDS = (THROTTLED, CANCELLED, FAILING, REFUSING, UNHEARD)
FAULTS = {name: fault for kind in KINDS for name, fault in kind.items()}

HALF_THROTTLED = (490, 378, 1692)
"""Of 500 each, one after the other: how many were written, how many read before botocore's quota was spent and after,
and how many sends that took."""

IN_FULL = {"checkout", "webhook", "receipt", "refund"}
"""These meet every fault at every call, the others one of each kind, another one at each call."""


@pytest.fixture(scope="module")
def scene():
    with Stage().open() as stage:
        yield Scene(stage)


def explained(reply):
    """A refusal that a client understands, and that tells nothing of what is behind it."""
    assert reply.status in LATER, (reply.status, reply.text)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert int(reply.headers["Retry-After"]) >= 1
    assert reply.body["status"] == reply.status
    assert [word for word in TELLTALES if word in reply.text.lower()] == []
    return True


def faults_for(name, site):
    if name in IN_FULL:
        return list(FAULTS)
    return [sorted(kind)[(len(name) + site) % len(kind)] for kind in KINDS]


def without_faults(scene, case):
    """What comes of it when all is well: the answer, the rows, and the calls it takes."""
    scene.reset()
    with faults.on_aws(faults.nothing) as sent:
        wanted = case.ask()
    assert wanted.status < 300, wanted.text
    return wanted.status, census(), list(sent.calls)


@pytest.mark.parametrize("name", trouble.NAMES)
def test_whatever_fails_is_explained_and_a_repeat_has_one_effect(scene, name):
    case = scene.cases()[name]
    wanted, once, calls = without_faults(scene, case)
    for site, each in enumerate(calls):
        for fault in faults_for(name, site):
            books = scene.reset()
            try:
                with faults.on_aws(faults.only(site, FAULTS[fault])) as sent:
                    first = case.ask()
                books.check()
                assert first.status == wanted or explained(first)
                assert max(sent.calls.values()) <= (db.ATTEMPTS if fault in CANCELLED else 3)

                if case.is_put_off(first):
                    assert not case.is_put_off(case.anew())
                    continue
                last = first if first.status == wanted else scene.repeats(case.ask)

                books.check()
                assert last.status == wanted or last.code in case.told, last.text
                assert case.is_as(once, census())
            except AssertionError as failure:
                failure.add_note(f"{fault} at call {site}, {each}")
                raise


@pytest.mark.parametrize("name", ["checkout", "webhook", "receipt", "verify", "log in"])
def test_one_fault_of_a_moment_is_not_noticed(scene, name):
    case = scene.cases()[name]
    wanted, once, calls = without_faults(scene, case)
    for site, each in enumerate(calls):
        momentary = {**THROTTLED, **FAILING, **UNHEARD, **(CANCELLED if each.is_transaction else {})}
        fault = sorted(momentary)[site % len(momentary)]
        scene.reset()

        with faults.on_aws(faults.first(site, momentary[fault])):
            reply = case.ask()

        assert reply.status == wanted, f"{fault} at {each}: {reply.text}"
        assert case.is_as(once, census())


# The webhook


@pytest.mark.parametrize("fault", FAULTS)
def test_a_message_is_acknowledged_only_if_it_is_kept_and_queued(scene, fault):
    case = scene.cases()["webhook"]
    _, once, calls = without_faults(scene, case)
    for site in range(len(calls)):
        scene.reset()
        with faults.on_aws(faults.only(site, FAULTS[fault])):
            reply = case.ask()

        is_kept = census() == once and scene.queued("payment-webhooks") > 0
        assert reply.status >= 300 or is_kept


def test_a_message_that_the_queue_did_not_take_is_to_be_posted_again(scene):
    scene.reset()
    with faults.on_aws(lambda _number, call: faults.not_taken if call.service == "sqs" else None):
        reply = scene.cases()["webhook"].ask()

    assert (reply.status, reply.code) == (409, "write_refused")
    assert scene.cases()["webhook"].ask().status == 200
    assert scene.queued("payment-webhooks") == 1


# Workers


@pytest.fixture(scope="module")
def paid(scene):
    """What comes of a payment that is told of: how many calls the workers make, and the rows in the end."""
    scene.reset()
    scene.shop.tells(scene.open["payment"]["reference"])
    with faults.on_aws(faults.nothing) as sent:
        scene.stage.settles()
    return [call for call in sent.calls if is_work(call)], census(), scene.shop.timeline(scene.open["order"]["id"])


def is_work(call):
    """Not what carries messages to the workers."""
    return call.service != "sqs"


@pytest.mark.parametrize("kind", [THROTTLED, FAILING, UNHEARD], ids=["throttled", "failing", "unheard"])
def test_what_workers_could_not_do_comes_again_and_is_done_once(scene, paid, kind):
    calls, rows, timeline = paid
    for site, each in enumerate(calls):
        fault = sorted(kind)[site % len(kind)]
        books = scene.reset()
        scene.shop.tells(scene.open["payment"]["reference"])
        begun: list[faults.Call] = []

        def plan(_number, call, at=site, fault=kind[fault], begun=begun):
            if is_work(call) and call not in begun:
                begun.append(call)
            return fault if call in begun[at : at + 1] else None

        with faults.on_aws(plan):
            scene.stage.turns(6)
        scene.stage.settles()

        books.check()
        assert (census(), scene.stage.dead_letters()) == (rows, []), f"{fault} at call {site}, {each}"
        assert scene.shop.timeline(scene.open["order"]["id"]) == timeline


@pytest.mark.parametrize("fault", sorted({**THROTTLED, **REFUSING}))
def test_an_export_and_its_letter_wait_for_the_store_and_the_mail_to_be_well_again(shop, fault):
    member = customers.member()
    asked = {**member.headers, "Idempotency-Key": "export"}
    export = call("POST", "/store/me/exports", headers=asked).body["id"]

    stopped = [turns_while_out_of_order(shop, service, FAULTS[fault]) for service in ("s3", "sesv2")]
    shop.drain()

    assert stopped == [{"privacy-on-request"}, {"notices-send-letters"}]
    assert call("GET", f"/store/me/exports/{export}", headers=member.headers).status == 200
    assert [mail.subject for mail in letters.sent(customers.SITI.email)] == ["Salinan data Anda sudah siap"]


def turns_while_out_of_order(shop, service, fault):
    """Whom it stopped; what they could not do is in their queues again."""
    with faults.on_aws(lambda _number, each: fault if each.service == service else None):
        for _ in range(5):
            shop.pumps.turn()
    stopped = {name for name, _ in shop.pumps.failures}
    shop.pumps.failures.clear()
    come_again()
    return stopped


def come_again():
    """Queues give again what was not done."""
    for queue in sqs_backends[cloud.ACCOUNT][cloud.REGION].queues.values():
        for message in queue._messages:
            message.visible_at = 0


# How long it may take


def test_the_slowest_that_is_begun_in_time_ends_before_the_gateway_gives_up():
    of_aws = [made._client_config for made in (db.client(), aws.client("sqs"))]
    slowest = max(config.connect_timeout + config.read_timeout for config in of_aws)
    of_partners = client.SLOWEST * client.PATIENCE + client.PATIENCE

    assert api.PATIENCE.total_seconds() + max(slowest, of_partners) < GATEWAY_GIVES_UP


@pytest.mark.parametrize("name", trouble.NAMES)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_no_request_outlasts_the_gateway_however_slow_aws_is(scene, name, seed):
    case, chance = scene.cases()[name], random.Random(seed)
    scene.reset()

    def plan(_number, call):
        longest = 2.99 if call.service == "dynamodb" else 3.99
        is_lost = seed is None or chance.random() < 0.5
        return faults.after(longest, faults.unheard if is_lost else faults.slow)

    began = scene.stage.at
    with faults.on_aws(plan):
        reply = case.ask()

    assert (scene.stage.at - began).total_seconds() < GATEWAY_GIVES_UP
    assert reply.status < 300 or explained(reply)


def test_nothing_is_begun_when_the_time_is_over(aws_is_there, clock):
    with aws.within(timedelta(seconds=5)), faults.on_aws(faults.nothing) as sent:
        db.get(limits.BucketRow, "b", "BUCKET")
        clock.pass_(seconds=6)
        with pytest.raises(Unanswered):
            db.get(limits.BucketRow, "b", "BUCKET")
        with pytest.raises(Unanswered):
            client.call("GET", "http://127.0.0.1:1", headers={}, repeatable=True)

    assert len(sent) == 1
    db.get(limits.BucketRow, "b", "BUCKET")


# How much is repeated


@pytest.fixture
def aws_is_there(aws):
    """The emulated cloud; ``aws`` is the module here."""
    return aws


def drawn(seed, share, kinds):
    """A plan: so large a share of what is sent meets one of these."""
    chance = random.Random(seed)
    return lambda _number, _call: chance.choice(kinds) if chance.random() < share else None


def conflicting(seed):
    """A plan: three of ten transactions meet another, each time they are sent."""
    chance, conflict = random.Random(seed), CANCELLED["in conflict"]
    return lambda _number, call: conflict if call.is_transaction and chance.random() < 0.3 else None


STORMS = {"throttled": lambda seed: drawn(seed, 0.5, list(THROTTLED.values())), "in conflict": conflicting}
STRAIGHT_THROUGH = {"throttled": 30, "in conflict": 60}
"""How many of 60 requests are answered at the first try."""


def outcomes(count, work):
    """How many of so many tries went well; the others were told to wait."""
    done = 0
    for number in range(count):
        try:
            work(number)
        except TooMany:
            continue
        done += 1
    return done


def put_bucket(number):
    with db.transaction() as tx:
        tx.put(limits.BucketRow(f"b{number}", "BUCKET", full_at="", expires=0))


def test_where_half_is_throttled_at_most_two_more_are_sent_for_each(aws_is_there):
    plan = drawn(24, 0.5, [*THROTTLED.values(), *CANCELLED.values()])

    with faults.on_aws(plan) as sent:
        written = outcomes(500, put_bucket)
        read = outcomes(500, lambda number: db.get(limits.BucketRow, f"b{number}", "BUCKET"))

    assert sent.total <= 3 * len(sent)
    assert (written, read, sent.total) == HALF_THROTTLED


def test_where_all_is_throttled_hardly_anything_is_repeated(aws_is_there):
    with faults.on_aws(drawn(1, 1, list(THROTTLED.values()))) as sent:
        read = outcomes(1000, lambda number: db.get(limits.BucketRow, f"b{number}", "BUCKET"))

    assert read == 0
    assert sent.total == 1000 + 500 // 5


def test_where_three_of_ten_transactions_conflict_999_of_a_thousand_go_through(aws_is_there):
    with faults.on_aws(conflicting(25)) as sent:
        written = outcomes(2000, put_bucket)

    assert written >= 1998
    assert sent.total <= 2000 * 1.5


@pytest.mark.parametrize("storm", ["throttled", "in conflict"])
def test_in_a_storm_nobody_is_answered_500_and_after_it_everybody_gets_through_once(scene, storm):
    books, before = scene.reset(), on_hand("SARUNG")
    asks = [receipt_of_one(number) for number in range(60)]

    with faults.on_aws(STORMS[storm](7)):
        first = [ask() for ask in asks]
        second = [ask() for ask in asks]
    last = [scene.repeats(ask) for ask in asks]

    assert {reply.status for reply in first + second} <= {201, 409, 429}
    assert {reply.status for reply in last} == {201}
    assert on_hand("SARUNG") == before + 60
    assert sum(reply.status == 201 for reply in first) == STRAIGHT_THROUGH[storm]
    books.check()


def on_hand(sku):
    found = level(sku)
    return found[0] if found else 0


def receipt_of_one(number):
    body = {"location": "jkt", "document": f"PO-{number}", "lines": [{"sku": "SARUNG", "quantity": 1}]}
    return trouble.keyed("/admin/stock/receipts", body, as_staff(), f"storm-{number}")


# What is remembered goes on


def test_a_secret_that_is_known_serves_while_it_cannot_be_looked_up(aws_is_there, clock):
    value = secrets.get("signing-key")

    with faults.on_aws(lambda _number, call: faults.lost if call.service == "ssm" else None) as sent:
        clock.pass_(minutes=6)
        served = [secrets.get("signing-key") for _ in range(20)]
        tried = len(sent)
        clock.pass_(hours=7)
        with pytest.raises(Unanswered):
            secrets.get("signing-key")

    assert served == [value] * 20
    assert tried == 1
    assert secrets.get("signing-key") == value


@pytest.mark.parametrize("fault", ["throttled", "access denied", "unreachable"])
def test_a_secret_that_was_never_seen_is_no_switched_off_one(aws_is_there, fault):
    with (
        faults.on_aws(lambda _number, _call: FAULTS[fault]),
        pytest.raises((TooMany, Unavailable)),
    ):
        secrets.get("signing-key")

    assert secrets.get("nothing-of-the-kind") == ""


def test_a_busy_storage_is_not_said_to_be_a_ticket_that_has_ended(scene):
    answers: list[int] = []
    while not answers or answers[-1] in LATER:
        scene.reset()
        ticket = scene.colleague.says().body["ticket"]
        with faults.on_aws(faults.only(len(answers), FAULTS["throughput"])):
            answers.append(scene.colleague.proves(ticket).status)

    assert len(answers) > 5
    assert answers[-1] == 200


def test_a_busy_storage_does_not_say_that_a_letter_is_on_its_way(scene):
    case = scene.cases()["register"]
    _, once, calls = without_faults(scene, case)
    for site, each in enumerate(calls):
        scene.reset()
        with faults.on_aws(faults.only(site, FAULTS["throughput"])):
            reply = case.ask()

        assert reply.status in LATER or census() == once, f"at {each}"


def test_an_answer_that_could_not_be_kept_is_made_anew(scene):
    case = scene.cases()["receipt"]
    _, once, calls = without_faults(scene, case)
    scene.reset()

    with faults.on_aws(faults.only(len(calls) - 1, faults.lost)):
        first = case.ask()
    at_once = case.ask()
    time.sleep(36)
    later = case.ask()

    assert (first.status, at_once.code, later.status) == (201, "in_progress", 201)
    assert later.body == first.body
    assert census() == once
