"""What callers of a deployed API reach, since moto can run no function: the app in the build folder, in the environment
of the deployed function, and the answers that API Gateway was told to give by itself.

python -m tests.deployed.doorway FOLDER PORT
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.deploying.cloud import Cloud


def main(folder: str, port: str) -> None:
    """Serve until stopped."""
    sys.path.insert(0, str(Path(folder).resolve()))
    from app import app
    from infra.local.gateway import Gateway

    assert Path(sys.modules["app"].__file__ or "").is_relative_to(Path(folder).resolve())
    gateway = Gateway(app)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answered, body = gateway.answer("GET", self.path, headers, b"")
            if b"Missing Authentication Token" in body:
                status, answered, body = said_by_gateway("MISSING_AUTHENTICATION_TOKEN")
            self.send_response(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", int(port)), Door).serve_forever()


def said_by_gateway(kind: str) -> tuple[int, dict[str, str], bytes]:
    """What API Gateway was told to answer by itself."""
    gateway = Cloud(os.environ["AWS_REGION"]).client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    told = gateway.get_gateway_response(restApiId=api["id"], responseType=kind)
    headers = {
        name.removeprefix("gatewayresponse.header."): value[1:-1] for name, value in told["responseParameters"].items()
    }
    return int(told["statusCode"]), headers, told["responseTemplates"]["application/json"].encode()


if __name__ == "__main__":
    main(*sys.argv[1:])
