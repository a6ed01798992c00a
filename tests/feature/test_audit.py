"""The audit trail: what is recorded, how it is chained, and that nothing in it can change unseen."""

import json
from dataclasses import replace
from datetime import date
from typing import Annotated

import msgspec
import pytest
from chalice.app import Chalice

from chalicelib.core import audit, db, outbox
from chalicelib.core import aws as ours
from chalicelib.core import clock as time
from chalicelib.core.api import Api, problems_for_chalice
from chalicelib.core.config import settings
from chalicelib.core.errors import Conflict, WriteRefused
from chalicelib.core.personal import PERSONAL, SECRET, marks
from chalicelib.events.audit import AuditRecorded, Change
from chalicelib.identity import chain, trail
from chalicelib.identity.chain import Fault
from chalicelib.identity.models.trail import HeadRow, LinkRow, OpenDayRow
from chalicelib.identity.service import staff
from infra.local.gateway import Gateway
from tests.architecture.source import doors
from tests.kit import faults, people
from tests.kit.api import as_staff, call
from tests.properties.ring import scheduler
from tests.properties.ring.schedules import Choices

DAY = "2026-11-24"
ON = date.fromisoformat(DAY)
LENGTH = 6
ABSENT = "aud_" + "0" * 26


def entry(number, day=DAY, **instead):
    told = {
        "entry_id": f"aud_{number:026}",
        "at": f"{day}T03:00:{number:02}.000000Z",
        "who": "staff:stf_1",
        "action": "POST /admin/orders/{order_id}/cancel",
        "target": {"order_id": "ord_1"},
        "source": "203.0.113.7",
        "agent": "console",
        "request_id": f"req_{number}",
        "outcome": "done",
        "asked": {"reason": "salah pesan"},
        "changes": (Change("order:ord_1", {"state": "confirmed"}, {"state": "cancelled"}),),
    }
    return AuditRecorded(**{**told, **instead})


@pytest.fixture
def written(aws):
    """A day of six entries."""
    for number in range(1, LENGTH + 1):
        trail.append(entry(number))
    return LinkRow.all_of(DAY)


def backend():
    from moto.dynamodb.models import dynamodb_backends

    from tests.kit import cloud

    return dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables[settings.table("identity")].items[f"AUDIT#{DAY}"]


def put(link, id_=None):
    """Write a record past all conditions, as somebody with the keys of the table would."""
    LinkRow(
        f"AUDIT#{DAY}", f"ENTRY#{id_ or link.id}", seq=link.seq, prev_hash=link.before, hash=link.hash, entry=link.entry
    ).save()


def remove(link):
    LinkRow(f"AUDIT#{DAY}", f"ENTRY#{link.id}").delete()


def put_head(seq, hash_):
    HeadRow(f"AUDIT#{DAY}", "HEAD", seq=seq, hash=hash_, kept_seq=0).save()


def rechain(links, start=1):
    """The records sealed anew from number ``start`` on, and the head moved along: a forger who can compute."""
    head = chain.Head(links[start - 2].seq, links[start - 2].hash) if start > 1 else chain.origin(DAY)
    for link in links[start - 1 :]:
        made = chain.linked(DAY, head, link.id, link.entry)
        put(made)
        head = chain.Head(made.seq, made.hash)
    put_head(head.seq, head.hash)


def verdict():
    found = trail.verify(ON)
    assert found.is_intact == (found.fault is None)
    return (found.fault.fault, found.fault.seq, found.fault.id) if found.fault else None


# Chaining


def test_entries_are_chained_in_the_order_in_which_they_come(written):
    origin = chain.origin(DAY).hash

    assert [link.seq for link in written] == [1, 2, 3, 4, 5, 6]
    assert [link.before for link in written] == [origin, *(link.hash for link in written[:-1])]
    assert [row.head() for row in db.look(HeadRow.lookup(DAY)) if row] == [chain.Head(6, written[-1].hash)]
    assert trail.verify(ON) == trail.Verdict(DAY, 6, 0, True, None)


def test_the_hash_is_sha_256_over_the_hash_before_and_the_canonical_entry():
    link = chain.linked(DAY, chain.origin(DAY), "aud_1", '{"who":"staff:stf_1"}')

    assert chain.origin(DAY).hash == "5b58dd0089a6fd425bafb96a3b0f7dab9c935a51439c41b49c51218d7ec73feb"
    assert link.hash == "d3b77f5712356ea201de74d7427aeaa596a01ec64dd963ccc256abd05b75cc7f"


def test_an_entry_said_twice_stands_there_once(written):
    trail.append(entry(3))
    trail.append(entry(6))

    assert LinkRow.all_of(DAY) == written
    assert verdict() is None


def test_each_day_has_its_own_chain_and_a_late_entry_joins_that_of_its_day(written):
    trail.append(entry(1, "2026-11-25", entry_id="aud_later"))
    trail.append(entry(7))

    assert [link.seq for link in LinkRow.all_of("2026-11-25")] == [1]
    assert [link.seq for link in LinkRow.all_of(DAY)] == [1, 2, 3, 4, 5, 6, 7]
    assert verdict() is None


def test_records_never_expire(written):
    assert all("expires" not in item.attrs for item in backend().values())


@pytest.mark.parametrize("lost", [faults.request_lost, faults.response_lost])
def test_a_lost_answer_leaves_no_gap_and_no_double(written, lost):
    with faults.on_dynamodb("TransactWriteItems", [lost] * 3):
        try:
            trail.append(entry(7))
        except Exception:  # noqa: BLE001 - the queue gives it again, whatever it was
            trail.append(entry(7))

    assert [link.seq for link in LinkRow.all_of(DAY)] == [1, 2, 3, 4, 5, 6, 7]
    assert verdict() is None


@pytest.mark.parametrize("first", range(8))
@pytest.mark.parametrize("then", range(1, 4))
def test_batches_that_are_appended_at_once_make_one_chain(aws, clock, first, then):
    def batch(*numbers):
        def append():
            for number in numbers:
                trail.append(entry(number))

        return append

    choices = Choices([(0, None, first), (1, None, then), (1, None, then), (1, None, first)])
    with time.use(clock.now, scheduler.sleeper(lambda seconds: clock.pass_(seconds=seconds))):
        scheduler.run({"one": batch(1, 2, 3), "other": batch(3, 4, 2), "third": batch(5)}, choices)

    assert sorted(link.seq for link in LinkRow.all_of(DAY)) == [1, 2, 3, 4, 5]
    assert verdict() is None


@pytest.mark.parametrize("fault", ["crash before", "crash after", "request lost", "response lost"])
@pytest.mark.parametrize("steps", range(4))
def test_a_crash_between_loses_nothing_once_the_queue_gives_it_again(aws, clock, fault, steps):
    choices = Choices([(0, None, steps), (1, fault, 2), (1, None, 4)])
    with time.use(clock.now, scheduler.sleeper(lambda seconds: clock.pass_(seconds=seconds))):
        scheduler.run({"one": lambda: trail.append(entry(1)), "other": lambda: trail.append(entry(2))}, choices)

    trail.append(entry(1))
    trail.append(entry(2))

    assert sorted(link.seq for link in LinkRow.all_of(DAY)) == [1, 2]
    assert verdict() is None


def test_an_entry_that_others_always_outrun_comes_again(aws):
    with (
        faults.on_dynamodb(
            "TransactWriteItems",
            [faults.refusal("TransactionCanceledException", ["ConditionalCheckFailed", "None", "None"])] * trail.TRIES,
        ),
        pytest.raises(WriteRefused),
    ):
        trail.append(entry(1))

    assert LinkRow.all_of(DAY) == []


# Tampering


@pytest.mark.parametrize("field", sorted(AuditRecorded.__slots__))
@pytest.mark.parametrize("seq", [1, 3, LENGTH])
def test_an_entry_of_which_any_field_was_changed_is_named(written, field, seq):
    link = written[seq - 1]
    told = json.loads(link.entry)
    told[field] = "something else"

    put(replace(link, entry=chain.canonical(told)))

    assert verdict() == (Fault.TAMPERED, seq, link.id)


@pytest.mark.parametrize("change", [{"hash": "0" * 64}, {"before": "0" * 64}])
@pytest.mark.parametrize("seq", [1, 3, LENGTH])
def test_a_record_of_which_a_hash_was_changed_is_named(written, change, seq):
    put(replace(written[seq - 1], **change))

    assert verdict() == (Fault.TAMPERED, seq, written[seq - 1].id)


@pytest.mark.parametrize("seq", [1, 3, LENGTH])
@pytest.mark.parametrize("to", [-7, 0, 99])
def test_a_record_of_which_the_number_was_changed_is_named(written, seq, to):
    put(replace(written[seq - 1], seq=to))

    assert verdict() == (Fault.REORDERED, seq, written[seq - 1].id)


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_a_record_that_was_taken_away_is_missed_at_its_place(written, seq):
    remove(written[seq - 1])

    assert verdict() == (Fault.MISSING, seq, None)


@pytest.mark.parametrize("seq", range(1, LENGTH))
def test_closing_the_gap_does_not_hide_it(written, seq):
    remove(written[seq - 1])
    for link in written[seq:]:
        put(replace(link, seq=link.seq - 1))

    assert verdict() == (Fault.MISSING, seq, None)


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_a_record_that_was_put_in_beside_another_is_named(written, seq):
    forged = chain.linked(DAY, chain.Head(seq - 1, written[seq - 1].before), ABSENT, '{"who":"nobody"}')

    put(forged)

    assert verdict() == (Fault.EXTRA, seq, ABSENT)


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_a_record_that_was_put_in_between_two_is_named(written, seq):
    forged = chain.linked(DAY, chain.Head(seq - 1, written[seq - 1].before), ABSENT, '{"who":"nobody"}')
    for link in written[seq - 1 :]:
        put(replace(link, seq=link.seq + 1))

    put(forged)

    assert verdict() == (Fault.EXTRA, seq, ABSENT)


def test_a_record_that_was_put_behind_the_last_is_named(written):
    put(chain.linked(DAY, chain.Head(LENGTH, written[-1].hash), ABSENT, '{"who":"nobody"}'))

    assert verdict() == (Fault.EXTRA, LENGTH + 1, ABSENT)


@pytest.mark.parametrize("seq", range(1, LENGTH))
def test_two_records_that_changed_places_are_noticed_at_the_first(written, seq):
    first, second = written[seq - 1], written[seq]

    put(replace(first, seq=second.seq))
    put(replace(second, seq=first.seq))

    assert verdict() == (Fault.REORDERED, seq, first.id)


@pytest.mark.parametrize("seq", range(1, LENGTH))
def test_two_records_whose_contents_changed_places_are_noticed_at_the_first(written, seq):
    first, second = written[seq - 1], written[seq]

    put(replace(first, entry=second.entry))
    put(replace(second, entry=first.entry))

    assert verdict() == (Fault.TAMPERED, seq, first.id)


@pytest.mark.parametrize("seq", range(1, LENGTH))
def test_a_record_that_was_sealed_anew_is_given_away_by_what_follows(written, seq):
    link = written[seq - 1]

    put(chain.linked(DAY, chain.Head(seq - 1, link.before), link.id, '{"who":"nobody"}'))

    assert verdict() == (Fault.TAMPERED, seq, link.id)


def test_a_last_record_that_was_sealed_anew_is_given_away_by_the_head(written):
    link = written[-1]

    put(chain.linked(DAY, chain.Head(LENGTH - 1, link.before), link.id, '{"who":"nobody"}'))

    assert verdict() == (Fault.TAMPERED, LENGTH, link.id)


@pytest.mark.parametrize(
    ("seq", "fault"),
    [
        (LENGTH - 2, (Fault.EXTRA, LENGTH - 1)),
        (LENGTH + 1, (Fault.MISSING, LENGTH + 1)),
        (LENGTH, (Fault.TAMPERED, LENGTH)),
    ],
)
def test_a_forged_head_is_noticed(written, seq, fault):
    put_head(seq, "0" * 64)

    assert verdict()[:2] == fault


def test_a_head_that_was_taken_away_is_noticed(written):
    HeadRow(f"AUDIT#{DAY}", "HEAD").delete()

    assert verdict() == (Fault.EXTRA, 1, written[0].id)


# The copy of the head


@pytest.fixture
def kept(written, clock):
    """The day, a day later, with its head in the backup bucket."""
    clock.pass_(days=1)
    counts = trail.keep_heads()
    assert (counts.seen, counts.done) == (1, 1)
    return written


def objects():
    listed = ours.client("s3").list_object_versions(Bucket=settings.bucket("backups"))
    return [each["Key"] for each in listed.get("Versions", [])]


def test_the_head_of_a_closed_day_is_put_away_with_what_leads_to_it(kept):
    got = ours.client("s3").get_object(Bucket=settings.bucket("backups"), Key=f"audit/{DAY}.json")

    assert json.loads(got["Body"].read()) == {
        "day": DAY,
        "seq": LENGTH,
        "hash": kept[-1].hash,
        "hashes": [link.hash for link in kept],
    }
    assert got["ObjectLockMode"] == "GOVERNANCE"
    assert trail.verify(ON) == trail.Verdict(DAY, LENGTH, LENGTH, True, None)


def test_a_day_that_still_runs_is_not_put_away(written):
    assert trail.keep_heads().seen == 0
    assert objects() == []


def test_putting_away_twice_does_it_once(kept):
    assert trail.keep_heads().seen == 0
    assert objects() == [f"audit/{DAY}.json"]


def test_after_days_of_silence_every_day_is_put_away(written, clock):
    for day in ("2026-11-25", "2026-11-26"):
        trail.append(entry(1, day))
    clock.pass_(days=9)

    assert trail.keep_heads().done == 3
    assert sorted(objects()) == [f"audit/2026-11-{day}.json" for day in (24, 25, 26)]


def test_an_entry_that_comes_after_its_day_was_put_away_makes_it_be_put_away_again(kept):
    trail.append(entry(7))

    assert trail.keep_heads().done == 1
    assert objects() == [f"audit/{DAY}.json"] * 2
    assert trail.verify(ON) == trail.Verdict(DAY, LENGTH + 1, LENGTH + 1, True, None)


def test_a_crash_after_the_head_was_put_away_puts_it_away_again(written, clock):
    clock.pass_(days=1)
    with faults.on_dynamodb("TransactWriteItems", [faults.request_lost] * 3), pytest.raises(Exception, match="time"):
        trail.keep_heads()

    assert trail.keep_heads().done == 1
    assert OpenDayRow.before("2027") == []
    assert verdict() is None


def test_a_broken_day_is_not_put_away(written, clock):
    remove(written[2])
    clock.pass_(days=1)

    assert trail.keep_heads().left == 1
    assert objects() == []


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_a_chain_that_was_sealed_anew_to_the_end_is_given_away_by_the_copy(kept, seq):
    put(replace(kept[seq - 1], entry='{"who":"nobody"}'))
    rechain(LinkRow.all_of(DAY), seq)

    assert verdict() == (Fault.TAMPERED, seq, kept[seq - 1].id)


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
def test_a_record_that_was_taken_out_of_a_chain_sealed_anew_is_given_away_by_the_copy(kept, seq):
    remove(kept[seq - 1])
    rechain(LinkRow.all_of(DAY), 1)

    assert verdict()[:2] == (Fault.TAMPERED if seq < LENGTH else Fault.MISSING, seq)


def test_a_day_that_was_taken_away_whole_is_given_away_by_the_copy(kept):
    for link in kept:
        remove(link)
    HeadRow(f"AUDIT#{DAY}", "HEAD").delete()

    assert verdict() == (Fault.MISSING, 1, None)


def test_a_copy_that_was_put_over_the_first_does_not_hide_it(kept, clock):
    put(replace(kept[2], entry='{"who":"nobody"}'))
    rechain(LinkRow.all_of(DAY), 3)
    forged = LinkRow.all_of(DAY)
    trail._put_away(DAY, chain.Head(LENGTH, forged[-1].hash), [link.hash for link in forged])

    assert verdict() == (Fault.TAMPERED, 3, kept[2].id)


def test_a_copy_that_was_deleted_still_counts(kept):
    ours.client("s3").delete_object(Bucket=settings.bucket("backups"), Key=f"audit/{DAY}.json")
    put(replace(kept[2], entry='{"who":"nobody"}'))
    rechain(LinkRow.all_of(DAY), 3)

    assert verdict() == (Fault.TAMPERED, 3, kept[2].id)


# What is recorded


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, PERSONAL]
    email: Annotated[str, msgspec.Meta(max_length=254), PERSONAL]
    phone: Annotated[str, PERSONAL] | None = None
    password: Annotated[str, SECRET] | None = None
    reason: str = ""


class Kept(msgspec.Struct, frozen=True):
    id: str


class Busy(Conflict):
    """The window is busy."""

    code = "window_busy"


class Note(db.Row):
    class Meta:
        table_name = settings.table("carts")


PLANTED = {
    "name": "Kartini Wulandari",
    "email": "kartini.wulandari@contoh.id",
    "phone": "+6281390001234",
    "password": "rahasia-sekali-2026",
}

api = Api("chalicelib.window.desk")


@api.post("/people/{person_id}", access=staff("customers:write"), body=Person, answers={200: Kept})
def keep_person(person_id: str, asked: Person) -> Kept:
    """Keep a person's particulars."""
    audit.change(f"person:{person_id}", before=asked, after=msgspec.structs.replace(asked, reason="new"))
    if asked.reason == "busy":
        raise Busy()
    if asked.reason == "bug":
        raise ZeroDivisionError(PLANTED["email"])
    if asked.reason == "writes":
        with db.transaction() as tx:
            tx.put(Note(person_id, "NOTE"))
    return Kept(person_id)


@pytest.fixture(scope="module")
def desk():
    for door in api.doors:
        door.view.__module__ = "chalicelib.window.desk"
    app = Chalice("desk", configure_logs=False)
    app.register_middleware(problems_for_chalice, "http")
    app.register_blueprint(api, url_prefix="/window")
    return Gateway(app)


@pytest.fixture
def ask(desk, aws):
    def ask(body, who=None, target="per_1"):
        headers = {"content-type": "application/json", "user-agent": "console/1"}
        headers |= {name.lower(): value for name, value in (who or people.session("owner")).items()}
        return desk.answer("POST", f"/window/people/{target}", headers, json.dumps(body).encode())[0]

    return ask


def recorded():
    """What stands in the event log for the trail, oldest first."""
    from moto.dynamodb.models import dynamodb_backends

    from tests.kit import cloud

    table = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables[settings.table("events")]
    rows = [item.to_json()["Attributes"] for items in table.items.values() for item in items.values()]
    mine = [row for row in rows if row["type"]["S"] == "audit.recorded"]
    return [json.loads(row["data"]["S"]) for row in sorted(mine, key=lambda row: row["sk"]["S"])]


@pytest.mark.parametrize("reason", ["writes", "", "busy", "bug"])
def test_personal_and_secret_things_never_come_into_the_trail(ask, pumps, reason):
    status = ask({**PLANTED, "reason": reason})

    pumps.drain()
    assert pumps.failures == []
    (link,) = LinkRow.all_of(DAY)
    (told,) = recorded()
    assert status == {"busy": 409, "bug": 500}.get(reason, 200)
    for planted in PLANTED.values():
        assert planted not in link.entry
        assert planted not in json.dumps(told, ensure_ascii=False)
    assert told["outcome"] == {"busy": "window_busy", "bug": "unexpected"}.get(reason, "done")
    assert told["asked"]["password"] == "•••"
    assert told["asked"]["email"] == "k•••@c•••"


def test_an_entry_says_who_did_what_from_where_and_how_it_was_before(ask):
    boss = people.session("owner")

    ask({**PLANTED, "reason": "writes"}, boss)

    (told,) = recorded()
    assert told["who"] == f"staff:{people.account_of(boss)}"
    assert told["action"] == "POST /window/people/{person_id}"
    assert told["target"] == {"person_id": "per_1"}
    whence = [audit.whence(told["entry_id"], told[name]) for name in ("source", "agent")]
    assert (*whence, told["outcome"]) == ("127.0.0.1", "console/1", "done")
    assert "127.0.0.1" not in json.dumps(told)
    assert told["request_id"].startswith("req_")
    (change,) = told["changes"]
    assert (change["subject"], change["before"]["reason"], change["after"]["reason"]) == (
        "person:per_1",
        "writes",
        "new",
    )


def test_what_is_too_large_to_be_told_is_known_again_by_its_digest(ask, pumps):
    long = "x" * 100_000

    status = ask({**PLANTED, "reason": long})

    pumps.drain()
    (told,) = recorded()
    (change,) = told["changes"]
    assert status == 200
    assert set(told["asked"]) == set(change["before"]) == {"bytes", "sha256"}
    assert told["asked"]["bytes"] > 100_000
    assert len(json.dumps(told)) < 10_000
    assert pumps.failures == []
    assert len(LinkRow.all_of(DAY)) == 1


def test_heavy_entries_pass_the_topic_in_parts_that_it_takes(aws, pumps):
    heavy = {"text": "x" * 50_000}
    for number in range(1, 13):
        with db.transaction() as tx:
            outbox.publish(tx, entry(number, asked=heavy))

    pumps.drain()

    assert pumps.failures == []
    assert [link.seq for link in LinkRow.all_of(DAY)] == list(range(1, 13))


def test_of_a_large_thing_only_what_differs_is_told(aws):
    before = Person(name="Kartini", email="a@contoh.id", phone="+62811", reason="same")
    with audit.kept(under_way := audit.Trail("staff:stf_1", "PATCH /x", {}, "127.0.0.1", "")):
        audit.changed("person:1", before, msgspec.structs.replace(before, phone="+62822"))

    assert under_way.changes == [Change("person:1", {"phone": "+•••"}, {"phone": "+•••"})]


def test_what_is_said_again_when_it_is_tried_again_stands_there_once(aws):
    with audit.kept(under_way := audit.Trail("staff:stf_1", "PATCH /x", {}, "127.0.0.1", "")):
        audit.change("order:1", before={"version": 1}, after={"version": 2})
        audit.change("order:1", before={"version": 2}, after={"version": 3})

    assert under_way.changes == [Change("order:1", {"version": 2}, {"version": 3})]


def test_what_is_refused_changed_nothing(ask):
    assert ask({**PLANTED, "reason": "busy"}) == 409

    assert [told["changes"] for told in recorded()] == [[]]


TELLING = {"email", "password", "phone", "secret", "token", "code", "line1", "contact"}


def shapes_within(info):
    """The Structs that a body is made of."""
    if isinstance(info, msgspec.inspect.StructType):
        yield info.cls
        for field in info.fields:
            yield from shapes_within(field.type)
    for part in getattr(info, "types", ()):
        yield from shapes_within(part)
    for name in ("item_type", "value_type", "type"):
        if hasattr(info, name):
            yield from shapes_within(getattr(info, name))


@pytest.mark.parametrize(
    "door", [each for _, each in sorted(doors().items()) if each.is_recorded and each.body], ids=lambda door: door.path
)
def test_what_tells_who_somebody_is_or_opens_a_door_is_marked(door):
    """An unmarked field would stand in the trail for ever as it came."""
    unmarked = [
        (shape, field)
        for shape in shapes_within(msgspec.inspect.type_info(door.body))
        for field in shape.__struct_fields__
        if field in TELLING - set(marks(shape))
    ]

    assert unmarked == []


def test_what_is_refused_for_want_of_a_scope_is_recorded_with_who_tried(ask):
    clerk = people.session("analyst")

    status = ask(PLANTED, clerk)

    (told,) = recorded()
    assert status == 403
    assert (told["who"], told["outcome"]) == (f"staff:{people.account_of(clerk)}", "scope_missing")
    assert (told["asked"], told["changes"]) == (None, [])


def test_a_body_that_does_not_fit_is_recorded_without_it(ask):
    assert ask({**PLANTED, "reason": 1}) == 422

    (told,) = recorded()
    assert (told["outcome"], told["asked"]) == ("invalid", None)


def test_strangers_write_nothing(ask):
    assert ask(PLANTED, {"Authorization": "Bearer lks_stf_1_nonsense"}) == 401
    assert recorded() == []


def test_an_effect_and_its_entry_happen_together_or_not_at_all(ask):
    boss = people.session("owner")
    with faults.on_dynamodb("TransactWriteItems", [faults.request_lost] * 3):
        ask({**PLANTED, "reason": "writes"}, boss)

    assert db.get(Note, "per_1", "NOTE") is None
    assert [told["outcome"] for told in recorded()] == ["unanswered"]


# The doors


def test_staff_read_the_trail_by_day_who_and_subject(shop):
    shop.sells("BATIK", 3)
    boss = people.session("owner")
    order = shop.places(("BATIK", 1))["order"]["id"]
    refused = call("POST", f"/admin/orders/{order}/release", headers=boss)
    call("POST", f"/admin/orders/{order}/cancel", {"reason": "salah"}, headers=boss)
    shop.drain()

    def read(**query):
        words = "&".join(f"{name}={value}" for name, value in {"day": DAY, **query}.items())
        return call("GET", f"/admin/audit?{words}", headers=boss).body["items"]

    mine = read(who=f"staff:{people.account_of(boss)}")
    assert refused.status == 409
    assert [(each["action"].rpartition("/")[2], each["outcome"]) for each in mine] == [
        ("release", "illegal_move"),
        ("cancel", "done"),
    ]
    assert mine == read(subject=order)
    assert mine[1:] == read(subject=f"order:{order}")
    assert mine[1]["changes"][0]["before"]["state"] == "pending"
    assert mine[1]["changes"][0]["after"]["state"] == "cancelled"
    assert len(read()) > 2
    assert read(day="2026-11-23") == []


def test_the_trail_is_read_page_by_page(written):
    boss, seen, cursor = people.session("owner"), [], None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = call("GET", f"/admin/audit?day={DAY}&limit=4{more}", headers=boss).body
        seen += [each["entry_id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == [link.id for link in written]


def test_what_matches_late_is_found_by_going_on(aws):
    for number in range(1, 31):
        trail.append(entry(number, who="staff:stf_2" if number == 30 else "staff:stf_1"))

    first = trail.page(ON, who="staff:stf_2", limit=2, cursor=None)
    second = trail.page(ON, who="staff:stf_2", limit=2, cursor=first.next_cursor)

    assert first.items == []
    assert [each["entry_id"] for each in second.items] == [entry(30).entry_id]


def test_staff_have_a_day_verified(written):
    boss = people.session("owner")
    good = call("GET", f"/admin/audit/{DAY}/verification", headers=boss)
    remove(written[3])

    bad = call("GET", f"/admin/audit/{DAY}/verification", headers=boss)

    assert good.body == {"day": DAY, "entries": 6, "kept": 0, "is_intact": True, "fault": None}
    assert bad.body["fault"] == {
        "fault": "missing",
        "seq": 4,
        "id": None,
        "detail": "the record of this place is gone",
    }


@pytest.mark.parametrize(("day", "status"), [("2026-02-30", 404), ("yesterday", 404), ("2026-11-23", 200)])
def test_a_day_that_no_calendar_has_is_not_found(aws, day, status):
    assert call("GET", f"/admin/audit/{day}/verification", headers=as_staff()).status == status


@pytest.mark.parametrize("query", ["", "day=2026-02-30", "day=heute", f"day={DAY}&limit=0", f"day={DAY}&cursor=x"])
def test_a_question_that_makes_no_sense_is_refused(aws, query):
    assert call("GET", f"/admin/audit?{query}", headers=as_staff()).status == 422


def test_the_trail_follows_the_event_log(shop):
    shop.sells("BATIK", 3)
    shop.drain()
    told = recorded()

    assert [json.loads(link.entry) for link in LinkRow.all_of(DAY)] == sorted(told, key=lambda each: each["entry_id"])
    assert verdict() is None
    assert outbox.history(told[0]["entry_id"])[0].type == "audit.recorded"
