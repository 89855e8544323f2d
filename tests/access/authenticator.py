"""A passkey in software, which answers as a browser does, and as a hostile one would."""

from __future__ import annotations

import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAG = AuthenticatorData.FLAG


class Authenticator:
    """One passkey. What it claims may be changed to see it refused."""

    def __init__(self, origin: str, host: str, number: int = 1) -> None:
        self.origin = origin
        self.host = host
        self.counter = 0
        self.verified = True
        self.credential_id = hashlib.sha256(bytes([number])).digest()
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: str, algorithm: int = ES256.ALGORITHM) -> str:
        """The answer to a question for a new passkey, of the algorithm that it says."""
        asked = json.loads(options)
        public = ES256.from_cryptography_key(self._key.public_key())
        public[3] = algorithm
        credential = AttestedCredentialData.create(bytes(16), self.credential_id, public)
        data = self._data(FLAG.AT, credential)
        client = self._client(CollectedClientData.TYPE.CREATE, asked["challenge"])
        return self._answer({
            "clientDataJSON": websafe_encode(client),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        })  # fmt: skip

    def show(self, options: str, user: bytes = b"") -> str:
        """The answer to a question to show the passkey."""
        client = self._client(CollectedClientData.TYPE.GET, json.loads(options)["challenge"])
        data = self._data(FLAG(0))
        signature = self._key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._answer({
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(user) if user else None,
        })  # fmt: skip

    def _data(self, more: FLAG, credential: bytes = b"") -> AuthenticatorData:
        flags = FLAG.UP | more | (FLAG.UV if self.verified else FLAG(0))
        host = hashlib.sha256(self.host.encode()).digest()
        return AuthenticatorData.create(host, flags, self.counter, credential)

    def _client(self, kind: str, challenge: str) -> CollectedClientData:
        return CollectedClientData.create(kind, websafe_decode(challenge), self.origin)

    def _answer(self, response: dict[str, str | None]) -> str:
        named = websafe_encode(self.credential_id)
        kept = {name: value for name, value in response.items() if value is not None}
        return json.dumps({
            "id": named, "rawId": named, "type": "public-key", "response": kept,
            "clientExtensionResults": {},
        })  # fmt: skip
