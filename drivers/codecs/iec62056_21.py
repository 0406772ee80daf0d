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
    ACK 2 5 2           ->                       (mode E) confirmed at the new rate, still 7E1;
                        <-          ACK 2 5 2    from here on HDLC, 8N1

A message whose check character fails is a `Corrupt` event: the state stays, the reader may ask for
it again with NAK. What is no message is skipped. Octets are 7-bit; the line must be set to 7E1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.iec62056_21_messages import (
    ACK,
    BAUD_BY_CODE,
    BY_OPTION,
    EOT,
    ETX,
    NAK,
    SOH,
    STX,
    Ack,
    Corrupt,
    Identification,
    Kind,
    Message,
    Nak,
    OptionSelect,
    block_message,
    line_message,
)

INITIAL_BAUD: Final = 300
LONGEST_BLOCK: Final = 65_536
_LONGEST_LINE: Final = 64


class Side(Enum):
    READER = auto()
    METER = auto()


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
                self._whole(block_message(bytes(buffer)), events)
            elif len(buffer) > self._longest:
                self._whole(Corrupt(f"a block of more than {self._longest} octets"), events)
        elif octet == ord("/") and first == ord("/"):
            del buffer[:-1]  # the beginning of a line after noise that looked like one
        elif octet == ord("\n"):
            self._whole(line_message(bytes(buffer)), events)
        elif len(buffer) > _LONGEST_LINE:
            self._whole(Corrupt(f"a line of more than {_LONGEST_LINE} characters"), events)

    def _expects_option(self) -> bool:
        turns = TURNS[self.state]
        return any(kind in BY_OPTION for side, kind in turns if side is not self._side)

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
        if isinstance(message, OptionSelect) or (
            isinstance(message, Identification) and message.switches_by_itself
        ):
            self.baud = BAUD_BY_CODE[message.baud_code]
        elif following in (State.IDLE, State.ASKED):
            self.baud = INITIAL_BAUD


class Reader(_Conversation):
    """The side with the optical probe."""

    _side = Side.READER

    def assume_hdlc(self) -> None:
        """For meters that take the option without confirming it."""
        if self.state is not State.CONFIRMING:
            raise LocalProtocolError("IEC 62056-21: HDLC was not asked for")
        self.state = State.HDLC


class Meter(_Conversation):
    """The side that is read."""

    _side = Side.METER
