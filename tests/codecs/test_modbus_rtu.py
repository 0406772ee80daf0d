from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.modbus_messages import (
    Asked,
    BitsRead,
    Corrupt,
    ExceptionCode,
    ExceptionReply,
    Foreign,
    Outcome,
    ReadBits,
    ReadRegisters,
    RegistersRead,
    Request,
    Silence,
    Truncated,
    Unanswerable,
    WriteBit,
    WriteBits,
    WriteRegister,
    WriteRegisters,
    Written,
)
from drivers.codecs.modbus_rtu import ModbusClient, ModbusServer


def frame(text: str) -> bytes:
    """Hexadecimal octets plus their CRC, computed bit by bit as the specification draws it."""
    octets = bytes.fromhex(text)
    crc = 0xFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return octets + crc.to_bytes(2, "little")


# The examples of Modbus Application Protocol V1.1b3, 6.1 to 6.12, at unit 0x11 or as noted.
VECTORS: list[tuple[int, Request, str, str, Outcome]] = [
    (1, ReadRegisters(0, 10), "010300 00000A", "0103 14" + "0001" * 10, RegistersRead((1,) * 10)),
    (
        17,
        ReadBits(0x13, 0x13),
        "1101 0013 0013",
        "1101 03 CD6B05",
        BitsRead(tuple(bool(0x056BCD >> place & 1) for place in range(19))),
    ),
    (
        17,
        ReadBits(0xC4, 0x16, inputs=True),
        "1102 00C4 0016",
        "1102 03 ACDB35",
        BitsRead(tuple(bool(0x35DBAC >> place & 1) for place in range(22))),
    ),
    (
        17,
        ReadRegisters(0x6B, 3),
        "1103 006B 0003",
        "1103 06 022B 0000 0064",
        RegistersRead((555, 0, 100)),
    ),
    (17, ReadRegisters(8, 1, inputs=True), "1104 0008 0001", "1104 02 000A", RegistersRead((10,))),
    (17, WriteBit(0xAC, True), "1105 00AC FF00", "1105 00AC FF00", Written()),
    (17, WriteBit(0xAC, False), "1105 00AC 0000", "1105 00AC 0000", Written()),
    (17, WriteRegister(1, 3), "1106 0001 0003", "1106 0001 0003", Written()),
    (
        17,
        WriteBits(0x13, tuple(bool(0x01CD >> place & 1) for place in range(10))),
        "110F 0013 000A 02 CD01",
        "110F 0013 000A",
        Written(),
    ),
    (17, WriteRegisters(1, (10, 258)), "1110 0001 0002 04 000A 0102", "1110 0001 0002", Written()),
]


def test_the_published_checksum() -> None:
    assert ModbusClient().request(1, ReadRegisters(0, 10)).hex() == "01030000000ac5cd"


@pytest.mark.parametrize(("unit", "request_", "asked", "answered", "outcome"), VECTORS)
def test_the_specifications_examples_both_ways_octet_by_octet(
    unit: int, request_: Request, asked: str, answered: str, outcome: Outcome
) -> None:
    client, server = ModbusClient(), ModbusServer({unit})
    sent = client.request(unit, request_)
    assert sent == frame(asked)
    heard = [event for octet in sent for event in server.feed(bytes((octet,)))]
    assert heard == [Asked(unit, request_)]
    assert isinstance(heard[0], Asked)
    values = outcome.values if isinstance(outcome, BitsRead | RegistersRead) else ()
    reply = server.answer(heard[0], values)
    assert reply == frame(answered)
    outcomes = [client.feed(bytes((octet,))) for octet in reply]
    assert outcomes == [None] * (len(reply) - 1) + [outcome]


@pytest.mark.parametrize(("unit", "request_", "asked", "answered", "outcome"), VECTORS)
def test_every_cut_and_every_flipped_bit_is_told(
    unit: int, request_: Request, asked: str, answered: str, outcome: Outcome
) -> None:
    reply = frame(answered)
    for cut in range(len(reply)):
        client = ModbusClient()
        client.request(unit, request_)
        assert client.feed(reply[:cut]) is None
        assert client.end() == (Silence() if cut == 0 else Truncated(cut, len(reply)))
    for bit in range(len(reply) * 8):
        client = ModbusClient()
        client.request(unit, request_)
        flipped = bytearray(reply)
        flipped[bit // 8] ^= 1 << bit % 8
        got = client.feed(bytes(flipped)) or client.end()
        assert isinstance(got, Corrupt | Truncated)


ASKED = ReadRegisters(0x6B, 3)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (frame("1183 02"), ExceptionReply(2)),
        (frame("1183 63"), ExceptionReply(99)),
        (frame("1203 06 022B 0000 0064"), Foreign("unit: expected 17, got 18")),
        (frame("1104 06 022B 0000 0064"), Foreign("function: expected 3, got 4")),
        (frame("1184 02"), Foreign("function: expected 3, got 132")),
        (frame("1103 08 022B 0000 0064"), Foreign("byte count: expected 6, got 8")),
        (frame("1103 04 022B 0000"), Foreign("answer of 9 octets, expected 11")),
        (frame("1103 06 022B 0000 0064") + b"\x11", Foreign("1 octets follow the answer")),
        (frame("1103 06 022B 0000 0064") * 2, Foreign("11 octets follow the answer")),
        (b"\x11\x03\x06" + bytes(8), Corrupt("the checksum (CRC) fails")),
        (b"\xff" * 300, Corrupt("more than 256 octets")),
        (b"\x00" + frame("1103 06 022B 0000 0064"), Corrupt("12 octets that are no answer")),
        (frame("1141 00"), Foreign("function: expected 3, got 65")),
    ],
)
def test_only_the_answer_is_the_answer(reply: bytes, outcome: Outcome) -> None:
    client = ModbusClient()
    client.request(17, ASKED)
    assert (client.feed(reply) or client.end()) == outcome


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (WriteBit(0xAC, True), "1105 00AC 0000"),
        (WriteBit(0xAC, True), "1105 00AD FF00"),
        (WriteRegister(1, 3), "1106 0001 0004"),
        (WriteBits(1, (True,) * 3), "110F 0001 0002"),
        (WriteRegisters(1, (1, 2)), "1110 0002 0002"),
    ],
)
def test_a_write_answered_with_something_else_is_not_written(request_: Request, reply: str) -> None:
    client = ModbusClient()
    client.request(17, request_)
    assert isinstance(client.feed(frame(reply)), Foreign)


def test_one_question_at_a_time() -> None:
    client = ModbusClient()
    assert client.feed(b"") is None
    assert client.feed(b"late") == Foreign("4 octets that nobody asked for")
    with pytest.raises(LocalProtocolError, match="no question"):
        client.end()
    client.request(17, ASKED)
    with pytest.raises(LocalProtocolError, match="still open"):
        client.request(17, ASKED)
    assert client.end() == Silence()
    client.request(17, ASKED)


@pytest.mark.parametrize(
    ("unit", "request_"),
    [
        (0, ASKED),
        (248, ASKED),
        (1, ReadRegisters(0, 0)),
        (1, ReadRegisters(0, 126)),
        (1, ReadRegisters(65535, 2)),
        (1, ReadRegisters(-1, 1)),
        (1, ReadBits(0, 2001)),
        (1, WriteRegister(0, 65536)),
        (1, WriteRegister(65536, 0)),
        (1, WriteBits(0, ())),
        (1, WriteBits(0, (True,) * 1969)),
        (1, WriteRegisters(0, (0,) * 124)),
    ],
)
def test_a_question_out_of_range_is_the_callers_error(unit: int, request_: Request) -> None:
    client = ModbusClient()
    with pytest.raises(LocalProtocolError):
        client.request(unit, request_)
    client.request(17, ASKED)


@pytest.mark.parametrize(
    ("octets", "function", "code"),
    [
        ("1103 0000 0000", 3, ExceptionCode.ILLEGAL_VALUE),
        ("1103 0000 007E", 3, ExceptionCode.ILLEGAL_VALUE),
        ("1103 FFFF 0002", 3, ExceptionCode.ILLEGAL_ADDRESS),
        ("1105 0000 0001", 5, ExceptionCode.ILLEGAL_VALUE),
        ("110F 0000 000A 01 FF", 15, ExceptionCode.ILLEGAL_VALUE),
        ("1110 0000 0001 04 0000 0000", 16, ExceptionCode.ILLEGAL_VALUE),
        ("1110 0000 0000 00", 16, ExceptionCode.ILLEGAL_VALUE),
        ("1107", 7, ExceptionCode.ILLEGAL_FUNCTION),
        ("112B 0E 01 00", 43, ExceptionCode.ILLEGAL_FUNCTION),
        ("1183 02", 3, ExceptionCode.ILLEGAL_FUNCTION),
    ],
)
def test_a_server_says_why_it_cannot(octets: str, function: int, code: ExceptionCode) -> None:
    server = ModbusServer({17})
    events = server.feed(frame(octets)) + server.gap()
    assert events == [Unanswerable(17, function, code)]
    assert server.refuse(events[0], code) == frame(f"11{function | 0x80:02x}{code:02x}")


def test_a_refused_request_is_an_exception_reply() -> None:
    client, server = ModbusClient(), ModbusServer({17})
    (asked,) = server.feed(client.request(17, ASKED))
    assert client.feed(server.refuse(asked, ExceptionCode.BUSY)) == ExceptionReply(6)
    assert isinstance(asked, Asked)
    with pytest.raises(LocalProtocolError, match="expected 3 values"):
        server.answer(asked, (1,))


def test_a_server_minds_its_own_units_and_recovers_at_the_next_gap() -> None:
    server = ModbusServer({17})
    good = frame("1103 006B 0003")
    assert server.feed(frame("1203 006B 0003")) == []
    assert server.feed(good) == [Asked(17, ASKED)]
    assert server.feed(b"\x11\x03\x00\x6b\x00\x03\x00\x00" + good) == []
    assert server.gap() == []
    assert server.feed(good) == [Asked(17, ASKED)]
    assert server.feed(good[:5]) == []
    assert server.gap() == []
    assert server.feed(good) == [Asked(17, ASKED)]


pieces = st.lists(st.binary(max_size=40), max_size=12)


@given(pieces)
def test_a_client_survives_any_octets(data: list[bytes]) -> None:
    client = ModbusClient()
    client.request(17, ASKED)
    for piece in data:
        if client.feed(piece) is not None:
            client.feed(piece)
            client.request(17, ASKED)
    client.end()


@given(
    st.lists(st.binary(max_size=40) | st.binary(max_size=12).map(lambda b: frame("11" + b.hex())))
)
def test_a_server_survives_any_octets(data: list[bytes]) -> None:
    server = ModbusServer({17})
    for piece in data:
        for event in (*server.feed(piece), *server.gap()):
            assert event.unit == 17
            server.refuse(event, 1)


values = st.integers(0, 0xFFFF)
requests = st.one_of(
    st.builds(ReadBits, st.integers(0, 60000), st.integers(1, 2000), st.booleans()),
    st.builds(ReadRegisters, st.integers(0, 60000), st.integers(1, 125), st.booleans()),
    st.builds(WriteBit, values, st.booleans()),
    st.builds(WriteRegister, values, values),
    st.builds(
        WriteBits,
        st.integers(0, 60000),
        st.lists(st.booleans(), min_size=1, max_size=99).map(tuple),
    ),
    st.builds(
        WriteRegisters, st.integers(0, 60000), st.lists(values, min_size=1, max_size=123).map(tuple)
    ),
)


@given(st.integers(1, 247), requests, st.randoms(use_true_random=False))
def test_any_request_is_understood_and_its_answer_too(
    unit: int, request_: Request, random: Random
) -> None:
    client, server = ModbusClient(), ModbusServer(range(1, 248))
    (asked,) = server.feed(client.request(unit, request_))
    assert asked == Asked(unit, request_)
    assert isinstance(asked, Asked)
    expected: Outcome = Written()
    read: tuple[int, ...] = ()
    if isinstance(request_, ReadBits):
        bits = tuple(random.random() < 0.5 for _ in range(request_.count))
        read, expected = bits, BitsRead(bits)
    elif isinstance(request_, ReadRegisters):
        read = tuple(random.randrange(0x10000) for _ in range(request_.count))
        expected = RegistersRead(read)
    assert client.feed(server.answer(asked, read)) == expected
