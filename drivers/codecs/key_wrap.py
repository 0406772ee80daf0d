"""Key transfer: AES key wrap (RFC 3394) and the parameter of COSEM Security Setup key_transfer
(Blue Book 4.4.7, class 64 method 2).

Unwrapping proves integrity: a wrapped key damaged or wrapped under another key is refused, never
installed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from drivers.codecs.cosem_types import CosemData, Enumerated
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError, SecurityError
from drivers.codecs.security import KeyMaterial

SECURITY_SETUP_CLASS = 64
KEY_TRANSFER_METHOD = 2
_MOST_KEYS = 4


class KeyId(IntEnum):
    """Which key of the device is replaced."""

    GLOBAL_UNICAST_ENCRYPTION = 0
    GLOBAL_BROADCAST_ENCRYPTION = 1
    AUTHENTICATION = 2
    MASTER = 3


class UnwrappedKey:
    """A key that came out of a wrap; shown only by `reveal`."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def __repr__(self) -> str:
        return f"UnwrappedKey({len(self._octets)} octets)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")

    def reveal(self) -> bytes:
        return self._octets


def wrap_key(master: KeyMaterial, key: KeyMaterial) -> bytes:
    """`key` wrapped under `master`: eight octets longer."""
    try:
        return aes_key_wrap(master.reveal(), key.reveal())
    except ValueError as error:
        raise LocalProtocolError(f"key wrap: {error}") from None


def unwrap_key(master: KeyMaterial, wrapped: bytes) -> UnwrappedKey:
    """The key inside; SecurityError unless it was wrapped under `master` and arrived whole."""
    try:
        return UnwrappedKey(aes_key_unwrap(master.reveal(), wrapped))
    except (InvalidUnwrap, ValueError):
        raise SecurityError("key wrap: not wrapped under this key, or damaged") from None


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One entry of a key transfer. Wrapped, so not secret, but of no use in a log either."""

    key_id: int
    wrapped: bytes = field(repr=False)


def key_transfer_data(keys: list[WrappedKey]) -> CosemData:
    """The parameter of key_transfer: array of structure {key_id enum, key_wrapped octet-string}."""
    return [(Enumerated(key.key_id), key.wrapped) for key in keys]


def key_transfer_from(data: CosemData) -> list[WrappedKey]:
    """What a client asked to install; RemoteProtocolError if the parameter has another shape."""
    if not isinstance(data, list) or not 1 <= len(data) <= _MOST_KEYS:
        raise RemoteProtocolError(f"key_transfer: expected an array of 1-{_MOST_KEYS} keys")
    keys = []
    for entry in data:
        match entry:
            case (Enumerated() as key_id, bytes() as wrapped) if isinstance(entry, tuple):
                keys.append(WrappedKey(int(key_id), wrapped))
            case _:
                raise RemoteProtocolError("key_transfer: expected {enum, octet-string}")
    return keys
