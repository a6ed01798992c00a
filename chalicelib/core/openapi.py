"""The API's description, OpenAPI 3.1, made from the doors themselves. A test holds the committed copy to it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from chalicelib.core import errors
from chalicelib.core.api import JSON, PROBLEM, Api, Door
from chalicelib.core.idempotency import KeyMissing, KeyReused

SCHEMAS: Final = "#/components/schemas/{name}"

ALWAYS: Final = (errors.TooMany, errors.UpstreamTimeout, errors.Unexpected)
WITH_BODY: Final = (errors.Malformed, errors.Invalid, errors.TooLarge, errors.UnsupportedMedia)
WITH_KEY: Final = (KeyMissing, KeyReused, errors.InProgress)

SECURITY_SCHEMES: Final = {
    "admin_key": {"type": "http", "scheme": "bearer", "description": "The admin API key."},
    "access_token": {"type": "http", "scheme": "bearer", "description": "The access token of one order."},
    "partner_signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Partner-Signature",
        "description": "The partner's own signature, over the raw body or in it, as each partner's protocol has it.",
    },
}


class FieldProblem(msgspec.Struct, frozen=True):
    """One field that is wrong; ``pointer`` is a JSON pointer (RFC 6901)."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """What went wrong (RFC 9457). ``code`` is stable; further members carry the facts of the case."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldProblem] = []


def document(mounted: Sequence[Api], version: str) -> dict[str, Any]:
    """The description of every door of ``mounted``, in the order of their paths."""
    doors = sorted(
        ((api.full_path(door), door) for api in mounted for door in api.doors),
        key=lambda pair: (pair[0], pair[1].method),
    )
    types = list(dict.fromkeys(type_ for _, door in doors for type_ in _types(door)))
    schemas, components = msgspec.json.schema_components([Problem, *types], ref_template=SCHEMAS)
    by_type = dict(zip([Problem, *types], schemas, strict=True))
    paths: dict[str, Any] = {}
    for path, door in doors:
        paths.setdefault(path, {})[door.method.lower()] = _operation(path, door, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Laris",
            "version": version,
            "summary": "The sales system of an online seller.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY_SCHEMES},
        "x-errors": [_explained(error) for error in errors.every_error()],
    }


def _types(door: Door) -> Iterable[Any]:
    yield from (type_ for type_ in (door.body, door.query) if type_ is not None)
    yield from (type_ for type_ in door.answers.values() if type_ is not None and type_ is not str)


def _operation(path: str, door: Door, by_type: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    department = door.view.__module__.split(".")[1]
    operation: dict[str, Any] = {
        "operationId": f"{department}_{door.view.__name__}",
        "tags": [department],
        "summary": door.summary,
        "parameters": _parameters(path, door, by_type, components),
        "responses": _responses(door, by_type),
        "x-access": door.access.name,
    }
    if door.description:
        operation["description"] = door.description
    if door.access.scheme:
        operation["security"] = [{door.access.scheme: []}]
    if door.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": by_type[door.body]}}}
    return operation


def _parameters(path: str, door: Door, by_type: dict[Any, Any], components: dict[str, Any]) -> list[Any]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    if door.query is not None:
        about = components[by_type[door.query]["$ref"].rsplit("/", 1)[1]]
        for name, schema in about["properties"].items():
            required = name in about.get("required", [])
            found.append({"name": name, "in": "query", "required": required, "schema": _without_null(schema)})
    if door.idempotent:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "Made by the client before it first asks; the same key asks the same thing once.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            }
        )
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out, never null."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    cleaned = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    if len(choices) == 1:
        del cleaned["anyOf"]
        return {**choices[0], **cleaned}
    return cleaned


def _responses(door: Door, by_type: dict[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, type_ in door.answers.items():
        responses[str(status)] = {"description": "As asked."}
        if type_ is str:
            responses[str(status)]["content"] = {"text/html": {"schema": {"type": "string"}}}
        elif type_ is not None:
            responses[str(status)]["content"] = {JSON: {"schema": by_type[type_]}}
    by_status: dict[int, list[type[errors.LarisError]]] = {}
    for refusal in dict.fromkeys(refusals(door)):
        by_status.setdefault(refusal.status, []).append(refusal)
    for status, kinds in sorted(by_status.items()):
        codes = "; ".join(f"`{kind.code}` {kind.explanation()}" for kind in kinds)
        narrowed = {"properties": {"code": {"enum": [kind.code for kind in kinds]}}}
        responses[str(status)] = {
            "description": codes,
            "content": {PROBLEM: {"schema": {"allOf": [by_type[Problem], narrowed]}}},
        }
    return responses


def refusals(door: Door) -> list[type[errors.LarisError]]:
    """Everything that ``door`` may refuse with: its own, and what comes with what it takes."""
    found = list(door.refusals)
    if door.body is not None:
        found += WITH_BODY
    if door.query is not None:
        found.append(errors.Invalid)
    if door.access.scheme in {"admin_key", "access_token"}:
        found.append(errors.Unauthenticated)
    if door.access.scheme == "access_token":
        found.append(errors.NotFound)
    if door.idempotent:
        found += WITH_KEY
    if door.method != "GET":
        found.append(errors.WriteRefused)
    return found + list(ALWAYS)


def _explained(error: type[errors.LarisError]) -> dict[str, Any]:
    return {
        "code": error.code,
        "status": error.status,
        "meaning": " ".join((error.__doc__ or "").split()),
        "repeat": error.retry,
    }
