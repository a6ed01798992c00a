"""The catalogue as staff fill it and shoppers read it, by the API's doors."""

from typing import Any

from tests.kit.api import Reply, as_staff, call


def product(sku: str = "KEMEJA", **about: Any) -> dict[str, Any]:
    """The body of a product of one variant that costs Rp150.000; ``about`` says what is different."""
    return {
        "name": {"id": f"Kemeja {sku}", "en": f"Shirt {sku}"},
        "slug": sku.lower(),
        "variants": [variant(sku)],
        "state": "active",
        **about,
    }


def variant(sku: str, *option_values: int, amount: Any = 150_000, **about: Any) -> dict[str, Any]:
    """The body of a variant."""
    return {"sku": sku, "option_values": list(option_values), "price": {"amount": amount, "currency": "IDR"}, **about}


def sizes(*values: str) -> dict[str, Any]:
    """The body of an option of these values."""
    return {"name": {"id": "Ukuran", "en": "Size"}, "values": [{"id": value} for value in values]}


def post(path: str, body: Any) -> Reply:
    """Staff make something under ``/admin``."""
    return call("POST", f"/admin/{path}", body, headers=as_staff())


def patch(path: str, body: Any) -> Reply:
    """Staff change something under ``/admin``."""
    return call("PATCH", f"/admin/{path}", body, headers=as_staff())


def get(path: str) -> Reply:
    """Staff read something under ``/admin``."""
    return call("GET", f"/admin/{path}", headers=as_staff())


def made(path: str, body: Any) -> Any:
    """What staff made under ``/admin``."""
    answer = post(path, body)
    assert answer.status == 201, answer.text
    return answer.body


def changed(path: str, version: int, **changes: Any) -> Any:
    """What staff changed under ``/admin``."""
    answer = patch(path, {"version": version, **changes})
    assert answer.status == 200, answer.text
    return answer.body


def listed(query: str = "") -> list[str]:
    """The slugs of all products that a shopper sees with ``query``, page by page."""
    slugs: list[str] = []
    cursor = ""
    while True:
        answer = call("GET", f"/store/products?{query}&cursor={cursor}")
        assert answer.status == 200, answer.text
        slugs += [card["slug"] for card in answer.body["items"]]
        cursor = answer.body["next_cursor"]
        if not cursor:
            return slugs


def stored() -> dict[str, Any]:
    """Every item of the catalogue and of the event log but the trail's, to show that nothing changed."""
    from chalicelib.core import db
    from chalicelib.core.config import settings

    tables = {name: db.client().scan(TableName=settings.table(name))["Items"] for name in ("catalog", "events")}
    tables["events"] = [item for item in tables["events"] if item["type"]["S"] != "audit.recorded"]
    return {name: sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])) for name, items in tables.items()}
