"""Looks for key bytes where none may be: raw, as Python shows them, hex, base64, numbers."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from bench.secret import Secret


def find_leaks(text: bytes, secrets: Iterable[Secret]) -> list[str]:
    """Labels of the secrets whose bytes stand in `text` in any of these forms."""
    folded = text.lower()
    return [
        secret.label
        for secret in secrets
        if any(form in text for form in _exact_forms(secret.reveal()))
        or any(form in folded for form in _folded_forms(secret.reveal()))
    ]


def _exact_forms(key: bytes) -> Iterable[bytes]:
    yield key
    shown = repr(key + b"'\"")[2:-4]  # an apostrophe is escaped or not, as its neighbours demand
    yield from (shown.encode(), shown.replace("\\'", "'").encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):  # wherever the key starts within the encoded bytes
            encoded = encode(bytes(offset) + key)
            yield encoded[-(-offset * 8 // 6) : (offset + len(key)) * 8 // 6]


def _folded_forms(key: bytes) -> Iterable[bytes]:
    pairs = [f"{byte:02x}" for byte in key]
    for separator in ("", " ", ":", "-", ", 0x", "\\x"):
        yield separator.join(pairs).encode()
    for separator in (",", ", ", " "):
        yield separator.join(str(byte) for byte in key).encode()
