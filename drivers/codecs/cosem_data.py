"""COSEM data types and their A-XDR encoding (IEC 62056-5-3, clause 8; IEC 61334-6).

Each type is a natural Python value, so the encoding of a value needs no schema:

    null-data None            boolean bool            octet-string bytes
    array list                structure tuple         utf8-string str
    float64 float             bit-string BitString    visible-string VisibleString
    date-time CosemDateTime   date CosemDate          time CosemTime
    the integer types, bcd, enum, float32: `drivers.codecs.cosem_types`, named as in the standard

An integer has nine encodings, so a plain `int` is refused: say `LongUnsigned(230)`. Types compare
by value: `Unsigned(5) == LongUnsigned(5) == 5`. Decoding allocates in proportion to the octets
present: a count above the octets left is refused before anything is built, and nesting ends at
`DEEPEST_NESTING`.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any

from drivers.codecs.axdr_length import decode_length, encode_length, octets_at
from drivers.codecs.cosem_time import CosemDate, CosemDateTime, CosemTime
from drivers.codecs.cosem_types import (
    TYPE_NAMES,
    Bcd,
    BitString,
    CosemData,
    CosemInteger,
    DoubleLong,
    DoubleLongUnsigned,
    Enumerated,
    Float32,
    Integer,
    Long,
    Long64,
    Long64Unsigned,
    LongUnsigned,
    Unsigned,
    VisibleString,
)
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError

DEEPEST_NESTING = 24


# -- encoding ------------------------------------------------------------------------------------


def _packer(cls: type[CosemInteger], layout: str) -> Callable[[Any], bytes]:
    pack = Struct(">B" + layout).pack
    tag = cls.tag

    def encode(value: CosemInteger) -> bytes:
        try:
            return pack(tag, value)
        except StructError:
            raise LocalProtocolError(f"{value!r} does not fit {TYPE_NAMES[tag]}") from None

    return encode


def _encode_sequence(tag: int) -> Callable[[Any], bytes]:
    def encode(values: list[CosemData] | tuple[CosemData, ...]) -> bytes:
        parts = [bytes((tag,)), encode_length(len(values))]
        for value in values:
            encoder = _ENCODERS.get(type(value)) or _encoder_of(value)
            parts.append(encoder(value))
        return b"".join(parts)

    return encode


def _encode_bit_string(value: BitString) -> bytes:
    if value.strip("01"):
        raise LocalProtocolError(f"BitString: expected only 0 and 1, got {str(value)!r}")
    count = len(value)
    size = (count + 7) // 8
    number = int(value, 2) << (size * 8 - count) if count else 0
    return b"\x04" + encode_length(count) + number.to_bytes(size, "big")


def _encode_visible_string(value: VisibleString) -> bytes:
    try:
        octets = value.encode("ascii")
    except UnicodeEncodeError:
        raise LocalProtocolError("VisibleString: expected ASCII; use str for utf8-string") from None
    return b"\x0a" + encode_length(len(octets)) + octets


def _encode_utf8_string(value: str) -> bytes:
    try:
        octets = value.encode()
    except UnicodeEncodeError:
        raise LocalProtocolError("str: lone surrogates cannot be encoded") from None
    return b"\x0c" + encode_length(len(octets)) + octets


_FLOAT32 = Struct(">f")
_FLOAT64 = Struct(">d")


def _encode_float32(value: Float32) -> bytes:
    try:
        return b"\x17" + _FLOAT32.pack(value)
    except OverflowError:
        raise LocalProtocolError(f"{value!r} does not fit float32") from None


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"\x00",
    list: _encode_sequence(1),
    tuple: _encode_sequence(2),
    bool: lambda value: b"\x03\x01" if value else b"\x03\x00",
    BitString: _encode_bit_string,
    DoubleLong: _packer(DoubleLong, "i"),
    DoubleLongUnsigned: _packer(DoubleLongUnsigned, "I"),
    bytes: lambda value: b"\x09" + encode_length(len(value)) + value,
    VisibleString: _encode_visible_string,
    str: _encode_utf8_string,
    Bcd: _packer(Bcd, "b"),
    Integer: _packer(Integer, "b"),
    Long: _packer(Long, "h"),
    Unsigned: _packer(Unsigned, "B"),
    LongUnsigned: _packer(LongUnsigned, "H"),
    Long64: _packer(Long64, "q"),
    Long64Unsigned: _packer(Long64Unsigned, "Q"),
    Enumerated: _packer(Enumerated, "B"),
    Float32: _encode_float32,
    float: lambda value: b"\x18" + _FLOAT64.pack(value),
    CosemDateTime: lambda value: b"\x19" + value.to_bytes(),
    CosemDate: lambda value: b"\x1a" + value.to_bytes(),
    CosemTime: lambda value: b"\x1b" + value.to_bytes(),
}


def _encoder_of(value: object) -> Callable[[Any], bytes]:
    if isinstance(value, int):
        raise LocalProtocolError(
            f"{value!r}: say which integer type is meant, such as LongUnsigned({value})"
        )
    raise LocalProtocolError(f"{type(value).__name__} is no COSEM data type")


def encode_data(value: CosemData) -> bytes:
    """The value with its tag. LocalProtocolError if it has no COSEM type or does not fit it."""
    return (_ENCODERS.get(type(value)) or _encoder_of(value))(value)


# -- decoding ------------------------------------------------------------------------------------

_Decoder = Callable[[bytes, int, int], tuple[Any, int]]


def _unpacker(cls: Callable[[Any], Any], layout: str) -> _Decoder:
    structure = Struct(">" + layout)
    unpack_from, size = structure.unpack_from, structure.size

    def decode(octets: bytes, position: int, _depth: int) -> tuple[Any, int]:
        return cls(unpack_from(octets, position)[0]), position + size

    return decode


def _sequence_decoder(tag: int) -> _Decoder:
    def decode(octets: bytes, position: int, depth: int) -> tuple[Any, int]:
        count, position = decode_length(octets, position)
        if count > len(octets) - position:
            raise RemoteProtocolError(
                f"{TYPE_NAMES[tag]} of {count} elements in {len(octets) - position} octets"
            )
        if depth >= DEEPEST_NESTING:
            raise RemoteProtocolError(f"data nested deeper than {DEEPEST_NESTING}")
        values: list[Any] = []
        for _ in range(count):
            decoder = _DECODERS[octets[position]]
            value, position = decoder(octets, position + 1, depth + 1)
            values.append(value)
        return (values if tag == 1 else tuple(values)), position

    return decode


def _decode_bit_string(octets: bytes, position: int, _depth: int) -> tuple[BitString, int]:
    count, start = decode_length(octets, position)
    end = start + (count + 7) // 8
    if end > len(octets):
        raise RemoteProtocolError(f"bit-string of {count} bits in {len(octets) - start} octets")
    bits = f"{int.from_bytes(octets[start:end], 'big'):0{(end - start) * 8}b}"
    return BitString(bits[:count]), end


def _decode_octet_string(octets: bytes, position: int, _depth: int) -> tuple[bytes, int]:
    return octets_at(octets, position)


def _decode_visible_string(octets: bytes, position: int, _depth: int) -> tuple[VisibleString, int]:
    text, position = octets_at(octets, position)
    if not text.isascii():
        raise RemoteProtocolError("visible-string holds octets that are not ASCII")
    return VisibleString(text.decode("ascii")), position


def _decode_utf8_string(octets: bytes, position: int, _depth: int) -> tuple[str, int]:
    text, position = octets_at(octets, position)
    try:
        return text.decode(), position
    except UnicodeDecodeError:
        raise RemoteProtocolError("utf8-string is not UTF-8") from None


def _temporal_decoder(
    cls: type[CosemDateTime] | type[CosemDate] | type[CosemTime], size: int
) -> _Decoder:
    def decode(octets: bytes, position: int, _depth: int) -> tuple[Any, int]:
        return cls.from_bytes(octets[position : position + size]), position + size

    return decode


def _refuse(octets: bytes, position: int, _depth: int) -> tuple[Any, int]:
    tag = octets[position - 1]
    name = TYPE_NAMES.get(tag)
    if name:
        raise RemoteProtocolError(f"{name} (tag {tag}) is not supported")
    raise RemoteProtocolError(f"unknown data type tag {tag}")


_DECODERS: list[_Decoder] = [_refuse] * 256
_DECODERS[0] = lambda _octets, position, _depth: (None, position)
_DECODERS[1] = _sequence_decoder(1)
_DECODERS[2] = _sequence_decoder(2)
_DECODERS[3] = _unpacker(bool, "B")
_DECODERS[4] = _decode_bit_string
_DECODERS[5] = _unpacker(DoubleLong, "i")
_DECODERS[6] = _unpacker(DoubleLongUnsigned, "I")
_DECODERS[9] = _decode_octet_string
_DECODERS[10] = _decode_visible_string
_DECODERS[12] = _decode_utf8_string
_DECODERS[13] = _unpacker(Bcd, "b")
_DECODERS[15] = _unpacker(Integer, "b")
_DECODERS[16] = _unpacker(Long, "h")
_DECODERS[17] = _unpacker(Unsigned, "B")
_DECODERS[18] = _unpacker(LongUnsigned, "H")
_DECODERS[20] = _unpacker(Long64, "q")
_DECODERS[21] = _unpacker(Long64Unsigned, "Q")
_DECODERS[22] = _unpacker(Enumerated, "B")
_DECODERS[23] = _unpacker(Float32, "f")
_DECODERS[24] = _unpacker(float, "d")
_DECODERS[25] = _temporal_decoder(CosemDateTime, 12)
_DECODERS[26] = _temporal_decoder(CosemDate, 5)
_DECODERS[27] = _temporal_decoder(CosemTime, 4)


def data_at(octets: bytes, position: int) -> tuple[CosemData, int]:
    """The data at `position` and where it ends. RemoteProtocolError if it is malformed."""
    try:
        value, position = _DECODERS[octets[position]](octets, position + 1, 0)
    except (IndexError, StructError):
        raise RemoteProtocolError("data ends before it is complete") from None
    return value, position


def decode_data(octets: bytes) -> CosemData:
    """The one value the octets hold; octets behind it are an error."""
    value, end = data_at(octets, 0)
    if end != len(octets):
        raise RemoteProtocolError(f"{len(octets) - end} octets behind the data")
    return value
