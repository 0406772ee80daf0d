"""HDLC frames: check sequences, addresses, known frames, and any octets in any slices."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.hdlc import (
    LONGEST_FRAME,
    FrameReader,
    HdlcAddress,
    HdlcFrame,
    check_sequence_holds,
    frame_check_sequence,
)

METER, CLIENT = HdlcAddress(1, 17), HdlcAddress(16)


def test_fcs_is_crc16_x25() -> None:
    # The published check value of CRC-16/X.25 for "123456789" is 0x906E; low octet first.
    assert frame_check_sequence(b"123456789") == b"\x6e\x90"


@given(st.binary(max_size=300))
def test_check_sequence_holds_for_what_it_was_made_of(octets: bytes) -> None:
    assert check_sequence_holds(octets + frame_check_sequence(octets))


ADDRESSES = [
    (HdlcAddress(1), "03"),
    (HdlcAddress(0x7F), "ff"),
    (HdlcAddress(16), "21"),
    (HdlcAddress(1, 17), "0223"),
    (HdlcAddress(1, 17, 4), "00020023"),
    (HdlcAddress(0x1234, 0x3FFF), "4868feff"),
]


@pytest.mark.parametrize(("address", "wire"), ADDRESSES)
def test_address_forms(address: HdlcAddress, wire: str) -> None:
    assert address.wire.hex() == wire
    (frame,) = FrameReader().receive(HdlcFrame(address, CLIENT, 0x93).to_bytes())
    assert frame.destination == address
    assert frame.destination.size == address.size


@pytest.mark.parametrize(
    ("upper", "lower", "size"),
    [
        (128, None, 1),
        (1, 1, 1),
        (1, None, 2),
        (128, 1, 2),
        (1, 0x4000, 4),
        (-1, None, 0),
        (1, 2, 3),
    ],
)
def test_impossible_addresses_are_refused(upper: int, lower: int | None, size: int) -> None:
    with pytest.raises(LocalProtocolError):
        HdlcAddress(upper, lower, size)


@pytest.mark.parametrize(
    ("to", "device", "reached"),
    [
        (HdlcAddress(1, 17), HdlcAddress(1, 17, 4), True),
        (HdlcAddress(1), HdlcAddress(1, 17), True),
        (HdlcAddress(1, 18), HdlcAddress(1, 17), False),
        (HdlcAddress(2, 17), HdlcAddress(1, 17), False),
    ],
)
def test_who_is_reached(to: HdlcAddress, device: HdlcAddress, reached: bool) -> None:
    assert to.reaches(device) is reached


# Frames as meters and head ends exchange them; widely published.
KNOWN = [
    ("7ea0070321930f017e", HdlcFrame(HdlcAddress(1), CLIENT, 0x93)),
    (
        "7ea01e210373c37a818012050180060180070400000001080400000001533b7e",
        HdlcFrame(
            CLIENT,
            HdlcAddress(1),
            0x73,
            bytes.fromhex("818012050180060180070400000001080400000001"),
        ),
    ),
]


@pytest.mark.parametrize(("wire", "frame"), KNOWN)
def test_known_frames(wire: str, frame: HdlcFrame) -> None:
    assert frame.to_bytes().hex() == wire
    assert FrameReader().receive(bytes.fromhex(wire)) == [frame]


FRAMES = st.builds(
    HdlcFrame,
    st.sampled_from([address for address, _ in ADDRESSES]),
    st.sampled_from([address for address, _ in ADDRESSES]),
    st.integers(0, 255),
    # 7E is the octet that could mislead a reader.
    st.lists(st.sampled_from([0x7E, 0xA0, 0x07, 0x03, 0x00]), max_size=40).map(bytes)
    | st.binary(max_size=300),
    st.booleans(),
)


@given(st.lists(FRAMES, max_size=4), st.integers(1, 50), st.booleans())
def test_any_slices_give_the_frames(frames: list[HdlcFrame], size: int, shared: bool) -> None:
    wires = [frame.to_bytes() for frame in frames]
    if shared:  # one flag closes a frame and opens the next
        wires = [wire if number == 0 else wire[1:] for number, wire in enumerate(wires)]
    stream = b"".join(wires)
    reader = FrameReader()
    read = [
        frame
        for start in range(0, len(stream), size)
        for frame in reader.receive(stream[start : start + size])
    ]
    assert read == frames
    assert reader.statistics.frames == len(frames)


@given(st.lists(st.binary(max_size=80) | st.sampled_from([b"\x7e", b"\x7e\xa7\xff"]), max_size=30))
def test_any_octets_are_survived_and_bounded(pieces: list[bytes]) -> None:
    reader = FrameReader()
    for piece in pieces:
        reader.receive(piece)
        assert reader.pending <= LONGEST_FRAME + 2


@given(FRAMES, st.data())
def test_one_damaged_octet_never_gives_a_frame(frame: HdlcFrame, data: st.DataObject) -> None:
    wire = bytearray(frame.to_bytes())
    position = data.draw(st.integers(1, len(wire) - 2))
    wire[position] ^= data.draw(st.integers(1, 255))
    reader = FrameReader()
    assert frame not in reader.receive(bytes(wire))


@pytest.mark.parametrize(
    "noise",
    [b"\x00\xff", b"\x7e", b"\x7e\xa7\xff", b"\x7e\x7e\x7e", b"\x7e\xa0\x20\x03\x21\x10\x00\x00"],
)
def test_a_frame_behind_noise_is_found(noise: bytes) -> None:
    frame = HdlcFrame(METER, CLIENT, 0x10, b"\xe6\xe6\x00" + bytes(40))
    assert FrameReader().receive(noise + frame.to_bytes()) == [frame]


def test_every_kind_of_damage_is_counted() -> None:
    frame = HdlcFrame(METER, CLIENT, 0x10, b"\xe6\xe6\x00abc").to_bytes()
    for position, counter in ((1, "bad_format"), (5, "bad_hcs"), (11, "bad_fcs")):
        wire = bytearray(frame)
        wire[position] ^= 0x40
        reader = FrameReader()
        assert reader.receive(bytes(wire)) == []
        assert getattr(reader.statistics, counter) == 1, counter


def test_noise_octets_are_counted() -> None:
    reader = FrameReader()
    reader.receive(b"abc" + HdlcFrame(METER, CLIENT, 0x93).to_bytes())
    assert reader.statistics.octets_discarded == 3


def test_an_idle_line_of_flags_does_not_pile_up() -> None:
    reader = FrameReader()
    for _ in range(5000):
        assert reader.receive(b"\x7e") == []
    assert reader.pending == 1


def test_too_long_a_frame_is_the_callers_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="2047"):
        HdlcFrame(METER, CLIENT, 0x10, bytes(2040)).to_bytes()


def test_information_never_shows() -> None:
    frame = HdlcFrame(METER, CLIENT, 0x10, b"password")
    assert "password" not in repr(frame)


def test_the_longest_frame_passes_one_octet_at_a_time() -> None:
    frame = HdlcFrame(METER, CLIENT, 0x10, b"\x7e" * 2030)
    reader = FrameReader()
    read = list(
        itertools.chain.from_iterable(reader.receive(bytes((o,))) for o in frame.to_bytes())
    )
    assert read == [frame]
