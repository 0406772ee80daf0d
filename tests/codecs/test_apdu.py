"""APDUs: published octets, round trips of every kind, and any octets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cosem_data import ANY_DATA

from drivers.codecs.acse import (
    AssociationRequest,
    AssociationResponse,
    Mechanism,
    ReleaseRequest,
    ReleaseResponse,
)
from drivers.codecs.apdu import UnsupportedApdu, decode_apdu
from drivers.codecs.ciphered_apdu import GLO_OF, CipheredApdu, envelope
from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.cosem_types import DoubleLongUnsigned
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError
from drivers.codecs.initiate import (
    SUPPORTED,
    ConfirmedServiceError,
    Conformance,
    InitiateRequest,
    InitiateResponse,
)
from drivers.codecs.obis import obis
from drivers.codecs.xdlms import (
    AccessFailure,
    ActionRequest,
    ActionRequestNext,
    ActionResponse,
    ActionResponseBlock,
    Attribute,
    DataNotification,
    EventNotification,
    ExceptionResponse,
    GetRequest,
    GetRequestNext,
    GetRequestWithList,
    GetResponse,
    GetResponseBlock,
    GetResponseWithList,
    Method,
    SelectiveAccess,
    SetRequest,
    SetRequestBlock,
    SetRequestFirstBlock,
    SetResponse,
    SetResponseBlock,
    SetResponseLastBlock,
)

CLOCK = Attribute(8, obis("0.0.1.0.0.255"), 2)
LOWEST = Conformance(0x00007E1F)

# Octets as printed in the DLMS UA Green Book's examples.
KNOWN: list[tuple[Any, str]] = [
    (
        AssociationRequest(1, user_information=bytes.fromhex("01000000065f1f0400007e1f04b0")),
        "601da109060760857405080101be10040e01000000065f1f0400007e1f04b0",
    ),
    (
        AssociationResponse(
            1, 0, 0, user_information=bytes.fromhex("0800065f1f040000501f01f40007")
        ),
        "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000501f01f40007",
    ),
    (InitiateRequest(LOWEST, 0x04B0), "01000000065f1f0400007e1f04b0"),
    (InitiateResponse(Conformance(0x501F), 0x01F4), "0800065f1f040000501f01f40007"),
    (GetRequest(0x81, Attribute(1, obis("0.0.128.0.0.255"), 2)), "c0018100010000800000ff0200"),
    (GetRequest(0, CLOCK), "c0010000080000010000ff0200"),
    (GetResponse(0x81, DoubleLongUnsigned(1)), "c40181000600000001"),
    (GetResponse(0x81, AccessFailure(4)), "c401810104"),
    (GetRequestNext(0x81, 1), "c0028100000001"),
    (SetResponse(0x81, 0), "c5018100"),
    (ReleaseRequest(0), "6203800100"),
    (ReleaseResponse(0), "6303800100"),
    (ExceptionResponse(1, 6, 7), "d8010600000007"),
    (ConfirmedServiceError(1, 6, 3), "0e010603"),
]


@pytest.mark.parametrize(("apdu", "wire"), KNOWN)
def test_known_octets(apdu: Any, wire: str) -> None:
    assert apdu.to_bytes().hex() == wire
    assert decode_apdu(bytes.fromhex(wire)) == apdu


OCTET = st.integers(0, 255)
NUMBER = st.integers(0, 0xFFFFFFFF)
RAW = st.binary(max_size=40)
NAME = st.binary(min_size=6, max_size=6)
ATTRIBUTE = st.builds(
    Attribute,
    st.integers(0, 0xFFFF),
    NAME,
    st.integers(-128, 127),
    st.none() | st.builds(SelectiveAccess, OCTET, ANY_DATA),
)
PLAIN_ATTRIBUTE = st.builds(Attribute, st.integers(0, 0xFFFF), NAME, st.integers(-128, 127))
METHOD = st.builds(Method, st.integers(0, 0xFFFF), NAME, st.integers(-128, 127))
RESULT = ANY_DATA | st.builds(AccessFailure, OCTET)
TIME = st.none() | st.binary(min_size=12, max_size=12).map(CosemDateTime.from_bytes)
CONFORMANCE = st.integers(0, 0x7FFFFF).map(Conformance)
SHORT = st.none() | st.binary(max_size=20)
APDUS = st.one_of(
    st.builds(GetRequest, OCTET, ATTRIBUTE),
    st.builds(GetRequestNext, OCTET, NUMBER),
    st.builds(GetRequestWithList, OCTET, st.lists(ATTRIBUTE, max_size=3).map(tuple)),
    st.builds(GetResponse, OCTET, RESULT),
    st.builds(GetResponseBlock, OCTET, st.booleans(), NUMBER, RAW),
    st.builds(GetResponseBlock, OCTET, st.booleans(), NUMBER, failure=OCTET),
    st.builds(GetResponseWithList, OCTET, st.lists(RESULT, max_size=3).map(tuple)),
    st.builds(SetRequest, OCTET, ATTRIBUTE, ANY_DATA),
    st.builds(SetRequestFirstBlock, OCTET, ATTRIBUTE, st.booleans(), NUMBER, RAW),
    st.builds(SetRequestBlock, OCTET, st.booleans(), NUMBER, RAW),
    st.builds(SetResponse, OCTET, OCTET),
    st.builds(SetResponseBlock, OCTET, NUMBER),
    st.builds(SetResponseLastBlock, OCTET, OCTET, NUMBER),
    st.builds(ActionRequest, OCTET, METHOD, ANY_DATA),
    st.builds(ActionRequestNext, OCTET, NUMBER),
    st.builds(ActionResponse, OCTET, OCTET, RESULT),
    st.builds(ActionResponseBlock, OCTET, st.booleans(), NUMBER, RAW),
    st.builds(EventNotification, TIME, PLAIN_ATTRIBUTE, ANY_DATA),
    st.builds(DataNotification, NUMBER, TIME, ANY_DATA),
    st.builds(ExceptionResponse, OCTET, OCTET, st.none() | NUMBER),
    st.builds(ConfirmedServiceError, OCTET, OCTET, OCTET),
    st.builds(InitiateRequest, CONFORMANCE, st.integers(0, 0xFFFF), OCTET, st.booleans()),
    st.builds(InitiateResponse, CONFORMANCE, st.integers(0, 0xFFFF), OCTET),
    st.builds(AssociationRequest, OCTET, st.sampled_from(Mechanism), SHORT, SHORT, SHORT),
    st.builds(
        AssociationResponse,
        OCTET,
        OCTET,
        OCTET,
        st.booleans(),
        st.sampled_from(Mechanism),
        SHORT,
        SHORT,
        SHORT,
    ),
    st.builds(ReleaseRequest, st.none() | OCTET, SHORT),
    st.builds(ReleaseResponse, st.none() | OCTET, SHORT),
    st.builds(
        CipheredApdu, st.sampled_from(sorted(GLO_OF.values())), st.binary(min_size=5, max_size=60)
    ),
    st.builds(
        CipheredApdu,
        st.just(0xDB),
        st.binary(min_size=5, max_size=60),
        st.binary(min_size=8, max_size=8),
    ),
)


@given(APDUS)
def test_round_trip(apdu: Any) -> None:
    if isinstance(apdu, ActionResponse) and apdu.result is None:
        assert decode_apdu(apdu.to_bytes()).code == apdu.code  # type: ignore[union-attr]
    assert decode_apdu(apdu.to_bytes()) == apdu


@given(APDUS, st.data())
def test_a_truncated_apdu_is_refused_or_complete(apdu: Any, data: st.DataObject) -> None:
    octets = apdu.to_bytes()
    short = octets[: data.draw(st.integers(0, len(octets) - 1))]
    try:
        other = decode_apdu(short)
    except RemoteProtocolError:
        return
    assert other != apdu


@given(APDUS.map(lambda apdu: apdu.to_bytes()), st.binary(max_size=60), st.integers(0, 60))
def test_any_octets_give_an_apdu_or_the_peers_fault(apdu: bytes, noise: bytes, at: int) -> None:
    for octets in (noise, apdu[:at] + noise, apdu[:at] + noise + apdu[at + len(noise) :]):
        try:
            decode_apdu(octets)
        except RemoteProtocolError:
            continue


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("d00100", "ded-get-request"),
        ("41", "ded-initiate-request"),
        ("dc00", "general-ded-ciphering"),
        ("dd00", "general-ciphering"),
        ("e0800001", "general-block-transfer"),
        ("05010200", "read-request"),
        ("c3048100", "choice 4"),
        ("ff", "APDU FF"),
    ],
)
def test_what_is_not_spoken_is_refused_by_name(wire: str, name: str) -> None:
    with pytest.raises(UnsupportedApdu, match=name):
        decode_apdu(bytes.fromhex(wire))


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ("", "empty"),
        ("c0", "ends"),
        ("c001", "ends"),
        ("c0018100", "ends"),
        ("c0010000080000010000ff020000", "behind"),
        ("c00381850000000001", "length"),
        ("c0038120", "list of 32"),
        ("6004a10100", "expected 4 octets"),
        ("6106a203020100", "expected 6 octets"),
        ("c803301234", "no security control"),
        ("db0411223344053000000001", "system title"),
        ("0800065f1f0400", "ends"),
        ("0800060000000000000000000000", "conformance"),
    ],
)
def test_malformed_apdus_are_the_peers_fault(wire: str, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        decode_apdu(bytes.fromhex(wire))


def test_a_conformance_block_in_the_short_form_is_read() -> None:
    assert decode_apdu(bytes.fromhex("0800065f040000501f01f40007")) == InitiateResponse(
        Conformance(0x501F), 0x01F4
    )


def test_misuse_is_the_callers_fault() -> None:
    with pytest.raises(LocalProtocolError, match="target"):
        GetRequest(0, Attribute(8, b"short", 2)).to_bytes()
    with pytest.raises(LocalProtocolError, match="max PDU"):
        InitiateRequest(SUPPORTED, 0x10000).to_bytes()
    with pytest.raises(LocalProtocolError, match="dedicated"):
        InitiateRequest(SUPPORTED, 0, has_dedicated_key=True).to_bytes()
    with pytest.raises(LocalProtocolError, match="0F"):
        envelope(0x0F, bytes(5), None)


def test_nothing_secret_shows() -> None:
    shown = repr(
        [
            AssociationRequest(1, 1, None, b"password", b"password"),
            AssociationResponse(1, 0, 0, False, 5, None, b"password", b"password"),
            SetRequest(0, CLOCK, b"password"),
            ActionRequest(0, Method(64, bytes(6), 2), b"password"),
        ]
    )
    assert "password" not in shown


def test_targets_and_refusals_read_well() -> None:
    assert str(CLOCK) == "class 8 0.0.1.0.0.255 attribute 2"
    assert str(Method(64, obis("0.0.43.0.0.255"), 2)) == "class 64 0.0.43.0.0.255 method 2"
    assert str(AccessFailure(3)) == "read-write-denied"
    assert str(AccessFailure(99)) == "result 99"
    assert str(ExceptionResponse(1, 6, 7)) == "invocation-counter-error, newest seen 7"
    assert str(ExceptionResponse(1, 9)) == "service error 9"
    assert str(ConfirmedServiceError(1, 6, 3)) == "initiate: pdu-size-too-short"
