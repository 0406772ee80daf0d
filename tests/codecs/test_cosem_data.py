"""COSEM data: published encodings, round trips, refusals, and any octets."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.axdr_length import decode_length, encode_length
from drivers.codecs.cosem_data import DEEPEST_NESTING, decode_data, encode_data
from drivers.codecs.cosem_time import CosemDate, CosemDateTime, CosemTime
from drivers.codecs.cosem_types import (
    Bcd,
    BitString,
    CosemData,
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

KNOWN: list[tuple[CosemData, str]] = [
    (None, "00"),
    ([Unsigned(1), Unsigned(2)], "010211011102"),
    ((Integer(-3), Enumerated(30)), "02020ffd161e"),
    ((), "0200"),
    (True, "0301"),
    (BitString("10110"), "0405b0"),
    (BitString(""), "0400"),
    (DoubleLong(-2), "05fffffffe"),
    (DoubleLongUnsigned(123456), "060001e240"),
    (b"\x01\x02", "09020102"),
    (VisibleString("abc"), "0a03616263"),
    ("é", "0c02c3a9"),
    (Bcd(0x12), "0d12"),
    (Integer(-1), "0fff"),
    (Long(-1), "10ffff"),
    (Unsigned(255), "11ff"),
    (LongUnsigned(230), "1200e6"),
    (Long64(-1), "14" + "ff" * 8),
    (Long64Unsigned(1), "15" + "00" * 7 + "01"),
    (Enumerated(1), "1601"),
    (Float32(1.5), "173fc00000"),
    (1.5, "183ff8000000000000"),
    (CosemDateTime(2026, 3, 29, 7, 12, 0, 0, 0, -60, 128), "1907ea031d070c000000ffc480"),
    (CosemDate(2026, 3, 29, 7), "1a07ea031d07"),
    (CosemTime(12, 30, 0, 255), "1b0c1e00ff"),
    (bytes(200), "0981c8" + "00" * 200),
    (bytes(300), "0982012c" + "00" * 300),
]


@pytest.mark.parametrize(("value", "wire"), KNOWN)
def test_known_encodings(value: CosemData, wire: str) -> None:
    assert encode_data(value).hex() == wire
    back = decode_data(bytes.fromhex(wire))
    assert back == value
    assert type(back) is type(value)


def integers(cls: type, bits: int, signed: bool) -> st.SearchStrategy[Any]:
    low = -(1 << bits - 1) if signed else 0
    return st.integers(low, low + (1 << bits) - 1).map(cls)


OCTET = st.integers(0, 255)
SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    st.binary(max_size=200),
    st.text(max_size=20),
    st.text(st.characters(max_codepoint=127), max_size=20).map(VisibleString),
    st.text("01", max_size=40).map(BitString),
    integers(DoubleLong, 32, True),
    integers(DoubleLongUnsigned, 32, False),
    integers(Bcd, 8, True),
    integers(Integer, 8, True),
    integers(Long, 16, True),
    integers(Unsigned, 8, False),
    integers(LongUnsigned, 16, False),
    integers(Long64, 64, True),
    integers(Long64Unsigned, 64, False),
    integers(Enumerated, 8, False),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False, width=32).map(Float32),
    st.builds(CosemDate, st.integers(0, 0xFFFF), OCTET, OCTET, OCTET),
    st.builds(CosemTime, OCTET, OCTET, OCTET, OCTET),
    st.binary(min_size=12, max_size=12).map(CosemDateTime.from_bytes),
)
ANY_DATA: st.SearchStrategy[Any] = st.recursive(
    SIMPLE,
    lambda inner: st.lists(inner, max_size=5) | st.lists(inner, max_size=5).map(tuple),
    max_leaves=20,
)


def types_of(value: object) -> object:
    if isinstance(value, list | tuple):
        return type(value), [types_of(element) for element in value]
    return type(value)


@given(ANY_DATA)
def test_round_trip(value: CosemData) -> None:
    back = decode_data(encode_data(value))
    assert back == value
    assert types_of(back) == types_of(value)


def test_not_a_number_survives() -> None:
    back = decode_data(encode_data(math.nan))
    assert isinstance(back, float)
    assert math.isnan(back)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "LongUnsigned"),
        (Unsigned(256), "unsigned"),
        (Long(0x8000), "long"),
        ([Integer(200)], "integer"),
        (BitString("012"), "BitString"),
        (VisibleString("é"), "ASCII"),
        (Float32(1e300), "float32"),
        ("\ud800", "surrogates"),
        ({}, "dict"),
        (CosemDate(70000), "date"),
    ],
)
def test_values_that_cannot_be_sent(value: Any, message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message):
        encode_data(value)


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ("", "ends"),
        ("06", "ends"),
        ("06000001", "ends"),
        ("0905", "5 octets"),
        ("098500", "length"),
        ("0980", "length"),
        ("0984ffffffff", "octets"),
        ("0184ffffffff", "elements"),
        ("0205", "elements"),
        ("020211", "elements"),
        ("0482ffff00", "bits"),
        ("0a01e9", "ASCII"),
        ("0c01ff", "UTF-8"),
        ("1907ea", "date-time"),
        ("1302", "compact-array"),
        ("ff", "tag 255"),
        ("0000", "behind"),
        ("0101" * (DEEPEST_NESTING + 1) + "00", "nested"),
    ],
)
def test_malformed_data_is_the_peers_fault(wire: str, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        decode_data(bytes.fromhex(wire))


def test_nesting_up_to_the_limit_is_read() -> None:
    decode_data(bytes.fromhex("0101" * DEEPEST_NESTING + "00"))


@given(st.binary(max_size=200) | st.lists(st.sampled_from(range(28))).map(bytes))
def test_any_octets_give_data_or_the_peers_fault(octets: bytes) -> None:
    try:
        decode_data(octets)
    except RemoteProtocolError:
        return


def test_memory_is_bounded_by_the_octets_present() -> None:
    wire = b"\x01\x83\x00\xff\xff" + b"\x01\x83\x00\xff\x00" * 5000
    tracemalloc.start()
    with pytest.raises(RemoteProtocolError):
        decode_data(wire)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * len(wire)


@given(st.integers(0, 0xFFFFFFFF))
def test_lengths_round_trip(length: int) -> None:
    wire = encode_length(length)
    assert decode_length(wire + b"x", 0) == (length, len(wire))


def test_integers_compare_by_value_and_show_their_type() -> None:
    values: list[int] = [Unsigned(5), LongUnsigned(5), 5]
    assert len(set(values)) == 1
    assert repr(Unsigned(5) + 1) == "6"
    assert repr((Unsigned(5), Float32(0.5), VisibleString("a"), BitString("1"))) == (
        "(Unsigned(5), Float32(0.5), VisibleString('a'), BitString('1'))"
    )
