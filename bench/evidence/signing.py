"""Ed25519 keys and the DSSE envelope (Dead Simple Signing Envelope, version 1).

What is signed is not the payload alone but its pre-authentication encoding, which says what kind
of payload it is, so that a signature over one kind cannot be shown for another. Ed25519 (RFC 8032)
needs no randomness: the same payload and key always give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.errors import BenchError, UsageError
from bench.plain_file import open_plain
from bench.secret_reference import read_owner_only

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

PRIVATE: Final = "signing-key.pem"
PUBLIC: Final = "signing-key.pub"

_MAX_KEY: Final = 4096


class Verifier:
    """A public key. `key_id` names it: `sha256:` and the hash of its 32 raw bytes."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.key_id = "sha256:" + hashlib.sha256(key.public_bytes_raw()).hexdigest()

    def accepts(self, signature: bytes, signed: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Signer:
    """A private key. It is shown by its `key_id` only, and never leaves this object."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.__key = key
        self.verifier = Verifier(key.public_key())

    @property
    def key_id(self) -> str:
        return self.verifier.key_id

    def sign(self, octets: bytes) -> bytes:
        """64 bytes, always the same for the same octets."""
        return self.__key.sign(octets)

    def __repr__(self) -> str:
        return f"<Signer {self.key_id}>"


def new_key() -> Ed25519PrivateKey:
    """A key from the system's random source; `store_key` keeps it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


def store_key(key: Ed25519PrivateKey, folder: Path) -> None:
    """Writes `signing-key.pem`, which only its owner may read, and `signing-key.pub`.

    Raises `UsageError` where a key is there already: it is never written over.
    """
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / PRIVATE
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
        (folder / PUBLIC).write_bytes(Verifier(key.public_key()).pem())
    except FileExistsError:
        raise UsageError(
            f"{path}: there is a key already, and no key is written over",
            hint=f"sign with it: --key {path}",
        ) from None
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be written: {error.strerror}",
            hint="name a pack in a folder that can be written with --out FILE",
        ) from None


def read_private_key(path: Path) -> Signer:
    """Raises `UsageError`: no Ed25519 key in PEM, or a file that somebody else may read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        text = read_owner_only(path, "signing key")
    except UsageError:
        _refuse_if_public(path)
        raise
    try:
        key = load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        _refuse_if_public(path)
        raise UsageError(
            f"{path}: expected an Ed25519 private key in PEM, without a password",
            hint="smets1-bench pack RUN --new-key makes one",
        )
    return Signer(key)


def _refuse_if_public(path: Path) -> None:
    try:
        with open_plain(path) as file:
            text = file.read(_MAX_KEY + 1)
    except OSError:
        return
    if public_key_of(text) is not None:
        raise UsageError(
            f"{path}: expected the private key that signs, got a public one",
            hint="that one is for: smets1-bench verify PACK --key PUB",
        )


def read_public_key(path: Path) -> Verifier:
    """Raises `UsageError`: it is missing, or no Ed25519 public key in PEM."""
    try:
        with open_plain(path) as file:
            text = file.read(_MAX_KEY + 1)
    except OSError as error:
        raise UsageError(f"{path}: expected a public key: {error.strerror}") from None
    verifier = public_key_of(text)
    if verifier is None:
        private = b"PRIVATE KEY" in text
        raise UsageError(
            f"{path}: expected an Ed25519 public key in PEM, got "
            + ("a private one, which nobody else needs" if private else "something else")
        )
    return verifier


def public_key_of(text: bytes) -> Verifier | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return Verifier(key) if isinstance(key, Ed25519PublicKey) else None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload of a kind, with a signature by the key of that id."""

    kind: str
    payload: bytes
    key_id: str
    signature: bytes

    def signed_by(self, verifier: Verifier) -> bool:
        return self.key_id == verifier.key_id and verifier.accepts(
            self.signature, pre_authentication(self.kind, self.payload)
        )

    def text(self) -> bytes:
        """The envelope as JSON."""
        return canonical(
            {
                "payload": _base64(self.payload),
                "payloadType": self.kind,
                "signatures": [{"keyid": self.key_id, "sig": _base64(self.signature)}],
            }
        )


def enveloped(kind: str, payload: bytes, signer: Signer) -> Envelope:
    signature = signer.sign(pre_authentication(kind, payload))
    return Envelope(kind, payload, signer.key_id, signature)


def envelope_of(text: bytes) -> Envelope | None:
    """The envelope, if the text is one in the only form that `Envelope.text` writes."""
    try:
        found = json.loads(text)
        (signature,) = found["signatures"]
        envelope = Envelope(
            str(found["payloadType"]),
            base64.b64decode(found["payload"], validate=True),
            str(signature["keyid"]),
            base64.b64decode(signature["sig"], validate=True),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return envelope if envelope.text() == text else None


def pre_authentication(kind: str, payload: bytes) -> bytes:
    """PAE of the DSSE protocol: what is really signed."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def canonical(content: Any) -> bytes:
    """JSON in the one form in which this bench writes it into evidence."""
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode("ascii")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
