"""Read Device Identification (function 43, MEI type 14; Modbus Application Protocol V1.1b3, 6.21).

Only the basic objects: vendor, product code, revision. A unit that lacks the function answers with
an exception, which also shows that it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from drivers.codecs.modbus_frames import LONGEST_FRAME, checksum_holds, with_checksum

_FUNCTION: Final = 0x2B
_FAILED: Final = 0x80
_MEI: Final = 0x0E
_BASIC: Final = 0x01
_NAMES: Final = {0: "vendor", 1: "product", 2: "revision"}
_HEAD: Final = 8
"""Unit, function, MEI type, read code, conformity, more, next object, number of objects."""
_EXCEPTION: Final = 5


@dataclass(frozen=True, slots=True)
class Identified:
    """`objects`: what the unit says of itself. `exception`: its code, if it says no; else 0."""

    objects: Mapping[str, str] = field(default_factory=dict)
    exception: int = 0


def identification_request(unit: int) -> bytes:
    """The frame that asks for the basic objects, the first one on."""
    return with_checksum(bytes((unit, _FUNCTION, _MEI, _BASIC, 0)))


def read_answer(unit: int, octets: bytes) -> Identified | None:
    """What the octets so far are; None: not whole, or no answer of this unit. Any are safe."""
    if octets[:1] != bytes((unit,)) or len(octets) > LONGEST_FRAME:
        return None
    if octets[1:2] == bytes((_FUNCTION | _FAILED,)):
        whole = len(octets) == _EXCEPTION and checksum_holds(octets)
        return Identified(exception=octets[2]) if whole else None
    if octets[1:4] != bytes((_FUNCTION, _MEI, _BASIC)) or len(octets) < _HEAD:
        return None
    objects: dict[str, str] = {}
    place = _HEAD
    for _ in range(octets[_HEAD - 1]):
        if len(octets) < place + 2:
            return None
        number, size = octets[place], octets[place + 1]
        value = octets[place + 2 : place + 2 + size]
        place += 2 + size
        if len(value) != size:
            return None
        objects[_NAMES.get(number, f"object-{number}")] = value.decode("ascii", "replace")
    whole = len(octets) == place + 2 and checksum_holds(octets)
    return Identified(objects) if whole else None
