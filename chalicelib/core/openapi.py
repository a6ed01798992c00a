"""The API's description, OpenAPI 3.1, made from the doors themselves. A test holds the committed copy to it."""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from chalicelib.core import errors
from chalicelib.core.api import JSON, PROBLEM, Api, Door
from chalicelib.core.idempotency import LONGEST_KEY, KeyMissing, KeyReused

SCHEMAS: Final = "#/components/schemas/"

ALWAYS: Final = (errors.TooMany, errors.Unavailable, errors.Unanswered, errors.UpstreamTimeout, errors.Unexpected)
WITH_BODY: Final = (errors.Malformed, errors.Invalid, errors.TooLarge)
WITH_KEY: Final = (KeyMissing, KeyReused, errors.Invalid, errors.InProgress)

INTRODUCTION: Final = """\
Bodies are JSON in UTF-8, names in snake_case; an unknown field or query parameter is refused.

- **Money** is an integer in the smallest unit in circulation, with its currency: `{"amount": 150000, "currency":
"IDR"}` is Rp150.000. No fractions anywhere.
- **Time** is UTC in RFC 3339; a `business_date` is a day in the shop's zone.
- **Ids** carry a prefix that says what they name (`ord_`, `pay_`, `crt_`) and sort by time.
- **Lists** take `limit` (up to 100) and `cursor`; go on with `next_cursor` until it is null. A cursor belongs to the
list and filters it came from.
- **Repeating.** Where an `Idempotency-Key` is asked for, make one before the first try and send the same key with the
same body until you get an answer: it is done once, and the answer comes again byte for byte for seven days. GET, PUT,
PATCH and DELETE may be repeated as they are.
- **Errors** are `application/problem+json` (RFC 9457). Decide by `code`, never by `detail`; an invalid field is named
by a JSON pointer in `errors`. Where `Retry-After` comes with it, the same request may succeed later.
"""

SECURITY_SCHEMES: Final = {
    "staff": {
        "type": "http",
        "scheme": "bearer",
        "description": "The session of a member of staff (`lks_…`), or an integration's key (`lk_sec_…`).",
    },
    "customer": {"type": "http", "scheme": "bearer", "description": "The session of a customer (`lkc_…`)."},
    "storefront_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Laris-Key",
        "description": "The publishable key of a storefront (`lk_pub_…`); a shop may insist on it.",
    },
    "access_token": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "The access token of one thing, such as the `access_token` that comes with an order; "
            "the session of the customer whose it is (`lkc_…`) will do too."
        ),
    },
    "partner_signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Partner-Signature",
        "description": "The partner's own signature, over the raw body or in it, as each partner's protocol has it.",
    },
}

HEADERS: Final[dict[str, Any]] = {
    "Location": {
        "description": "Where the new thing stands.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotent-Replayed": {
        "description": "`true` where this is the answer that the key's first request got.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {
        "description": "Seconds to wait before the same request may succeed.",
        "schema": {"type": "integer", "minimum": 1},
    },
}

KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Made by the client before it first asks, and kept until it is answered: one key, one effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
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
    types = [Problem, *dict.fromkeys(type_ for _, door in doors for type_ in _types(door))]
    schemas, components = msgspec.json.schema_components(types, ref_template=f"{SCHEMAS}{{name}}")
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for path, door in doors:
        paths.setdefault(path, {})[door.method.lower()] = _operation(path, door, by_type, components)
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Laris",
            "version": version,
            "summary": "The sales system of an online seller.",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ".", "description": "Where this document stands."}],
        "tags": [_tag(name) for name in sorted({department(door) for _, door in doors})],
        "paths": paths,
        "components": {
            "schemas": components,
            "parameters": {"Idempotency-Key": KEY},
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
        "x-errors": [_explained(error) for error in errors.every_error()],
    }
    _settle_schemas(described)
    _use_short_names(described, {name: _short(name) for name in described["components"]["schemas"] if "." in name})
    described["components"]["schemas"] = dict(sorted(described["components"]["schemas"].items()))
    _share_refusals(described)
    return described


def department(door: Door) -> str:
    """The department whose door it is."""
    return door.view.__module__.split(".")[1]


def refusals(door: Door) -> list[type[errors.LarisError]]:
    """Everything that ``door`` may refuse with: its own, and what comes with what it takes."""
    found = list(door.refusals)
    if door.body is not None:
        found += WITH_BODY
    if "raw" in door.wants:
        found.append(errors.TooLarge)
    if door.query is not None:
        found.append(errors.Invalid)
    found += door.access.refusals
    if door.idempotent:
        found += WITH_KEY
    if door.method != "GET":
        found += [errors.WriteRefused, errors.UnsupportedMedia]
    return list(dict.fromkeys([*found, *ALWAYS]))


def _types(door: Door) -> Iterable[Any]:
    yield from (type_ for type_ in (door.body, door.query) if type_ is not None)
    yield from (type_ for type_ in door.answers.values() if type_ is not None and not _is_media(type_))


def _is_media(type_: Any) -> bool:
    """A door's answer is either a type or the media type of a text."""
    return isinstance(type_, str)


def _tag(name: str) -> dict[str, str]:
    return {"name": name, "description": _prose(sys.modules[f"chalicelib.{name}"])}


def _operation(path: str, door: Door, by_type: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    part = door.view.__module__.rpartition(".")[2]
    operation: dict[str, Any] = {
        "operationId": f"{department(door)}_{part}_{door.view.__name__}",
        "tags": [department(door)],
        "summary": _marked(door.summary),
        "parameters": _parameters(path, door, by_type, components),
        "responses": {**_answers(door, by_type), **_refused(door, by_type)},
        "x-access": door.access.name,
    }
    if door.description:
        operation["description"] = _marked(door.description)
    if door.access.scheme:
        operation["security"] = [{door.access.scheme: []}]
    elif door.access.optional:
        operation["security"] = [{}, {door.access.optional: []}]
    if door.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": by_type[door.body]}}}
    elif "raw" in door.wants:
        operation["requestBody"] = {"required": True, "content": {media: {"schema": {}} for media in door.media}}
    return operation


def _parameters(path: str, door: Door, by_type: dict[Any, Any], components: dict[str, Any]) -> list[Any]:
    names = re.findall(r"\{(\w+)\}", path)
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ]
    if door.query is not None:
        about = components[by_type[door.query]["$ref"].removeprefix(SCHEMAS)]
        for name, schema in about["properties"].items():
            required = name in about.get("required", [])
            found.append({"name": name, "in": "query", "required": required, "schema": _without_null(schema)})
    if door.idempotent:
        found.append({"$ref": "#/components/parameters/Idempotency-Key"})
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out, never null."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    cleaned = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    if len(choices) == 1:
        del cleaned["anyOf"]
        return {**choices[0], **cleaned}
    return cleaned


def _answers(door: Door, by_type: dict[Any, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status, type_ in door.answers.items():
        answer: dict[str, Any] = {"description": "Done." if type_ is None else "As asked."}
        answers[str(status)] = answer
        names = (["Location"] if status == 201 else []) + (["Idempotent-Replayed"] if door.idempotent else [])
        if names:
            answer["headers"] = _headers(names)
        if _is_media(type_):
            shape = "object" if type_ == JSON else "string"
            answer["content"] = {type_.partition(";")[0]: {"schema": {"type": shape}}}
        elif type_ is not None:
            answer["content"] = {JSON: {"schema": by_type[type_]}}
    return answers


def _refused(door: Door, by_type: dict[Any, Any]) -> dict[str, Any]:
    by_status: dict[int, list[type[errors.LarisError]]] = {}
    for refusal in refusals(door):
        by_status.setdefault(refusal.status, []).append(refusal)
    refused: dict[str, Any] = {}
    for status, kinds in sorted(by_status.items()):
        narrowed = {"properties": {"code": {"enum": [kind.code for kind in kinds]}}}
        refused[str(status)] = {
            "description": "\n".join(f"- `{kind.code}`: {_prose(kind)}" for kind in kinds),
            "content": {PROBLEM: {"schema": {"allOf": [by_type[Problem], narrowed]}}},
        }
        if any(kind.retry_after is not None for kind in kinds):
            refused[str(status)]["headers"] = _headers(["Retry-After"])
    return refused


def _share_refusals(described: dict[str, Any]) -> None:
    """What several operations refuse alike stands once, under ``components/responses``, named by status and codes."""
    everywhere: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for operation in (operation for methods in described["paths"].values() for operation in methods.values()):
        for status, answer in operation["responses"].items():
            if PROBLEM in answer.get("content", {}):
                codes = answer["content"][PROBLEM]["schema"]["allOf"][1]["properties"]["code"]["enum"]
                everywhere.setdefault(".".join([status, *codes]), []).append((operation["responses"], status))
    shared = {name: places for name, places in everywhere.items() if len(places) > 1}
    described["components"]["responses"] = {name: held[status] for name, [(held, status), *_] in sorted(shared.items())}
    for name, places in shared.items():
        for held, status in places:
            held[status] = {"$ref": f"#/components/responses/{name}"}


def _headers(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _explained(error: type[errors.LarisError]) -> dict[str, Any]:
    return {"code": error.code, "status": error.status, "meaning": _prose(error), "repeat": error.retry}


def _prose(thing: object) -> str:
    """The docstring of ``thing`` as Markdown, its paragraphs unwrapped."""
    paragraphs = (inspect.getdoc(thing) or "").split("\n\n")
    return _marked("\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs))


def _marked(text: str) -> str:
    """Docstrings mark code as reStructuredText does, the description as Markdown does."""
    return text.replace("``", "`")


def _settle_schemas(described: dict[str, Any]) -> None:
    """Make the schemas say all there is to say.

    What only answers use has no optional fields, since all are always sent; what nothing uses, such as the shape of a
    query, is left out.
    """
    schemas = described["components"]["schemas"]
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    asked = _reached([[operation.get("requestBody"), operation["parameters"]] for operation in operations], schemas)
    answered = _reached([operation["responses"] for operation in operations], schemas)
    for name in schemas.keys() - asked - answered:
        del schemas[name]
    for name, schema in schemas.items():
        if "description" in schema:
            schema["description"] = _marked(" ".join(schema["description"].split()))
        if name not in asked and name != "Problem":
            _all_sent(schema)


def _all_sent(schema: dict[str, Any]) -> None:
    properties = schema.get("properties", {})
    always = {name for name, about in properties.items() if "default" in about} | set(schema.get("required", []))
    for name in always:
        properties[name].pop("default", None)
    if always:
        schema["required"] = [name for name in properties if name in always]


def _reached(start: Any, schemas: dict[str, Any]) -> set[str]:
    """The names of the schemas that ``start`` refers to, however indirectly."""
    found: set[str] = set()
    waiting = list(_referred(start))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _referred(schemas[name])
    return found


def _referred(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref", "")
        if reference.startswith(SCHEMAS):
            yield reference.removeprefix(SCHEMAS)
    for part in _parts(node):
        yield from _referred(part)


def _parts(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _short(name: str) -> str:
    """Types of one name in several departments: ``chalicelib.carts.schemas.Totals`` is CartsTotals."""
    parts = name.split(".")
    return parts[1].capitalize() + parts[-1]


def _use_short_names(described: dict[str, Any], short_by_long: dict[str, str]) -> None:
    schemas = described["components"]["schemas"]
    for long, short in short_by_long.items():
        schemas[short] = {**schemas.pop(long), "title": short}
    _rename(described, {SCHEMAS + long: SCHEMAS + short for long, short in short_by_long.items()})


def _rename(node: Any, references: dict[str, str]) -> None:
    items: Iterable[Any] = ()
    if isinstance(node, dict):
        items = list(node.items())
    elif isinstance(node, list):
        items = enumerate(node)
    for key, value in items:
        if isinstance(value, str):
            node[key] = references.get(value, value)
        else:
            _rename(value, references)
