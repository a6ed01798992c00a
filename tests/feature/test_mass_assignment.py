"""No request sets what is not the caller's to set: OWASP API3, ASVS 15.3.3.

To the example of every body, at every place in it, fields are added that are ours alone. They are refused by name, or
stand in the table of those that the door does declare.
"""

import json

import msgspec
import pytest

from chalicelib.core.api import read_json
from chalicelib.core.errors import Invalid
from tests.architecture.source import doors
from tests.kit import matrix
from tests.kit.matrix import POLICY

INTERNAL = {
    "account": "stf_01KBSN3M40A8XJ2Q7VTE5R9WCD",
    "actor": "staff:stf_1",
    "available": 1_000_000,
    "created_at": "2020-01-01T00:00:00.000000Z",
    "customer_id": "cus_01KBSN3M40A8XJ2Q7VTE5R9WCD",
    "digest": "0" * 64,
    "discount": {"amount": 1, "currency": "IDR"},
    "expires_at": "2099-01-01T00:00:00.000000Z",
    "id": "ord_01KBSN3M40A8XJ2Q7VTE5R9WCD",
    "is_admin": True,
    "order_id": "ord_01KBSN3M40A8XJ2Q7VTE5R9WCD",
    "paid": True,
    "password_hash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
    "payment_status": "paid",
    "pk": "cus_1",
    "points": 1_000_000,
    "price": {"amount": 1, "currency": "IDR"},
    "refund_limit": None,
    "role": "owner",
    "scopes": ["staff:write"],
    "sealed": "x",
    "sk": "ACCOUNT",
    "state": "confirmed",
    "status": "paid",
    "stepped_up_at": "2099-01-01T00:00:00.000000Z",
    "tax": {"amount": 0, "currency": "IDR"},
    "tenant_id": "tnt_1",
    "total": {"amount": 1, "currency": "IDR"},
    "unit_price": 1,
    "verified": True,
    "version": 1,
    "__class__": "Order",
}

DECLARED = {
    "PATCH /admin/categories/{category_id}": {"id", "version"},
    "PATCH /admin/customers/{customer_id}": {"version"},
    "PATCH /admin/products/{product_id}": {"state", "version"},
    "PATCH /admin/staff/{staff_id}": {"role", "state"},
    "PATCH /store/me": {"version"},
    "POST /admin/categories": {"id"},
    "POST /admin/keys": {"expires_at", "scopes"},
    "POST /admin/orders/{order_id}/cancel": {"version"},
    "POST /admin/products": {"id", "price", "state"},
    "POST /admin/staff": {"role"},
    "POST /admin/stock/locations": {"id"},
    "PUT /admin/roles/{role}": {"refund_limit", "scopes"},
    "PUT /admin/switches/{switch}": {"version"},
    "PUT /store/me/addresses/{address_id}": {"version"},
}
"""What a door does take among these, in its body or within; an ``id`` is a text in Indonesian, or a new location's."""

FREE = {"attributes", "credential"}
"""Fields that hold whatever the shop writes there, as texts, and what an authenticator says."""


def bodies():
    return [
        pytest.param(method, path, door.body, id=f"{method} {path}")
        for (method, path), door in sorted(doors().items())
        if door.body is not None
    ]


def places(value, path=()):
    """Where in the example there is an object: the steps that lead to it."""
    if isinstance(value, dict):
        yield path
        for name, part in value.items():
            if name not in FREE:
                yield from places(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(part, (*path, number))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def planted(value, path, more):
    """The example with ``more`` at a place, before everything else there: it is read first, whatever follows."""
    if not path:
        return {**more, **value}
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [planted(value[step], rest, more)]
    return {step: planted(value[step], rest, more), **{name: part for name, part in value.items() if name != step}}


def taken(shape, body):
    """What reading the body says: nothing if it is taken."""
    try:
        read_json(json.dumps(body).encode(), shape)
    except Invalid as refusal:
        return str(refusal.facts)
    return ""


@pytest.mark.parametrize(("method", "path", "shape"), bodies())
def test_fields_that_are_ours_alone_are_refused_by_name(method, path, shape):
    example = matrix.example(method, path)
    found = set()

    for place in places(example):
        for field, value in INTERNAL.items():
            is_taken = f"unknown field `{field}`" not in taken(shape, planted(example, place, {field: value}))
            if is_taken or field in at(example, place):
                found.add(field)

    assert found == DECLARED.get(f"{method} {path}", set())


@pytest.mark.parametrize(("method", "path", "shape"), bodies())
def test_whatever_is_read_is_held_to_its_shape_to_the_bottom(method, path, shape):
    """A part that let unknown fields pass would swallow them unseen."""
    waiting, seen = [msgspec.inspect.type_info(shape)], []
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in seen:
            seen.append(info.cls)
            assert info.forbid_unknown_fields, info.cls
            waiting += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            waiting += info.types
        else:
            waiting += [getattr(info, name) for name in ("item_type", "value_type", "type") if hasattr(info, name)]

    assert seen


@pytest.fixture(scope="module")
def scene():
    with matrix.opened() as made:
        yield made


@pytest.mark.parametrize(("method", "path", "shape"), bodies())
def test_a_door_refuses_them_before_it_does_anything(scene, method, path, shape):
    scene.path(path)
    headers = scene.entitled(POLICY[f"{method} {path}"])
    body = {"is_admin": True, **scene.body(method, path)}
    before = matrix.stored()

    answer = scene.ask(method, path, headers, body)

    assert (answer.status, answer.code) == (422, "invalid"), answer.text
    assert "is_admin" in answer.text
    assert matrix.stored() == before
