"""IEC 62056-21 (optical and current-loop ports), both roles: sign-on, readout, programming, mode E.

One conversation, one table (`TURNS`): who may say what, and where that leads. `Reader` and `Meter`
are its two sides and share everything but their side, so each can be tested against the other.

    reader                          meter
    /?!                 ->                       300 baud, 7E1
                        <-          /ABC5<ident>
    ACK 0 5 0|1         ->                       from here on at the rate of code 5
                        <-          STX readout ETX BCC           (option 0)
                        <-          SOH P0 STX (..) ETX BCC       (option 1: programming)
    SOH P1|R1|W1 STX .. ->                       answered with data, ACK or NAK
    SOH B0 ETX BCC      ->                       ends it
    ACK 2 5 2           ->                       (mode E) confirmed alike, then HDLC, 8N1
                        <-          ACK 2 5 2

A message whose check character fails is a `Corrupt` event: the state stays, the reader may ask for
it again with NAK. What is no message is skipped. Octets are 7-bit; the line must be set to 7E1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import reduce
from operator import xor
from typing import Final

from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError

SOH, STX, ETX, EOT, ACK, NAK = 0x01, 0x02, 0x03, 0x04, 0x06, 0x15
INITIAL_BAUD: Final = 300
BAUD_BY_CODE: Final[Mapping[str, int]] = {
    **dict(zip("0123456", (300, 600, 1200, 2400, 4800, 9600, 19200), strict=True)),
    **dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True)),
}
"""Digits: modes C and E, the reader may choose. Letters: mode B, the meter switches by itself."""
LONGEST_BLOCK: Final = 65_536
_LONGEST_LINE: Final = 64
_ADDRESS: Final = re.compile(r"[0-9A-Za-z ]{0,32}", re.ASCII)
_IDENTIFICATION: Final = re.compile(rb"/([A-Za-z]{3})([!-~])((?:\\[!-~])*)([ -~]{0,32})\r\n")
_OPTION: Final = re.compile(rb"\x06([0-9])([0-9A-I])([0-9A-Z])\r\n")
_COMMAND_NAME: Final = re.compile(r"[PWREB][0-9]", re.ASCII)
_DATA_SET: Final = re.compile(r"([^()/!\r\n]{0,32})((?:\([^()\r\n]{0,128}\))+)")


def block_check(octets: bytes) -> int:
    """ISO 1155: the exclusive-or of what follows SOH or STX, the closing ETX or EOT included."""
    return reduce(xor, octets, 0) & 0x7F


class Side(Enum):
    READER = auto()
    METER = auto()


class Kind(Enum):
    SIGN_ON = auto()
    IDENTIFICATION = auto()
    OPTION_READOUT = auto()
    OPTION_PROGRAMMING = auto()
    OPTION_HDLC = auto()
    DATA = auto()  # STX … ETX: a readout, or the answer to a command
    DATA_PARTIAL = auto()  # STX … EOT: more follows when acknowledged
    COMMAND = auto()
    PASSWORD_OPERAND = auto()  # P0
    BREAK = auto()  # B0
    ACK = auto()
    NAK = auto()


class State(Enum):
    IDLE = auto()
    ASKED = auto()
    IDENTIFIED = auto()
    READING = auto()
    READ = auto()
    OPENING = auto()
    PROGRAMMING = auto()
    COMMANDED = auto()
    PARTIAL = auto()
    CONFIRMING = auto()
    HDLC = auto()


_R, _M = Side.READER, Side.METER
_ANEW = {(_R, Kind.SIGN_ON): State.ASKED}
_END = {(_R, Kind.BREAK): State.IDLE, (_M, Kind.BREAK): State.IDLE}
TURNS: Final[Mapping[State, Mapping[tuple[Side, Kind], State]]] = {
    State.IDLE: _ANEW,
    State.ASKED: {**_ANEW, (_M, Kind.IDENTIFICATION): State.IDENTIFIED},
    State.IDENTIFIED: {
        **_ANEW,
        (_R, Kind.OPTION_READOUT): State.READING,
        (_R, Kind.OPTION_PROGRAMMING): State.OPENING,
        (_R, Kind.OPTION_HDLC): State.CONFIRMING,
        (_M, Kind.DATA): State.READ,  # modes A and B, or mode C without an option in time
    },
    State.READING: {**_ANEW, (_M, Kind.DATA): State.READ, (_R, Kind.NAK): State.READING},
    State.READ: {**_ANEW, (_R, Kind.ACK): State.IDLE, (_R, Kind.NAK): State.READING},
    State.OPENING: {
        **_END,
        (_M, Kind.PASSWORD_OPERAND): State.PROGRAMMING,
        (_R, Kind.NAK): State.OPENING,
    },
    State.PROGRAMMING: {**_END, (_R, Kind.COMMAND): State.COMMANDED},
    State.COMMANDED: {
        **_END,
        (_M, Kind.DATA): State.PROGRAMMING,
        (_M, Kind.DATA_PARTIAL): State.PARTIAL,
        (_M, Kind.ACK): State.PROGRAMMING,
        (_M, Kind.NAK): State.PROGRAMMING,
        (_R, Kind.NAK): State.COMMANDED,
        (_R, Kind.COMMAND): State.COMMANDED,  # again, after silence
    },
    State.PARTIAL: {
        **_END,
        (_R, Kind.ACK): State.COMMANDED,
        (_R, Kind.NAK): State.COMMANDED,
    },
    State.CONFIRMING: {(_M, Kind.OPTION_HDLC): State.HDLC, **_ANEW},
    State.HDLC: {},
}


@dataclass(frozen=True, slots=True)
class SignOn:
    """`/?address!`; an empty address reaches any meter."""

    address: str = ""

    @property
    def kind(self) -> Kind:
        return Kind.SIGN_ON

    def encode(self) -> bytes:
        if _ADDRESS.fullmatch(self.address) is None:
            raise LocalProtocolError(f"device address: up to 32 letters, digits, spaces: {self!r}")
        return f"/?{self.address}!\r\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class Identification:
    """`/ABC5\\2ident`. `manufacturer` by its FLAG letters; `modes` the characters after `\\`."""

    manufacturer: str
    baud_code: str
    text: str
    modes: str = ""

    @property
    def kind(self) -> Kind:
        return Kind.IDENTIFICATION

    @property
    def offers_hdlc(self) -> bool:
        return "2" in self.modes

    @property
    def baud(self) -> int | None:
        """The rate offered; None: mode A, it stays at 300."""
        return BAUD_BY_CODE.get(self.baud_code)

    @property
    def switches_by_itself(self) -> bool:
        """Mode B: the meter changes its rate without being asked."""
        return self.baud_code in "ABCDEF"

    @property
    def reacts_within_20_ms(self) -> bool:
        """A lower-case third letter: the least reaction time is 20 ms instead of 200 ms."""
        return self.manufacturer[2:].islower()

    def encode(self) -> bytes:
        modes = "".join(f"\\{mode}" for mode in self.modes)
        line = f"/{self.manufacturer}{self.baud_code}{modes}{self.text}\r\n"
        octets = line.encode("ascii", "replace")
        if _identification(octets) != self:
            raise LocalProtocolError(f"no identification that reads back the same: {self!r}")
        return octets


@dataclass(frozen=True, slots=True)
class OptionSelect:
    """ACK V Z Y: protocol, rate, and what to do (0 readout, 1 programming, 2 HDLC with V = 2)."""

    kind: Kind
    baud_code: str

    def encode(self) -> bytes:
        said = _BY_OPTION.get(self.kind)
        if said is None or self.baud_code not in BAUD_BY_CODE:
            raise LocalProtocolError(f"no option: {self!r}")
        return f"\x06{said[0]}{self.baud_code}{said[1]}\r\n".encode("ascii")


_BY_OPTION: Final = {
    Kind.OPTION_READOUT: "00",
    Kind.OPTION_PROGRAMMING: "01",
    Kind.OPTION_HDLC: "22",
}
_OPTION_OF: Final = {said: kind for kind, said in _BY_OPTION.items()}


@dataclass(frozen=True, slots=True)
class Data:
    """A block: the readout (ends `!` CR LF), or data sets that answer a command.

    `partial`: more blocks follow, each after an ACK.
    """

    block: bytes
    partial: bool = False

    @property
    def kind(self) -> Kind:
        return Kind.DATA_PARTIAL if self.partial else Kind.DATA

    def encode(self) -> bytes:
        return _framed(b"\x02" + _plain(self.block), self.partial)


@dataclass(frozen=True, slots=True)
class Command:
    """`P1`, `R1`, `W1`, `B0`, …  with its data set, parentheses included; B0 has none.

    The data set of an encoded command begins at octet 4: where a password is, for the capture.
    """

    name: str
    data: bytes = b""
    partial: bool = False

    @property
    def kind(self) -> Kind:
        return {"P0": Kind.PASSWORD_OPERAND, "B0": Kind.BREAK}.get(self.name, Kind.COMMAND)

    def encode(self) -> bytes:
        if _COMMAND_NAME.fullmatch(self.name) is None:
            raise LocalProtocolError(f"no programming command: {self.name!r}")
        head = b"\x01" + self.name.encode("ascii")
        return _framed(head + b"\x02" + _plain(self.data) if self.data else head, self.partial)


@dataclass(frozen=True, slots=True)
class Ack:
    @property
    def kind(self) -> Kind:
        return Kind.ACK

    def encode(self) -> bytes:
        return bytes((ACK,))


@dataclass(frozen=True, slots=True)
class Nak:
    @property
    def kind(self) -> Kind:
        return Kind.NAK

    def encode(self) -> bytes:
        return bytes((NAK,))


Message = SignOn | Identification | OptionSelect | Data | Command | Ack | Nak


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A message that cannot be read; the conversation is where it was."""

    detail: str


@dataclass(frozen=True, slots=True)
class OutOfTurn:
    """A sound message that the other side may not say now; the conversation is where it was."""

    message: Message


Event = Message | Corrupt | OutOfTurn


class _Conversation:
    _side: Side

    def __init__(self, *, longest_block: int = LONGEST_BLOCK) -> None:
        self.state = State.IDLE
        self.baud = INITIAL_BAUD
        self._longest = longest_block
        self._buffer = bytearray()
        self._offered: Identification | None = None
        self._last_sent = b""

    def send(self, message: Message) -> bytes:
        """What to write. `LocalProtocolError`: not now, or not ours to say; nothing changed.

        If `baud` changes, what was written must leave at the old rate first.
        """
        following = TURNS[self.state].get((self._side, message.kind))
        if following is None:
            raise LocalProtocolError(
                f"IEC 62056-21: {self._side.name.lower()} may not send {message.kind.name} "
                f"in state {self.state.name}"
            )
        octets = message.encode()
        self._move(following, message)
        self._last_sent = octets
        return octets

    def receive(self, data: bytes) -> list[Event]:
        """The messages that became whole. Any octets are safe; memory is bounded.

        In state HDLC nothing is taken: feed the HDLC codec, beginning with `surplus`.
        """
        events: list[Event] = []
        for place, octet in enumerate(data):
            if self.state is State.HDLC:
                self._buffer += data[place : place + self._longest - len(self._buffer)]
                break
            self._octet(octet & 0x7F, events)
        return events

    def reset(self) -> None:
        """After silence: back to sign-on at 300 baud, as the other side does by itself."""
        self.state = State.IDLE
        self.baud = INITIAL_BAUD
        self._offered = None
        self._buffer.clear()

    def surplus(self) -> bytes:
        """Octets that came after the hand-over to HDLC in the same piece."""
        octets = bytes(self._buffer)
        self._buffer.clear()
        return octets

    def _octet(self, octet: int, events: list[Event]) -> None:
        buffer = self._buffer
        if not buffer:
            if octet == NAK or (octet == ACK and not self._expects_option()):
                self._hear(Nak() if octet == NAK else Ack(), bytes((octet,)), events)
            elif octet in (SOH, STX, ACK, ord("/")):
                buffer.append(octet)
            return
        buffer.append(octet)
        first = buffer[0]
        if first in (SOH, STX):
            if len(buffer) > 2 and buffer[-2] in (ETX, EOT):
                self._whole(_block(bytes(buffer)), events)
            elif len(buffer) > self._longest:
                self._whole(Corrupt(f"a block of more than {self._longest} octets"), events)
        elif octet == ord("/") and first == ord("/"):
            del buffer[:-1]  # the beginning of a line after noise that looked like one
        elif octet == ord("\n"):
            self._whole(_line(bytes(buffer)), events)
        elif len(buffer) > _LONGEST_LINE:
            self._whole(Corrupt(f"a line of more than {_LONGEST_LINE} characters"), events)

    def _expects_option(self) -> bool:
        turns = TURNS[self.state]
        return any(kind in _BY_OPTION for side, kind in turns if side is not self._side)

    def _whole(self, found: Message | Corrupt, events: list[Event]) -> None:
        octets = bytes(self._buffer)
        self._buffer.clear()
        if isinstance(found, Corrupt):
            events.append(found)
        else:
            self._hear(found, octets, events)

    def _hear(self, message: Message, octets: bytes, events: list[Event]) -> None:
        other = Side.METER if self._side is Side.READER else Side.READER
        following = TURNS[self.state].get((other, message.kind))
        if following is not None:
            self._move(following, message)
            self._last_sent = b""
            events.append(message)
        elif octets == self._last_sent:
            self._last_sent = b""  # an optical head sees its own light
        else:
            events.append(OutOfTurn(message))

    def _move(self, following: State, message: Message) -> None:
        self.state = following
        if isinstance(message, Identification):
            self._offered = message
            if message.switches_by_itself and message.baud is not None:
                self.baud = message.baud
        elif isinstance(message, OptionSelect):
            if following is not State.CONFIRMING:
                self.baud = BAUD_BY_CODE[message.baud_code]
        elif following in (State.IDLE, State.ASKED):
            self.baud = INITIAL_BAUD


class Reader(_Conversation):
    """The side with the optical probe."""

    _side = Side.READER

    def assume_hdlc(self, baud_code: str) -> None:
        """For meters that take the option without confirming it."""
        if self.state is not State.CONFIRMING or baud_code not in BAUD_BY_CODE:
            raise LocalProtocolError("IEC 62056-21: HDLC was not asked for")
        self.state = State.HDLC
        self.baud = BAUD_BY_CODE[baud_code]


class Meter(_Conversation):
    """The side that is read."""

    _side = Side.METER


@dataclass(frozen=True, slots=True)
class DataSet:
    """`1.8.0(0000123.4*kWh)`: an address (may be empty: as before) and its values with units."""

    address: str
    values: tuple[tuple[str, str], ...]


def data_sets(block: bytes) -> list[DataSet]:
    """The data sets of a block, in order. `RemoteProtocolError` where it is no data block."""
    try:
        text = block.decode("ascii")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError(f"data block: not ASCII at octet {error.start}") from None
    text = text.removesuffix("!\r\n")
    found: list[DataSet] = []
    place = 0
    while place < len(text):
        if text[place] in "\r\n":
            place += 1
            continue
        match = _DATA_SET.match(text, place)
        if match is None:
            raise RemoteProtocolError(f"data block: no data set at octet {place}")
        values = tuple(
            (value, unit)
            for value, _, unit in (v.partition("*") for v in match[2][1:-1].split(")("))
        )
        found.append(DataSet(match[1], values))
        place = match.end()
    return found


def _plain(data: bytes) -> bytes:
    if any(octet in (SOH, STX, ETX, EOT) or octet > 0x7F for octet in data):
        raise LocalProtocolError("a data block holds 7-bit characters without SOH, STX, ETX, EOT")
    return data


def _framed(octets: bytes, partial: bool) -> bytes:
    closed = octets + bytes((EOT if partial else ETX,))
    return closed + bytes((block_check(closed[1:]),))


def _block(octets: bytes) -> Message | Corrupt:
    check = block_check(octets[1:-1])
    if octets[-1] != check:
        return Corrupt(f"check character: expected {check:02X}, got {octets[-1]:02X}")
    partial = octets[-2] == EOT
    inner = octets[1:-2]
    if octets[0] == STX:
        return Data(inner, partial)
    name, data = inner[:2].decode("ascii"), inner[3:]
    if _COMMAND_NAME.fullmatch(name) is None or inner[2:3] not in (b"", b"\x02"):
        return Corrupt("a block that begins like a command and is none")
    return Command(name, data, partial)


def _line(octets: bytes) -> Message | Corrupt:
    if octets[0] == ACK:
        option = _OPTION.fullmatch(octets)
        kind = None if option is None else _OPTION_OF.get((option[1] + option[3]).decode())
        if option is None or kind is None or option[2].decode() not in BAUD_BY_CODE:
            return Corrupt(f"no option select: {octets[1:-2]!r}")
        return OptionSelect(kind, option[2].decode())
    if octets.startswith(b"/?"):
        address = octets[2:-3].decode("ascii")
        if not octets.endswith(b"!\r\n") or _ADDRESS.fullmatch(address) is None:
            return Corrupt(f"no sign-on: {octets!r}")
        return SignOn(address)
    return _identification(octets) or Corrupt(f"no identification: {octets!r}")


def _identification(octets: bytes) -> Identification | None:
    match = _IDENTIFICATION.fullmatch(octets)
    if match is None:
        return None
    manufacturer, baud_code, modes, text = (group.decode("ascii") for group in match.groups())
    return Identification(manufacturer, baud_code, text, modes[1::2])
