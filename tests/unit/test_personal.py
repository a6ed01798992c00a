"""Marked fields are masked wherever they stand, and what is not marked is left as it is."""

from typing import Annotated

import msgspec
import pytest

from chalicelib.core.money import Money
from chalicelib.core.personal import HIDDEN, PERSONAL, SECRET, marks, mask, masked

NAME = msgspec.Meta(min_length=1, max_length=100)


class Place(msgspec.Struct, frozen=True):
    street: Annotated[str, NAME, PERSONAL]
    country: str = "ID"


class Person(msgspec.Struct, frozen=True):
    name: Annotated[str, NAME, PERSONAL]
    password: Annotated[str, SECRET]
    email: Annotated[str, PERSONAL] | None = None
    places: tuple[Place, ...] = ()
    likes: list[str] = []
    limit: Money | None = None


SITI = Person("Siti", "hunter2", "siti@example.com", (Place("Jl. Braga 12"),), ["batik"], Money(5, "IDR"))


def test_personal_fields_are_masked_and_secrets_hidden_however_deep():
    assert masked({"asked": [SITI]}) == {
        "asked": [
            {
                "name": f"S{HIDDEN}",
                "password": HIDDEN,
                "email": f"s{HIDDEN}@e{HIDDEN}",
                "places": [{"street": f"J{HIDDEN}", "country": "ID"}],
                "likes": ["batik"],
                "limit": {"amount": 5, "currency": "IDR"},
            }
        ]
    }


def test_what_is_not_there_stays_so():
    assert masked(Person("A", "b"))["email"] is None
    assert masked(None) is None


def test_the_marks_of_a_struct_are_found_behind_other_annotations():
    assert marks(Person) == {"name": "personal", "password": "secret", "email": "personal"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("siti@example.com", f"s{HIDDEN}@e{HIDDEN}"), ("+6281", f"+{HIDDEN}"), ("", HIDDEN), ("a@b@c", f"a{HIDDEN}")],
)
def test_a_mask_leaves_too_little_to_know_it(text, shown):
    assert mask(text) == shown
