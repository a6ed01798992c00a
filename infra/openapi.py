"""`make openapi`: writes the description of the API from the doors of the app, with an example wherever JSON goes.

The examples are made here, on the developer's machine, so that nothing of this is packaged.
"""

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any, Final

import chalicelib
from chalicelib import VERSION
from chalicelib.core import openapi
from chalicelib.core.api import MOUNTED

COMMITTED: Final = Path(chalicelib.__file__).parent / "console" / "openapi.json"
DEEPEST: Final = 12

SAMPLES: Final[dict[str, Any]] = {
    "access_token": "q0mJ8sVZ2yXb7lK4wTn1eRcUfHdGpAoI5xLzMvYtQ3E",
    "amount": 150000,
    "barcode": "8991234567890",
    "brand": "Larisa",
    "business_date": "2026-11-24",
    "cart_id": "crt_5Q2W8E7R4T1Y9Z6X3C0V8B5N2M7K4J1H",
    "city": "Bandung",
    "country": "ID",
    "courier": "JNE",
    "currency": "IDR",
    "day": "2026-11-24",
    "days": "1-2",
    "district": "Coblong",
    "email": "siti@example.com",
    "en": "Batik shirt, long sleeves",
    "expires_at": "2026-11-24T04:00:00.000000Z",
    "gateway": "midtrans",
    "id": "Kemeja batik lengan panjang",
    "image_url": "https://example.com/kemeja-batik.jpg",
    "line1": "Jl. Dago No. 12",
    "location": "gudang",
    "method": "bca_va",
    "name": "Siti Rahayu",
    "number": "260001234567",
    "occurred_at": "2026-11-24T03:00:00.000000Z",
    "order_id": "ord_01KBSN3M40A8XJ2Q7VTE5R9WCD",
    "payment_id": "pay_01KBSN3M41G4ZP6YH8NB3K0SFM",
    "phone": "081234567890",
    "placed_at": "2026-11-24T03:00:00.000000Z",
    "postal_code": "40135",
    "product_id": "prd_01KBSMZX7Y2C5D8F1G4H7J0K3M",
    "province": "Jawa Barat",
    "reason": "the buyer changed their mind",
    "reference": "ord_01KBSN3M40A8XJ2Q7VTE5R9WCD-1",
    "request_id": "req_01KBSN3M42T6VW9XQ2ZE4R7YBC",
    "service": "REG",
    "shipping_option": "jne-reg",
    "sku": "KEMEJA-M",
    "slug": "kemeja-batik-lengan-panjang",
    "url": "https://example.com/bayar/3c1f",
}
"""What fields of these names hold in examples; ``Type.field`` goes before ``field``."""

NOWHERE: Final[Any] = object()


def main() -> None:
    """Write the description to the file named on the command line, else to where it is committed."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else COMMITTED
    target.write_text(text(), encoding="utf-8")
    print(f"Wrote {target}")


def text() -> str:
    """The description as it is committed."""
    importlib.import_module("app")  # mounts the doors
    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        if module.name.endswith(".errors"):  # codes are explained whether or not a door has loaded them
            importlib.import_module(module.name)
    described = openapi.document(MOUNTED, VERSION)
    _add_examples(described)
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


def _add_examples(described: dict[str, Any]) -> None:
    maker = Examples(described["components"]["schemas"])
    for methods in described["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path":
                    parameter["example"] = maker.example(parameter["schema"], parameter["name"])
            for holder in (operation.get("requestBody", {}), operation["responses"].get("200", {})):
                _exemplify(holder, maker)
            _exemplify(operation["responses"].get("201", {}), maker)


def _exemplify(holder: dict[str, Any], maker: "Examples") -> None:
    for content in holder.get("content", {}).values():
        if "$ref" in content["schema"]:
            content["example"] = maker.example(content["schema"])


class Examples:
    """Makes values that fit schemas and look like a shop's."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def example(self, schema: dict[str, Any], field: str = "", within: str = "", depth: int = 0) -> Any:
        """A value for ``schema``, which is that of ``field`` of the type called ``within``."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            sample = _sample(self._schemas[name], field, within)
            return self.example(self._schemas[name], field, name, depth + 1) if sample is NOWHERE else sample
        for choices in (schema.get("anyOf"), schema.get("oneOf")):
            if choices:
                return self.example(choices[0], field, within, depth)
        sample = _sample(schema, field, within)
        return self._plain(schema, field, within, depth) if sample is NOWHERE else sample

    def _plain(self, schema: dict[str, Any], field: str, within: str, depth: int) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, within, depth)
            case "array":
                return self._array(schema, field, within, depth)
            case "integer":
                return schema.get("minimum", 1)
            case "boolean":
                return True
            case "string":
                return _string(schema)
        return None

    def _object(self, schema: dict[str, Any], within: str, depth: int) -> dict[str, Any]:
        required = schema.get("required", [])
        return {
            name: self.example(about, name, within, depth)
            for name, about in schema.get("properties", {}).items()
            if name in required or (about.get("default", NOWHERE) is not None and depth < DEEPEST)
        }

    def _array(self, schema: dict[str, Any], field: str, within: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.example(item, field, within, depth) for item in schema["prefixItems"]]
        items = schema.get("items")
        count = schema.get("minItems", 0 if depth > DEEPEST else 1)
        return [self.example(items, field, within, depth) for _ in range(count)] if isinstance(items, dict) else []


def _sample(schema: dict[str, Any], field: str, within: str) -> Any:
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    sample = SAMPLES.get(f"{within}.{field}", SAMPLES.get(field, NOWHERE))
    kinds = {str: "string", int: "integer"}
    return sample if schema.get("type") == kinds.get(type(sample), "none") else NOWHERE


def _string(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date":
        return "2026-11-24"
    if schema.get("format") == "date-time":
        return "2026-11-24T03:00:00Z"
    return "teks".ljust(schema.get("minLength", 0), "s")[: schema.get("maxLength", 100)]


if __name__ == "__main__":
    main()
