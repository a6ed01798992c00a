"""Customers for tests: with a profile of their own and a session, made by the use cases."""

from dataclasses import dataclass
from typing import Any

from chalicelib.core import db, vault
from chalicelib.customers import service as customers
from chalicelib.customers.service import Person
from chalicelib.identity import sessions
from chalicelib.identity.models.accounts import AccountRow, AccountState
from tests.kit.cloud import ACCOUNT, REGION
from tests.kit.shop import CONTACT

SITI = Person(CONTACT["name"], CONTACT["email"], "+6281234567890")
BUDI = Person("Budi Santoso", "budi@example.com", "+6281299998888")


@dataclass(frozen=True, slots=True)
class Member:
    """A customer who has logged in."""

    id: str
    headers: dict[str, str]


def registers(person: Person = SITI) -> str:
    """Somebody opens an account, and has not proven the address; the customer's id."""
    with db.transaction() as tx:
        customer, _ = customers.register(tx, person)
        tx.put(AccountRow(pk=customer.id, sk="ACCOUNT", state=AccountState.ACTIVE, version=1))
    return customer.id


def verifies(customer_id: str, email: str | None = None) -> None:
    """They prove an address."""
    with db.transaction() as tx:
        customers.verify(tx, customer_id, email)


def logs_in(customer_id: str) -> Member:
    """They begin a session."""
    with db.transaction() as tx:
        _, token = sessions.start(tx, customer_id, sessions.CUSTOMER)
    return Member(customer_id, {"Authorization": f"Bearer {token}"})


def member(person: Person = SITI) -> Member:
    """Somebody with a proven address, logged in."""
    customer_id = registers(person)
    verifies(customer_id)
    return logs_in(customer_id)


def erase(customer_id: str) -> None:
    """All that is done when somebody is to be forgotten, as far as customers go."""
    customers.anonymise(customer_id)
    with db.transaction() as tx:
        vault.destroy(tx, customer_id)


def row(model: type[db.Row], pk: str, sk: str) -> Any:
    """An item that must be there."""
    found = db.get(model, pk, sk)
    assert found is not None
    return found


def items(department: str) -> list[dict[str, Any]]:
    """Every item of a department's table, as it is stored."""
    from moto.dynamodb.models import dynamodb_backends

    table = dynamodb_backends[ACCOUNT][REGION].tables[f"laris-test-{department}"]
    return [item.to_json()["Attributes"] for item in table.all_items()]
