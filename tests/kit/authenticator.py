"""An authenticator in software: an EC P-256 key that signs as WebAuthn says, or faultily where a test wants it to."""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor

from chalicelib.core.crypto import text_of

ORIGIN = "http://localhost:8000"
HOST = "localhost"
PRESENT, VERIFIED, BACKED_UP, ATTESTED = 0x01, 0x04, 0x18, 0x40


@dataclass
class Authenticator:
    """One device with one credential. ``counter`` is what its next answer will have counted to, ``counts`` by how many.

    Faults are planted by setting its fields: another ``origin`` or ``host``, no ``verifies``, an older ``counter``.
    """

    origin: str = ORIGIN
    host: str = HOST
    verifies: bool = True
    is_framed: bool = False
    counter: int = 0
    counts: int = 1
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.create`` gives for ``options``, as JSON."""
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor.encode(cose)
        data = self._data(ATTESTED) + credential
        response = {
            "clientDataJSON": text_of(self._client("webauthn.create", options["challenge"])),
            "attestationObject": text_of(cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal"],
        }
        return self._answer(response)

    def get(self, options: dict[str, Any], user: str | None = None) -> dict[str, Any]:
        """What ``navigator.credentials.get`` gives for ``options``, as JSON."""
        self.counter += self.counts
        client, data = self._client("webauthn.get", options["challenge"]), self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": text_of(client),
            "authenticatorData": text_of(data),
            "signature": text_of(signature),
            **({"userHandle": text_of(user.encode())} if user else {}),
        }
        return self._answer(response)

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": text_of(self.id),
            "rawId": text_of(self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }

    def _client(self, type_: str, challenge: str) -> bytes:
        said = {"type": type_, "challenge": challenge, "origin": self.origin, "crossOrigin": self.is_framed}
        return json.dumps(said, separators=(",", ":")).encode()

    def _data(self, extra: int = 0) -> bytes:
        flags = PRESENT | BACKED_UP | extra | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.host.encode()).digest() + struct.pack(">BI", flags, self.counter)
