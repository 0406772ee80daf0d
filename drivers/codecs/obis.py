"""OBIS codes (IEC 62056-61), the logical names of COSEM objects: 1.0.1.8.0.255 is six octets."""

from __future__ import annotations

from functools import lru_cache

from drivers.codecs.errors import LocalProtocolError


@lru_cache(1024)
def obis(text: str) -> bytes:
    """The six octets of a code written with dots."""
    parts = text.split(".")
    if len(parts) != 6 or not all(
        part.isascii() and part.isdigit() and int(part) < 256 for part in parts
    ):
        raise LocalProtocolError(f"OBIS code: expected six numbers 0-255, got {text!r}")
    return bytes(int(part) for part in parts)


def obis_text(code: bytes) -> str:
    """The code as people write it."""
    return ".".join(map(str, code))
