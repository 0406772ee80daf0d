"""What a party's list of the installation's devices says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.emulation import Books
from bench.parties import ListedDevice


def devices_in(books: Books, devices: Sequence[ListedDevice]) -> tuple[ListedDevice, ...]:
    """The list as the books have it: right, without its last device, or with another's EUI-64 in
    place of its first one's.
    """
    if books is Books.MISSING_DEVICE:
        return tuple(devices[:-1])
    if books is Books.WRONG_DEVICE:
        first = devices[0]
        return (replace(first, eui64=_neighbour(first.eui64)), *devices[1:])
    return tuple(devices)


def _neighbour(eui64: str) -> str:
    """The EUI-64 of another device of the same maker: the last octet differs in each bit."""
    head, last = eui64[:-2], int(eui64[-2:], 16)
    return f"{head}{last ^ 0xFF:02X}"
