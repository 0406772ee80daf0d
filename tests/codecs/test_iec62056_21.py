from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError
from drivers.codecs.iec62056_21 import TURNS, Event, Meter, OutOfTurn, Reader, State
from drivers.codecs.iec62056_21_messages import (
    Ack,
    Command,
    Corrupt,
    Data,
    DataSet,
    Identification,
    Kind,
    Message,
    Nak,
    OptionSelect,
    SignOn,
    block_check,
    data_sets,
)

SIGN_ON = SignOn()
IDENT = Identification("ABC", "5", "SMETER-1", modes="2")
READOUT = OptionSelect(Kind.OPTION_READOUT, "5")
PROGRAMMING = OptionSelect(Kind.OPTION_PROGRAMMING, "5")
HDLC = OptionSelect(Kind.OPTION_HDLC, "5")
BLOCK = Data(b"0.0.0(00000001)\r\n1.8.0(0000123.4*kWh)\r\n!\r\n")
P0 = Command("P0", b"(12345678)")

WIRE: list[tuple[Message, bytes]] = [
    (SIGN_ON, b"/?!\r\n"),
    (SignOn("00123"), b"/?00123!\r\n"),
    (IDENT, b"/ABC5\\2SMETER-1\r\n"),
    (READOUT, b"\x06050\r\n"),
    (PROGRAMMING, b"\x06051\r\n"),
    (HDLC, b"\x06252\r\n"),
    # Frames with their check characters as meters' manuals print them.
    (Command("B0"), b"\x01B0\x03q"),
    (Command("P1", b"(00000000)"), b"\x01P1\x02(00000000)\x03a"),
    (Command("P0", b"()"), b"\x01P0\x02()\x03\x60"),
    (Data(b"()", partial=True), b"\x02()\x04\x05"),
    (Ack(), b"\x06"),
    (Nak(), b"\x15"),
]


@pytest.mark.parametrize(("message", "octets"), WIRE)
def test_messages_on_the_wire(message: Message, octets: bytes) -> None:
    assert message.encode() == octets


def test_the_check_character_begins_after_the_first_and_ends_with_etx() -> None:
    assert block_check(b"B0\x03") == ord("q")


class Pair:
    """Both sides, octet by octet over a line with no memory."""

    def __init__(self) -> None:
        self.reader, self.meter = Reader(), Meter()

    def say(self, side: Reader | Meter, message: Message) -> None:
        other = self.meter if side is self.reader else self.reader
        octets = side.send(message)
        heard = [event for octet in octets for event in other.receive(bytes((octet,)))]
        assert heard == [message]
        assert self.reader.state is self.meter.state
        assert self.reader.baud == self.meter.baud

    def reads(self, message: Message) -> None:
        self.say(self.reader, message)

    def tells(self, message: Message) -> None:
        self.say(self.meter, message)

    def identified(self) -> Pair:
        self.reads(SIGN_ON)
        self.tells(IDENT)
        return self

    def programming(self) -> Pair:
        self.identified().reads(PROGRAMMING)
        self.tells(P0)
        return self


def test_a_readout_at_the_rate_agreed() -> None:
    pair = Pair().identified()
    assert pair.reader.baud == 300
    pair.reads(READOUT)
    assert pair.reader.baud == 9600
    pair.tells(BLOCK)
    pair.reads(Nak())
    pair.tells(BLOCK)
    pair.reads(Ack())
    assert (pair.reader.state, pair.reader.baud) == (State.IDLE, 300)


def test_a_programming_session() -> None:
    pair = Pair().programming()
    pair.reads(Command("P1", b"(00000000)"))
    pair.tells(Ack())
    pair.reads(Command("R1", b"1.8.0()"))
    pair.tells(Data(b"(0000123.4*kWh)"))
    pair.reads(Command("W1", b"C.1(7)"))
    pair.tells(Nak())
    pair.reads(Command("R6", b"P.01()"))
    pair.tells(Data(b"(1)(2)", partial=True))
    pair.reads(Ack())
    pair.tells(Data(b"(3)"))
    pair.reads(Command("B0"))
    assert (pair.meter.state, pair.meter.baud) == (State.IDLE, 300)


def test_the_password_begins_at_octet_four() -> None:
    assert Command("P1", b"(SECRET)").encode()[4:12] == b"(SECRET)"


def test_mode_e_is_confirmed_at_the_new_rate_and_hands_over_every_octet_after_it() -> None:
    pair = Pair().identified()
    pair.reads(HDLC)
    assert (pair.reader.state, pair.reader.baud) == (State.CONFIRMING, 9600)
    frame = bytes.fromhex("7ea0078103 93f0d8 7e".replace(" ", ""))
    assert pair.reader.receive(pair.meter.send(HDLC) + frame) == [HDLC]
    assert pair.reader.state is State.HDLC
    assert pair.reader.surplus() == frame
    assert pair.reader.surplus() == b""
    with pytest.raises(LocalProtocolError, match="may not send SIGN_ON in state HDLC"):
        pair.reader.send(SIGN_ON)


def test_a_meter_that_does_not_confirm_hdlc() -> None:
    reader = Reader()
    with pytest.raises(LocalProtocolError, match="not asked for"):
        reader.assume_hdlc()
    pair = Pair().identified()
    pair.reads(HDLC)
    pair.reader.assume_hdlc()
    assert (pair.reader.state, pair.reader.baud) == (State.HDLC, 9600)


def test_mode_b_switches_by_itself_and_mode_a_stays() -> None:
    for code, baud in (("E", 9600), ("x", 300), ("5", 300)):
        pair = Pair()
        pair.reads(SIGN_ON)
        pair.tells(Identification("ABC", code, "METER"))
        assert pair.reader.baud == baud
        pair.tells(BLOCK)
        assert pair.reader.state is State.READ


def test_what_an_identification_says() -> None:
    assert (IDENT.baud, IDENT.offers_hdlc, IDENT.reacts_within_20_ms) == (9600, True, False)
    other = Identification("ABc", "x", "")
    assert (other.baud, other.offers_hdlc, other.reacts_within_20_ms) == (None, False, True)


@pytest.mark.parametrize("noise", [b"\x00\x00\xff", b"\r\n", b"\x03\x04ABC!", b"/A"])
def test_noise_before_a_message_is_passed_over(noise: bytes) -> None:
    reader = Reader()
    reader.send(SIGN_ON)
    assert reader.receive(noise + IDENT.encode()) == [IDENT]


def test_parity_in_the_eighth_bit_is_passed_over() -> None:
    reader = Reader()
    reader.send(SIGN_ON)
    with_parity = bytes(o | 0x80 if o.bit_count() & 1 else o for o in IDENT.encode())
    assert with_parity != IDENT.encode()
    assert reader.receive(with_parity) == [IDENT]


def test_the_probes_own_echo_is_passed_over_once() -> None:
    reader = Reader()
    octets = reader.send(SIGN_ON)
    assert reader.receive(octets + IDENT.encode()) == [IDENT]
    reader.send(READOUT)
    assert reader.receive(IDENT.encode()) == [OutOfTurn(IDENT)]


@pytest.mark.parametrize("place", range(len(BLOCK.encode())))
def test_a_flipped_bit_anywhere_in_a_block_is_never_taken_for_it(place: int) -> None:
    pair = Pair().identified()
    pair.reads(READOUT)
    octets = bytearray(pair.meter.send(BLOCK))
    octets[place] ^= 0x02
    events = pair.reader.receive(bytes(octets))
    assert BLOCK not in events
    assert pair.reader.state is State.READING
    pair.reader.reset()
    assert (pair.reader.state, pair.reader.baud) == (State.IDLE, 300)


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"/AB5\r\n", "no identification"),
        (b"/ABC5" + b"x" * 33 + b"\r\n", "no identification"),
        (b"/" + b"x" * 99, "a line of more than 64"),
        (b"\x02" + b"x" * 101, "a block of more than 100"),
        (b"\x02(1)\x03\x00", "check character: expected 33, got 00"),
        (b"\x01X1\x03j", "begins like a command"),
    ],
)
def test_what_cannot_be_read_is_said_and_changes_nothing(octets: bytes, says: str) -> None:
    reader = Reader(longest_block=100)
    reader.send(SIGN_ON)
    (event, *_) = reader.receive(octets)
    assert isinstance(event, Corrupt)
    assert says in event.detail
    assert reader.state is State.ASKED


@pytest.mark.parametrize("octets", [b"\x06\r\n", b"\x06970\r\n", b"\x060z0\r\n", b"\x06052\r\n"])
def test_a_meter_refuses_an_option_it_does_not_know(octets: bytes) -> None:
    meter = Pair().identified().meter
    (event,) = meter.receive(octets)
    assert isinstance(event, Corrupt)
    assert meter.state is State.IDENTIFIED


@pytest.mark.parametrize(
    "message",
    [
        SignOn("x" * 33),
        SignOn("é"),
        Identification("AB", "5", "x"),
        Identification("ABC", "5", "a/b"),
        Identification("ABC", "5", "\\2x"),
        Identification("ABC", "5", "\N{DIVISION SIGN}"),
        OptionSelect(Kind.ACK, "5"),
        OptionSelect(Kind.OPTION_HDLC, "9"),
        Command("X1"),
        Command("R1", b"\x03"),
        Data(b"\x80"),
    ],
)
def test_a_message_that_cannot_be_written_is_the_callers_error(message: Message) -> None:
    with pytest.raises(LocalProtocolError):
        message.encode()


def test_the_table_says_whose_turn_it_is() -> None:
    with pytest.raises(LocalProtocolError, match="meter may not send SIGN_ON in state IDLE"):
        Meter().send(SIGN_ON)
    reader = Reader()
    reader.send(SIGN_ON)
    with pytest.raises(LocalProtocolError, match="reader may not send COMMAND in state ASKED"):
        reader.send(Command("R1", b"x()"))
    assert set(TURNS) == set(State)


@pytest.mark.parametrize(
    ("block", "sets"),
    [
        (
            BLOCK.block,
            [DataSet("0.0.0", (("00000001", ""),)), DataSet("1.8.0", (("0000123.4", "kWh"),))],
        ),
        (b"(3)", [DataSet("", (("3", ""),))]),
        (b"P.01(1)(2*V)()", [DataSet("P.01", (("1", ""), ("2", "V"), ("", "")))]),
        (b"", []),
    ],
)
def test_data_sets(block: bytes, sets: list[DataSet]) -> None:
    assert data_sets(block) == sets


@pytest.mark.parametrize("block", [b"1.8.0", b"1.8.0(1", b"(1))", b"\xff", b"x" * 33 + b"(1)"])
def test_what_is_no_data_block_is_the_meters_fault(block: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="data block"):
        data_sets(block)


openings: list[list[Message]] = [
    [],
    [SIGN_ON],
    [SIGN_ON, IDENT],
    [SIGN_ON, IDENT, READOUT],
    [SIGN_ON, IDENT, PROGRAMMING, P0],
    [SIGN_ON, IDENT, PROGRAMMING, P0, Command("R1", b"x()")],
    [SIGN_ON, IDENT, HDLC],
]
pieces = st.lists(
    st.binary(max_size=30) | st.sampled_from([octets for _, octets in WIRE]), max_size=12
)


@given(st.sampled_from(openings), pieces)
def test_any_octets_leave_both_sides_sound_and_slicing_changes_nothing(
    opening: list[Message], data: list[bytes]
) -> None:
    for kind in (Reader, Meter):
        whole, sliced = kind(longest_block=64), kind(longest_block=64)
        for side in (whole, sliced):
            for message in opening:
                try:
                    side.send(message)
                except LocalProtocolError:
                    assert side.receive(message.encode()) == [message]
        together = whole.receive(b"".join(data))
        one_by_one: list[Event] = []
        for octet in b"".join(data):
            one_by_one += sliced.receive(bytes((octet,)))
        assert together == one_by_one
        assert whole.state is sliced.state
        assert len(whole.surplus()) <= 66


@given(st.binary(max_size=60))
def test_any_block_is_data_sets_or_refused(block: bytes) -> None:
    with suppress(RemoteProtocolError):
        assert all(data_set.values for data_set in data_sets(block))
