"""Nothing is stored that the inventory of personal data does not list; what it calls personal is not stored openly."""

import inspect
import re
import sys
import typing

import msgspec
import pytest

from tests.architecture.source import doors
from tests.architecture.test_template import resources, rows

KEYS = {"pk", "sk"}

SMELLS = re.compile(r"(^|_)(names?|emails?|phones?|line[12]|address(es)?|birth|birthday|contact|recipient|person)($|_)")
"""What fields are called that tell who somebody is or how they are reached."""

NAMES_NOBODY: dict[str, str] = {
    "AddLocation.name": "a warehouse's",
    "ChangeLocation.name": "a warehouse's",
    "CustomerSummary.email": "masked before it is shown",
    "CustomerSummary.name": "masked before it is shown",
    "KeyView.addresses": "networks from which a key may be used",
    "KeyView.name": "a key's",
    "MadeKey.addresses": "networks from which a key may be used",
    "MadeKey.name": "a key's",
    "MakeKey.addresses": "networks from which a key may be used",
    "MakeKey.name": "a key's",
    "QueueView.name": "a queue's",
    "ReachView.name": "a table's or a service's",
    "RoleView.name": "a role's",
    "ScheduleView.name": "a schedule's",
    "ServiceView.name": "a switch's",
    "TemplateView.name": "a template's",
}
"""Fields that are called so and tell of nobody, and why."""

MASKED: dict[str, str] = {
    "core.outbox.EventRow.data": "events hold ids; bodies in audit entries are masked before they are written",
    "identity.trail.LinkRow.entry": "the same entries, chained; a trail that nobody can read proves nothing",
}
"""Personal fields that are readable where they stand, and why."""


def name_of(row) -> str:
    """``customers.profiles.ProfileRow``, ``orders.orders.OrderRow``: as the inventory calls it."""
    parts = [part for part in row.__module__.split(".")[1:] if part != "models"]
    return ".".join([*parts, row.__name__])


def fields_of(row) -> set[str]:
    return set(row.get_attributes()) - KEYS


def listed():
    from chalicelib.privacy.inventory import INVENTORY

    return INVENTORY


def structs():
    """Every Struct that goes in or out by a door, and what it is made of."""
    waiting = [shape for door in doors().values() for shape in (door.body, door.query, *door.answers.values()) if shape]
    seen: set[type] = set()
    while waiting:
        shape = waiting.pop()
        if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and shape not in seen:
            seen.add(shape)
            waiting += typing.get_type_hints(shape).values()
        waiting += typing.get_args(shape)
    return sorted(seen, key=lambda struct: struct.__name__)


def test_every_row_that_is_stored_is_listed_and_no_other():
    assert {name_of(row) for row in rows()} == set(listed())


@pytest.mark.parametrize("row", sorted(rows(), key=name_of), ids=name_of)
def test_every_field_is_listed_once_and_no_other(row):
    about = listed()[name_of(row)]
    personal = set(about.personal) - KEYS

    assert personal | about.others == fields_of(row)
    assert personal & about.others == set()


@pytest.mark.parametrize("row", sorted(rows(), key=name_of), ids=name_of)
def test_a_sealed_field_is_personal_and_a_personal_one_is_never_stored_openly(row):
    from chalicelib.core.vault import SealedAttribute
    from chalicelib.privacy.inventory import Protection

    about = listed()[name_of(row)]
    for name, attribute in row.get_attributes().items():
        protection = about.personal[name].protection if name in about.personal else None
        assert isinstance(attribute, SealedAttribute) == (protection is Protection.SEALED), name
        assert (protection is Protection.MASKED) == (f"{name_of(row)}.{name}" in MASKED), name


@pytest.mark.parametrize("row", sorted(rows(), key=name_of), ids=name_of)
def test_what_is_locked_is_locked_by_the_models_that_write_it(row):
    """A locked text is made by ``lock_text`` or ``lock``, a blind index by ``blind``: the module says so."""
    from chalicelib.privacy.inventory import Protection

    text = inspect.getsource(sys.modules[row.__module__])
    locked = [each for each in listed()[name_of(row)].personal.values() if each.protection is Protection.LOCKED]

    assert not locked or "crypto.lock" in text


def test_every_personal_field_says_why_how_long_and_what_becomes_of_it():
    from chalicelib.privacy import inventory

    for entry in inventory.personal():
        assert all([entry.data, entry.whose, entry.purpose, entry.basis, entry.retention, entry.erasure]), entry
        assert entry.where.startswith(("/", "not: ")), entry


def test_the_files_that_are_listed_stand_in_buckets_of_the_template():
    from chalicelib.core.config import settings
    from chalicelib.privacy.inventory import FILES

    buckets = {bucket.properties["BucketName"] for bucket in resources("AWS::S3::Bucket")}

    assert {settings.bucket(name) for name in FILES} <= buckets


def test_what_smells_personal_in_a_request_or_answer_carries_the_mark():
    from chalicelib.core import personal

    unmarked = {
        f"{struct.__name__}.{name}"
        for struct in structs()
        for name in struct.__struct_fields__
        if SMELLS.search(name) and name not in personal.marks(struct) and not _is_settled_within(struct, name)
    }

    assert unmarked == set(NAMES_NOBODY)


def _is_settled_within(struct: type, name: str) -> bool:
    """True if the field is a Struct, or holds some, whose own fields carry the marks; or a text in two languages."""
    from chalicelib.core import personal
    from chalicelib.core.texts import LocalText

    inner, waiting = [], [typing.get_type_hints(struct)[name]]
    while waiting:
        shape = waiting.pop()
        waiting += typing.get_args(shape)
        if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
            inner.append(shape)
    return bool(inner) and all(each is LocalText or personal.marks(each) for each in inner)


def test_the_record_of_processing_shows_every_personal_field(aws):
    from chalicelib.privacy import inventory
    from tests.kit.api import as_staff, call

    answer = call("GET", "/admin/privacy/inventory", headers=as_staff())

    shown = {(each["stored_in"], each["field"]) for each in answer.body["personal"]}
    assert answer.status == 200
    assert shown == {(each.row, each.field) for each in inventory.personal()}
    assert {each["doing"] for each in answer.body["retention"]} == {"expires", "erased", "anonymised"}
