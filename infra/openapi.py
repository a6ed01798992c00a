"""`make openapi`: writes the description of the API from the doors of the app, with an example wherever JSON goes.

The examples are made here, on the developer's machine, so that nothing of this is packaged. What fields and types hold
in them stands in ``examples/``, under ``Type``, ``Type.field`` or ``field``, whichever is found first.
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
SAMPLES: Final = Path(__file__).parent / "examples"
DEEPEST: Final = 12
NOWHERE: Final[Any] = object()
KINDS: Final = {str: "string", int: "integer", bool: "boolean", dict: "object", list: "array", type(None): "null"}


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
    samples: dict[str, Any] = {}
    for file in sorted(SAMPLES.glob("*.json")):
        samples |= json.loads(file.read_text(encoding="utf-8"))
    maker = Examples(described["components"]["schemas"], samples)
    operations = [each for methods in described["paths"].values() for each in methods.values()]
    for operation in operations:
        for parameter in operation["parameters"]:
            if parameter.get("in") == "path":
                parameter["example"] = maker.example(parameter["schema"], parameter["name"])
        holders = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (content for holder in holders for content in holder.get("content", {}).values()):
            if "$ref" in content["schema"]:
                content["example"] = maker.example(content["schema"])


class Examples:
    """Makes values that fit schemas and look like a shop's."""

    def __init__(self, schemas: dict[str, Any], samples: dict[str, Any]) -> None:
        self._schemas = schemas
        self._samples = samples

    def example(self, schema: dict[str, Any], field: str = "", within: str = "", depth: int = 0) -> Any:
        """A value for ``schema``, which is that of ``field`` of the type called ``within``."""
        for name in (f"{within}.{field}", schema.get("$ref", "").rpartition("/")[2], field):
            sample = self._samples.get(name, NOWHERE)
            if sample is not NOWHERE and self._fits(sample, schema):
                return sample
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self.example(self._schemas[name], field, name, depth + 1)
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return self.example(choices[0], field, within, depth)
        return self._plain(schema, field, within, depth)

    def _fits(self, sample: Any, schema: dict[str, Any]) -> bool:
        if "$ref" in schema:
            return self._fits(sample, self._schemas[schema["$ref"].rpartition("/")[2]])
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return any(self._fits(sample, choice) for choice in choices)
        if "enum" in schema:
            return sample in schema["enum"]
        if isinstance(sample, dict) and not sample.keys() >= set(schema.get("required", [])):
            return False
        return schema.get("type") == KINDS[type(sample)]

    def _plain(self, schema: dict[str, Any], field: str, within: str, depth: int) -> Any:
        if "enum" in schema:
            return schema["enum"][0]
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
                return "teks".ljust(schema.get("minLength", 0), "s")[: schema.get("maxLength", 100)]
        return None

    def _object(self, schema: dict[str, Any], within: str, depth: int) -> dict[str, Any]:
        """What is asked for, and of the rest what a caller would give."""
        required = schema.get("required", [])
        return {
            name: self.example(about, name, within, depth)
            for name, about in schema.get("properties", {}).items()
            if name in required or about.get("default") is not None
        }

    def _array(self, schema: dict[str, Any], field: str, within: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.example(item, field, within, depth) for item in schema["prefixItems"]]
        items = schema.get("items")
        count = schema.get("minItems", 0 if depth > DEEPEST else 1)
        return [self.example(items, field, within, depth) for _ in range(count)] if isinstance(items, dict) else []


if __name__ == "__main__":
    main()
