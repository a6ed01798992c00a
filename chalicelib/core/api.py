"""The doors of the API: access, validation, problem+json, idempotency, and what the reference says of each route.

Chalice's middleware never sees an exception, so errors are translated around each view, here. One ``Api(__name__)``
per module; a view takes what it names among: its path parameters, ``asked`` (the body), ``query``, ``caller``,
``claim`` (of the Idempotency-Key), ``raw``, ``headers`` and ``visit``.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import msgspec
from chalice.app import Blueprint, Request, Response

from chalicelib.core import audit, aws, db, ids, log, work
from chalicelib.core.access import ANYBODY, Access, Caller, Visit
from chalicelib.core.audit import Trail
from chalicelib.core.config import settings
from chalicelib.core.errors import (
    Forbidden,
    Invalid,
    LarisError,
    Malformed,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unexpected,
    UnsupportedMedia,
)
from chalicelib.core.idempotency import Answer, Claim, KeyReused, Replayed
from chalicelib.core.limits import Local
from chalicelib.core.origins import shared_with
from chalicelib.core.work import Work

LONGEST_ID: Final = 256
"""Characters of a path's parameter; what is longer names nothing, and would not fit into a key of DynamoDB."""
LARGEST_BODY: Final = 256 * 1024
PATIENCE: Final = timedelta(seconds=18)
"""What is sent by then is answered, at its slowest, before API Gateway gives up after 29 seconds."""
JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer, errors included. Pages say what they load themselves (``Text.policy``)."""

MOUNTED: Final[list["Api"]] = []
"""Every Api that the app has mounted, for the reference and for tests."""

Headers = dict[str, str | list[str]]

_brake: Final = Local(settings.requests_per_second)

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Created:
    """201: something new stands at ``location``."""

    content: Any
    location: str


@dataclass(frozen=True, slots=True)
class Text:
    """A page or file that is not JSON."""

    body: str
    media: str
    cached_seconds: int = 0
    policy: str = HEADERS["Content-Security-Policy"]
    """The Content-Security-Policy of a page."""


@dataclass(frozen=True, slots=True)
class Door:
    """One route: what it takes, gives and refuses."""

    method: str
    path: str
    view: Callable[..., Any]
    access: Access
    answers: Mapping[int, Any]
    body: Any = None
    query: Any = None
    idempotent: bool = False
    claims_in_use_case: bool = False
    """True where the use case looks the claim up itself, together with its other reads."""
    refusals: tuple[type[LarisError], ...] = ()
    media: tuple[str, ...] = (JSON,)
    recorded: bool | None = None
    """Whether the audit trail has it; by default what changes something by privilege."""
    wants: frozenset[str] = field(default_factory=frozenset)

    @property
    def summary(self) -> str:
        """The first line of the view's docstring."""
        return (inspect.getdoc(self.view) or "").partition("\n")[0]

    @property
    def is_recorded(self) -> bool:
        """True if each use, and each refusal of one, goes into the audit trail."""
        by_default = self.access.privileged and self.method != "GET"
        return by_default if self.recorded is None else self.recorded

    @property
    def description(self) -> str:
        """The rest of the view's docstring."""
        return (inspect.getdoc(self.view) or "").partition("\n")[2].strip()


class Api(Blueprint):
    """A module's doors. ``doors`` lists them, with full paths once mounted."""

    def __init__(self, import_name: str) -> None:
        super().__init__(import_name)
        self.doors: list[Door] = []
        self.prefix = ""

    def get(self, path: str, **about: Any) -> Callable[[View], View]:
        """A door that only reads."""
        return self._door("GET", path, about)

    def post(self, path: str, **about: Any) -> Callable[[View], View]:
        """A door that makes or does something."""
        return self._door("POST", path, about)

    def put(self, path: str, **about: Any) -> Callable[[View], View]:
        """A door that sets something to a given value; repeating changes nothing more."""
        return self._door("PUT", path, about)

    def patch(self, path: str, **about: Any) -> Callable[[View], View]:
        """A door that changes the named fields of something."""
        return self._door("PATCH", path, about)

    def delete(self, path: str, **about: Any) -> Callable[[View], View]:
        """A door that takes something away."""
        return self._door("DELETE", path, about)

    def register(self, app: Any, options: dict[str, Any]) -> None:
        """Mount; Chalice calls this."""
        self.prefix = options.get("url_prefix") or ""
        MOUNTED.append(self)
        super().register(app, options)
        for path in dict.fromkeys(self.full_path(door) for door in self.doors):
            if path not in app.routes or "OPTIONS" not in app.routes[path]:
                methods = sorted(app.routes[path])
                app.route(path, methods=["OPTIONS"], name=f"preflight {path}")(_preflight(app, methods))

    def full_path(self, door: Door) -> str:
        """The door's path in the app."""
        return "/".join([self.prefix.rstrip("/"), door.path.strip("/")]).rstrip("/") or "/"

    def _door(self, method: str, path: str, about: dict[str, Any]) -> Callable[[View], View]:
        def register(view: View) -> View:
            wants = frozenset(inspect.signature(view).parameters)
            door = Door(method=method, path=path, view=view, wants=wants, **about)
            self.doors.append(door)

            @functools.wraps(view)
            def enter(**parameters: str) -> Response:
                return serve(door, self.current_request, parameters)

            # The packaged entry point is looked up by name, so Chalice gets the wrapper and the module the view.
            self.route(path, methods=[method], content_types=list(door.media))(enter)
            return view

        return register


def serve(door: Door, request: Request, parameters: Mapping[str, str]) -> Response:
    """Let a request through ``door``; whatever happens comes out as a response, and is told by one line."""
    use_case = f"{door.view.__module__.split('.')[1]}.{door.view.__name__}"
    visit = Visit(
        headers={name.lower(): value for name, value in request.headers.items()},
        path={name: unquote(text) for name, text in parameters.items()},
        source=str(request.context.get("identity", {}).get("sourceIp") or ""),
    )
    with log.invocation("api", str(request.context.get("requestId") or ids.new("req"))):
        log.actor.set("guest")
        with work.begun("request answered", use_case) as done:
            response = _answered(door, request, visit, done)
            done.facts["status"] = response.status_code
        response.headers["X-Request-Id"] = log.request_id.get()
    response.headers.update(shared_with(visit.headers.get("origin")))
    return response


def _answered(door: Door, request: Request, visit: Visit, done: Work) -> Response:
    try:
        with aws.within(PATIENCE):
            return _enter(door, request, visit)
    except Replayed as replayed:
        done.outcome = work.REPLAYED
        return _response(replayed.answer, {"Idempotent-Replayed": "true"})
    except LarisError as error:
        done.refuse(error)
        return problem(error, log.request_id.get())
    except Exception as error:  # noqa: BLE001 - the last net: what is none of ours is a 500 that tells nothing
        done.fail(error)
        return problem(Unexpected(), log.request_id.get())


def _preflight(app: Any, methods: list[str]) -> Callable[..., Response]:
    def preflight(**_parameters: str) -> Response:
        origin = {name.lower(): value for name, value in app.current_request.headers.items()}.get("origin")
        shared = shared_with(origin)
        if "Access-Control-Allow-Origin" in shared:
            shared["Access-Control-Allow-Methods"] = ", ".join(methods)
        headers: Headers = {**HEADERS, **shared}
        return Response("", headers, 204)

    return preflight


def problem(error: LarisError, request_id: str) -> Response:
    """``error`` as RFC 9457 problem+json."""
    document = {
        "type": f"/docs#{error.code}",
        "title": type(error).explanation(),
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "request_id": request_id,
        **error.facts,
    }
    headers: Headers = {**HEADERS, "Content-Type": PROBLEM}
    if error.wait is not None:
        headers["Retry-After"] = str(error.wait)
    return Response(msgspec.json.encode(document).decode(), headers, error.status)


def problems_for_chalice(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: what Chalice itself refuses before a view is reached is said as problem+json too."""
    response = get_response(request)
    if isinstance(response.body, dict) and "Code" in response.body:
        errors = {404: NotFound, 405: MethodNotAllowed, 415: UnsupportedMedia}
        kind = errors.get(response.status_code, Unexpected)
        allowed = response.headers.get("Allow")
        response = problem(kind(), ids.new("req"))
        response.headers.update(shared_with(request.headers.get("origin")))
        if allowed:
            response.headers["Allow"] = allowed
    return response


def _enter(door: Door, request: Request, visit: Visit) -> Response:
    _brake.take(f"from:{visit.source}")
    trail = Trail(
        who=log.actor.get(),
        action=f"{door.method} {request.context['resourcePath']}",
        target=dict(visit.path),
        source=visit.source,
        agent=visit.headers.get("user-agent", ""),
    )
    if any(len(text) > LONGEST_ID for text in visit.path.values()):
        raise NotFound()
    caller = _admitted(door, visit, trail)
    if caller.principal != ANYBODY and not caller.is_public:  # many buyers share a storefront's key
        _brake.take(caller.principal)
    log.actor.set(caller.actor)
    trail.who = caller.actor
    if not door.is_recorded:
        return _answer(door, request, visit, caller, trail)
    with audit.kept(trail):
        try:
            response = _answer(door, request, visit, caller, trail)
        except Replayed:
            raise
        except LarisError as refusal:
            trail.end(refusal.code)
            raise
        except Exception:
            trail.end(Unexpected.code)
            raise
        trail.end(audit.DONE)
    return response


def _admitted(door: Door, visit: Visit, trail: Trail) -> Caller:
    """Who comes in. Somebody known who may not is recorded; a stranger writes nothing."""
    try:
        return door.access.admit(visit)
    except Forbidden as refusal:
        if door.is_recorded and refusal.who is not None:
            _brake.take(refusal.who)
            trail.who = refusal.who
            trail.end(refusal.code)
        raise


def _answer(door: Door, request: Request, visit: Visit, caller: Caller, trail: Trail) -> Response:
    raw = _raw_body(request)
    values: dict[str, Any] = {"caller": caller, "raw": raw, "headers": visit.headers, "visit": visit, **visit.path}
    if door.body is not None:
        values["asked"] = trail.asked = read_json(raw, door.body)
    if door.query is not None:
        values["query"] = _read_query(request, door.query)
    claim = _claim(door, caller, visit, values.get("asked")) if door.idempotent else None
    values["claim"] = claim
    if claim is not None and not door.claims_in_use_case:
        db.look(claim.lookup())
    result = _view(door, values, claim)
    return _finish(door, result, claim)


def _view(door: Door, values: Mapping[str, Any], claim: Claim | None) -> Any:
    """What the use case gives. Refused for good, it is asked whether the same request was quicker and took what is
    missing: then that one's answer counts, since the reads of a use case are of no single moment.
    """
    try:
        with aws.translated():
            return door.view(**{name: values[name] for name in door.wants})
    except (Replayed, KeyReused):
        raise
    except LarisError as refusal:
        if claim is not None and not refusal.retry:
            db.look(claim.lookup())
        raise


def _finish(door: Door, result: Any, claim: Claim | None) -> Response:
    if isinstance(result, Text):
        cache = f"public, max-age={result.cached_seconds}" if result.cached_seconds else "no-store"
        page: Headers = {"Content-Type": result.media, "Cache-Control": cache, "Content-Security-Policy": result.policy}
        return Response(result.body, {**HEADERS, **page})
    status, content, location = next(iter(door.answers)), result, None
    if isinstance(result, Created):
        status, content, location = 201, result.content, result.location
    answer = Answer(status, "" if content is None else msgspec.json.encode(content).decode(), location)
    if claim is not None and claim.recorded:
        claim.finish(answer)
    return _response(answer, {})


def _response(answer: Answer, extra: Mapping[str, str]) -> Response:
    headers: Headers = {**HEADERS, "Content-Type": JSON, **extra}
    if answer.location:
        headers["Location"] = answer.location
    return Response(answer.body, headers, answer.status)


def _claim(door: Door, caller: Caller, visit: Visit, asked: Any) -> Claim:
    request = msgspec.json.encode([dict(visit.path), asked], order="sorted")
    route = f"{door.method} {door.view.__module__}.{door.view.__name__}"
    key = visit.headers.get("idempotency-key")
    return Claim.of(key, principal=caller.principal, route=route, request=request)


def _raw_body(request: Request) -> bytes:
    raw = request.raw_body
    raw = raw.encode() if isinstance(raw, str) else raw
    if len(raw) > LARGEST_BODY:
        raise TooLarge(largest=LARGEST_BODY)
    return raw


def read_json(raw: bytes, shape: Any) -> Any:
    """``raw`` as ``shape``. Raises Malformed if it is not JSON, Invalid naming the field if it does not fit."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None


def _read_query(request: Request, shape: Any) -> Any:
    given = dict(request.query_params or {})
    for name, text in given.items():
        if text.casefold() == "null":  # msgspec would take it for none at all, so that a filter would filter nothing
            raise Invalid.field(f"/{name}", "null is not a value; leave the parameter out")
    try:
        return msgspec.convert(given, type=shape, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: msgspec.ValidationError) -> Invalid:
    """msgspec says "Expected `int`, got `str` - at `$.lines[0].quantity`"; RFC 6901 wants /lines/0/quantity."""
    detail, _, where = str(error).partition(" - at `$")
    pointer = re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", where.rstrip("`")).replace(".", "/").replace("////", "/-")
    return Invalid.field(pointer, detail)
