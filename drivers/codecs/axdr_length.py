"""Lengths as A-XDR and BER write them, and the octet strings they announce."""

from __future__ import annotations

from drivers.codecs.errors import RemoteProtocolError


def encode_length(length: int) -> bytes:
    """A-XDR length: one octet below 128, else 0x80 + octet count and the octets."""
    if length < 0x80:
        return bytes((length,))
    if length < 0x100:
        return bytes((0x81, length))
    if length < 0x10000:
        return b"\x82%c%c" % (length >> 8, length & 0xFF)
    return b"\x84" + length.to_bytes(4, "big")


def decode_length(octets: bytes, position: int) -> tuple[int, int]:
    """The length at `position` and where it ends; IndexError if the octets end first."""
    length = octets[position]
    if length < 0x80:
        return length, position + 1
    count = length & 0x7F
    if not 1 <= count <= 4:
        raise RemoteProtocolError(f"length: expected at most 4 octets, got {count}")
    end = position + 1 + count
    if end > len(octets):
        raise IndexError
    return int.from_bytes(octets[position + 1 : end], "big"), end


def octets_at(octets: bytes, position: int) -> tuple[bytes, int]:
    """The length-prefixed octets at `position` and where they end."""
    length, start = decode_length(octets, position)
    end = start + length
    if end > len(octets):
        raise RemoteProtocolError(f"expected {length} octets, got {len(octets) - start}")
    return octets[start:end], end
