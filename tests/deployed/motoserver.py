"""moto as a server that a deployment, and Chalice in a process of its own, can be sent to."""

import functools
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from tests.kit import cloud, motocloud


@contextmanager
def serving() -> Iterator[str]:
    """An empty AWS; its address, which this process and those it starts are told."""
    motocloud.teach_firewall()
    adapt_import()
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urllib3.request("POST", f"http://{host}:{port}/moto-api/reset")  # another server of this process shares its state
    before = dict(os.environ)
    os.environ.update(cloud.ENVIRONMENT, AWS_ENDPOINT_URL=f"http://{host}:{port}")
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        os.environ.clear()
        os.environ.update(before)


def adapt_import() -> None:
    """The one adapted call: moto takes an API as OpenAPI 3 with a description, Chalice sends Swagger 2 without one.

    The same document goes to ImportRestApi the first time and to PutRestApi later. Both use paths and integrations
    alone, which are written alike in either version.
    """
    from moto.apigateway.models import APIGatewayBackend

    for name in ("import_rest_api", "put_rest_api"):
        call = getattr(APIGatewayBackend, name)
        if not hasattr(call, "__wrapped__"):
            setattr(APIGatewayBackend, name, _as_moto_reads(call))


def _as_moto_reads(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def adapted(self: Any, *arguments: Any, **options: Any) -> Any:
        return call(self, *[_document(each) for each in arguments], **{k: _document(v) for k, v in options.items()})

    return adapted


def _document(value: Any) -> Any:
    if not (isinstance(value, dict) and value.get("swagger") == "2.0"):
        return value
    info = {"description": "", **value["info"]}
    return {**{key: part for key, part in value.items() if key != "swagger"}, "openapi": "3.0.1", "info": info}
