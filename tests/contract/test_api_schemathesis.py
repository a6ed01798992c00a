"""The whole API against its own description: generated requests, right and wrong, to every operation.

Each operation is met in a shop with a product in stock, a cart and an order, so that what is generated also reaches
past "no such thing". Nothing but the seed decides what is sent.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from http.client import responses
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig

from app import app
from chalicelib.core import aws, ids
from chalicelib.customers.service import Person
from chalicelib.identity.roles import OWNER
from chalicelib.payments import gateways
from infra.local.pumps import Pumps
from tests.kit import api, cloud, customers, people
from tests.kit.gateways import FakeGateway
from tests.kit.shop import Shop

DESCRIPTION = Path(__file__).parents[2] / "chalicelib" / "console" / "openapi.json"
SEED = 20261124
EXAMPLES = int(os.environ.get("LARIS_EXAMPLES", "8"))

EXCLUDED = {
    "ignored_auth": "another order's token finds nothing, 404; tests/architecture/test_doors sends strangers",
    "unsupported_method": "API Gateway answers methods that have no route, with 403; no door of ours ever sees them",
}

WELL_FORMED = ["2xx", "404", "409", "422"]
"""How a well formed request may end: it may still ask for what is not there, what the state of things forbids, or break
a rule that no schema can say (a cursor of another list, two fields that do not fit each other).
"""


PROVING = (
    "/admin/invitations/accept",
    "/admin/invitations/confirm",
    "/admin/login",
    "/admin/login/passkey-options",
    "/admin/login/second-factor",
    "/admin/logout",
    "/admin/me/passkeys",
    "/admin/me/password",
    "/admin/me/step-up",
    "/admin/password-resets/confirm",
    "/store/customers/verify",
    "/store/email-changes/confirm",
    "/store/login",
    "/store/login/second-factor",
    "/store/logout",
    "/store/me/email",
    "/store/me/password",
    "/store/me/totp",
    "/store/password-resets/confirm",
    "/webhooks/notices/whatsapp",
)
"""Where what is sent proves who somebody is, or ends their session: well formed and yet 401, or 429 if tried often."""

ILL_FORMED = ["400", "401", "404", "409", "413", "415", "422"]


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
REAL_IDS: dict[str, str] = {}
"""By example: what stands in the shop under such an id."""

schema = schemathesis.openapi.from_dict(
    described(),
    config=SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "generation": {"max-examples": EXAMPLES, "deterministic": True},
            "checks": {
                **{name: {"enabled": False} for name in EXCLUDED},
                "positive_data_acceptance": {"expected-statuses": WELL_FORMED},
                "negative_data_rejection": {"expected-statuses": ILL_FORMED},
            },
            "operations": [
                # What partners post is theirs to describe: for us it is bytes with a signature.
                {
                    "include-path": "/webhooks/payments/{gateway}",
                    "checks": {"positive_data_acceptance": {"enabled": False}},
                },
                *(
                    {
                        "include-path": path,
                        "checks": {"positive_data_acceptance": {"expected-statuses": [*WELL_FORMED, "401", "429"]}},
                    }
                    for path in PROVING
                ),
            ],
        }
    ),
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """API Gateway and the app behind it, as a WSGI application; the ids of examples lead to what is in the shop."""
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    target = f"/{environ['RAW_URI'].lstrip('/')}?{environ['QUERY_STRING']}"
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    for example, real in REAL_IDS.items():
        target, body = target.replace(example, real), body.replace(example.encode(), real.encode())
    status, answered, content = api.gateway().answer(environ["REQUEST_METHOD"], target, headers, body)
    start_response(f"{status} {responses.get(status, '')}", [(name, str(value)) for name, value in answered.items()])
    return [content]


schema.app = application


@pytest.fixture(scope="module")
def shop() -> Iterator[dict[str, str]]:
    """A shop with a product in stock, an open cart and an order; the access token of the order by scheme."""
    cloud.start()
    cloud.wipe()
    bank = FakeGateway()
    with gateways.use("fake", bank), gateways.use("midtrans", bank):
        pumps = Pumps(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))
        pumps.skip_stream()
        made = Shop(pumps, bank)
        product = made.sells("KEMEJA-M", 1000)
        placed = made.places(("KEMEJA-M", 1))
        category = made.staff("POST", "/admin/categories", {"slug": "kemeja", "name": {"id": "Kemeja"}, "position": 1})
        made.drain()
        ids = {
            "cart_id": made.cart(("KEMEJA-M", 1)),
            "order_id": placed["order"]["id"],
            "payment_id": placed["payment"]["id"],
            "product_id": product["id"],
            "category_id": category.body["id"],
            "sku": "KEMEJA-M",
            "slug": product["slug"],
            "location_id": "jkt",
        }
        REAL_IDS.update({EXAMPLE_IDS[name]: real for name, real in ids.items()})
        yield {"access_token": f"Bearer {placed['access_token']}"}
        REAL_IDS.clear()


@pytest.fixture
def callers(shop) -> dict[str, dict[str, str]]:
    """Who calls, by scheme: an owner and a customer, both proven just now, and the holder of the order's token."""
    return {
        "staff": people.session(OWNER),
        "customer": customers.member(Person("Siti Rahmawati", f"{ids.new('x')}@example.com", None)).headers,
        "access_token": {"Authorization": shop["access_token"]},
    }


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_every_operation_behaves_as_described(case, callers):
    schemes = [name for each in case.operation.definition.raw.get("security", []) for name in each if name in callers]
    case.call_and_validate(headers=callers[schemes[0]] if schemes else {})
