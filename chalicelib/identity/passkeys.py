"""Passkeys (WebAuthn level 3) with the library ``fido2`` (import it inside functions; ``fido2.server.Fido2Server``).

Not ``webauthn``: it brings pyOpenSSL, which botocore loads, with cryptography, at every cold start where it finds it.
``fido2`` has its own CBOR (``fido2.cbor``) and needs cryptography alone.
"""
