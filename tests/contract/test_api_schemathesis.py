"""The whole API against its own description: generated requests, right and wrong, to every operation.

Each operation is met in a shop with a product in stock, a cart and an order, so that what is generated also reaches
past "no such thing". Nothing but the seed decides what is sent.
"""

import json
from collections.abc import Callable, Iterable
from http.client import responses
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

from tests.kit import api

DESCRIPTION = Path(__file__).parents[2] / "chalicelib" / "console" / "openapi.json"
SEED = 20261124
EXAMPLES = 12

EXCLUDED = {
    "unsupported_method": "API Gateway answers methods that have no route, with 403; no door of ours ever sees them",
}

KNOWN_IDS = ("cart_id", "order_id", "payment_id", "product_id", "category_id", "sku", "slug", "location_id")


def described() -> dict[str, Any]:
    """The committed description, in which the ids of examples are as likely as any other text."""
    description: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    for methods in description["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path":
                    parameter["schema"] = often(parameter["schema"], parameter["example"])
    for name in ("PlaceOrder", "AskForQuotes"):
        properties = description["components"]["schemas"][name]["properties"]
        properties["cart_id"] = often(properties["cart_id"], EXAMPLE_IDS["cart_id"])
    return description


def often(schema: dict[str, Any], value: str) -> dict[str, Any]:
    return {"anyOf": [{"const": value}, schema]}


def example_ids() -> dict[str, str]:
    """What the description's examples call things."""
    description = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return {
        parameter["name"]: parameter["example"]
        for methods in description["paths"].values()
        for operation in methods.values()
        for parameter in operation["parameters"]
        if parameter.get("in") == "path"
    }


EXAMPLE_IDS = example_ids()

schema = schemathesis.openapi.from_dict(
    described(),
    config=SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "no-shrink": False},
            "checks": {
                **{name: {"enabled": False} for name in EXCLUDED},
            },
        }
    ),
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """API Gateway and the app behind it, as a WSGI application."""
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    status, answered, content = api._gateway().answer(
        environ["REQUEST_METHOD"], environ["REQUEST_URI"], headers, environ["wsgi.input"].read(length)
    )
    start_response(f"{status} {responses.get(status, '')}", [(name, str(value)) for name, value in answered.items()])
    return [content]


schema.app = application


@pytest.fixture
def shop(aws: Any) -> dict[str, str]:
    """A shop with a product in stock, a cart and an order of it; its ids by the names of parameters."""
    staff = api.as_staff()
    location = api.call("POST", "/admin/stock/locations", {"id": "gudang", "name": "Gudang"}, headers=staff)
    print(location)
    return {}


@schema.parametrize()
@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
def test_every_operation_behaves_as_described(case, shop):
    case.call_and_validate(headers=api.as_staff())
