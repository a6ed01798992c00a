"""Keys of personal data: bound to their subject and place, destroyed for good, and nothing is told while KMS is off."""

import pytest

from chalicelib.core import crypto, db, vault
from chalicelib.core.crypto import Unreadable
from chalicelib.core.errors import WriteRefused
from chalicelib.core.vault import KeysUnavailable
from tests.kit import kms

SITI, BUDI = "cus_SITI", "cus_BUDI"
PERSONAL = {"name": "Siti Rahmawati", "phone": "+6281234567890"}


def made(subject):
    with db.transaction() as tx:
        return vault.make(tx, subject)


def stored(subject):
    row = db.get(vault.KeyRow, subject, "KEY")
    assert row is not None
    return row


@pytest.fixture(autouse=True)
def forgetful(aws):
    vault.forget()
    yield
    vault.forget()


def test_what_is_sealed_for_a_place_is_read_there():
    sealed = made(SITI).seal("orders|ord_1|personal", PERSONAL)
    vault.forget()

    key = vault.key(SITI)

    assert key is not None
    assert key.open("orders|ord_1|personal", sealed) == PERSONAL
    assert "Siti" not in sealed


def test_the_same_sealed_twice_looks_different():
    key = made(SITI)

    assert key.seal("here", PERSONAL) != key.seal("here", PERSONAL)


@pytest.mark.parametrize("place", ["orders|ord_2|personal", "orders|ord_1|note", ""])
def test_what_was_moved_to_another_place_is_unreadable(place):
    key = made(SITI)
    sealed = key.seal("orders|ord_1|personal", PERSONAL)

    with pytest.raises(Unreadable):
        key.open(place, sealed)


def test_what_was_moved_to_another_person_is_unreadable():
    sealed = made(SITI).seal("here", PERSONAL)

    with pytest.raises(Unreadable):
        made(BUDI).open("here", sealed)


def test_a_wrapped_key_put_under_another_subject_opens_nothing():
    """The wrapped key is bound to its subject by KMS' encryption context."""
    made(SITI)
    stolen = stored(SITI)
    with db.transaction() as tx:
        tx.put(vault.KeyRow(pk=BUDI, sk="KEY", wrapped=stolen.wrapped, made_at=stolen.made_at))
    vault.forget()

    with pytest.raises(KeysUnavailable):
        vault.key(BUDI)


@pytest.mark.parametrize("at", [0, 5, -1])
def test_a_flipped_character_makes_it_unreadable(at):
    key = made(SITI)
    body = key.seal("here", PERSONAL).removeprefix("1.")
    raw = bytearray(crypto.bytes_of(body))
    raw[at] ^= 1

    with pytest.raises(Unreadable):
        key.open("here", "1." + crypto.text_of(bytes(raw)))


def test_a_destroyed_key_is_gone_at_once_though_it_was_in_use():
    made(SITI)
    assert vault.key(SITI) is not None

    with db.transaction() as tx:
        vault.destroy(tx, SITI)

    assert vault.key(SITI) is None
    row = stored(SITI)
    assert (row.wrapped, bool(row.destroyed_at)) == (None, True)


def test_nobody_gets_a_second_key():
    made(SITI)
    with db.transaction() as tx:
        vault.destroy(tx, SITI)

    with pytest.raises(WriteRefused):
        made(SITI)


def test_many_keys_are_read_at_once_and_those_that_are_gone_left_out():
    made(SITI)
    made(BUDI)
    with db.transaction() as tx:
        vault.destroy(tx, BUDI)

    (keys,) = db.look(vault.lookup_all([SITI, BUDI, "cus_NOBODY", SITI]))

    assert list(keys) == [SITI]


def test_an_unwrapped_key_is_kept_for_five_minutes(clock):
    made(SITI)
    kept = dict(vault._kept)

    with kms.off():
        vault._kept.update(kept)
        clock.pass_(minutes=4)
        assert vault.key(SITI) is not None
        clock.pass_(minutes=2)
        with pytest.raises(KeysUnavailable):
            vault.key(SITI)


def test_while_kms_is_off_nothing_is_read_or_written():
    made(SITI)

    with kms.off():
        with pytest.raises(KeysUnavailable):
            vault.key(SITI)
        with pytest.raises(KeysUnavailable):
            made(BUDI)

    assert db.get(vault.KeyRow, BUDI, "KEY") is None


def test_a_blind_index_is_the_same_for_the_same_person_and_kind_alone():
    index = crypto.blind("email", "siti@example.com")

    assert index == crypto.blind("email", "siti@example.com")
    assert len({index, crypto.blind("email", "budi@example.com"), crypto.blind("phone", "siti@example.com")}) == 3
    assert len(crypto.bytes_of(index)) == 16


def test_a_locked_text_is_readable_at_its_place_alone():
    locked = crypto.lock_text("answers", "claim-1", "rahasia")

    assert crypto.unlock_text("answers", "claim-1", locked) == "rahasia"
    for purpose, place in (("answers", "claim-2"), ("webhooks", "claim-1")):
        with pytest.raises(Unreadable):
            crypto.unlock_text(purpose, place, locked)


def test_a_data_key_does_not_show_itself():
    assert "_key" not in repr(made(SITI))
