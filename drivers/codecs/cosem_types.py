"""The COSEM data types that Python lacks, as subclasses of what it has."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from drivers.codecs.cosem_time import CosemDate, CosemDateTime, CosemTime


class CosemInteger(int):
    """Base of the integer types; `tag` is the type's A-XDR tag."""

    __slots__ = ()
    tag: ClassVar[int]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"


class DoubleLong(CosemInteger):
    """Signed, 32 bits."""

    __slots__ = ()
    tag = 5


class DoubleLongUnsigned(CosemInteger):
    """Unsigned, 32 bits."""

    __slots__ = ()
    tag = 6


class Bcd(CosemInteger):
    """One octet, carried as a signed number; its two digits are the caller's to read."""

    __slots__ = ()
    tag = 13


class Integer(CosemInteger):
    """Signed, 8 bits."""

    __slots__ = ()
    tag = 15


class Long(CosemInteger):
    """Signed, 16 bits."""

    __slots__ = ()
    tag = 16


class Unsigned(CosemInteger):
    """Unsigned, 8 bits."""

    __slots__ = ()
    tag = 17


class LongUnsigned(CosemInteger):
    """Unsigned, 16 bits."""

    __slots__ = ()
    tag = 18


class Long64(CosemInteger):
    """Signed, 64 bits."""

    __slots__ = ()
    tag = 20


class Long64Unsigned(CosemInteger):
    """Unsigned, 64 bits."""

    __slots__ = ()
    tag = 21


class Enumerated(CosemInteger):
    """enum: 8 bits."""

    __slots__ = ()
    tag = 22


class Float32(float):
    """Single precision. A value is rounded when encoded, so compare with a tolerance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Float32({float(self)!r})"


class VisibleString(str):
    """ASCII text (tag 10); plain `str` is utf8-string (tag 12)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"VisibleString({str(self)!r})"


class BitString(str):
    """Bits as '0' and '1', bit 0 first."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"BitString({str(self)!r})"


CosemData: TypeAlias = (
    "bool | CosemInteger | float | str | bytes | CosemDateTime | CosemDate | CosemTime"
    " | list[CosemData] | tuple[CosemData, ...] | None"
)

TYPE_NAMES = {
    0: "null-data",
    1: "array",
    2: "structure",
    3: "boolean",
    4: "bit-string",
    5: "double-long",
    6: "double-long-unsigned",
    9: "octet-string",
    10: "visible-string",
    12: "utf8-string",
    13: "bcd",
    15: "integer",
    16: "long",
    17: "unsigned",
    18: "long-unsigned",
    19: "compact-array",
    20: "long64",
    21: "long64-unsigned",
    22: "enum",
    23: "float32",
    24: "float64",
    25: "date-time",
    26: "date",
    27: "time",
}
