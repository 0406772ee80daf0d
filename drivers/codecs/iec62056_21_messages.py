"""The messages of IEC 62056-21 and their bytes. Who may say which, and when: `iec62056_21`."""

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
BAUD_BY_CODE: Final[Mapping[str, int]] = {
    **dict(zip("0123456", (300, 600, 1200, 2400, 4800, 9600, 19200), strict=True)),
    **dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True)),
}
"""Digits: modes C and E, the reader may choose. Letters: mode B, the meter switches by itself."""
_ADDRESS: Final = re.compile(r"[0-9A-Za-z ]{0,32}", re.ASCII)
_IDENTIFICATION: Final = re.compile(
    rb'/([A-Za-z]{3})(["-.0-~])((?:\\["-.0-~])*)([ "-.0-~]{0,32})\r\n'
)
_OPTION: Final = re.compile(rb"\x06([0-9])([0-9A-I])([0-9A-Z])\r\n")
_COMMAND_NAME: Final = re.compile(r"[PWREB][0-9]", re.ASCII)
_DATA_SET: Final = re.compile(r"([^()/!\r\n]{0,32})((?:\([^()\r\n]{0,128}\))+)")


def block_check(octets: bytes) -> int:
    """ISO 1155: the exclusive-or of what follows SOH or STX, the closing ETX or EOT included."""
    return reduce(xor, octets, 0) & 0x7F


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
        said = BY_OPTION.get(self.kind)
        if said is None or self.baud_code not in BAUD_BY_CODE:
            raise LocalProtocolError(f"no option: {self!r}")
        return f"\x06{said[0]}{self.baud_code}{said[1]}\r\n".encode("ascii")


BY_OPTION: Final = {
    Kind.OPTION_READOUT: "00",
    Kind.OPTION_PROGRAMMING: "01",
    Kind.OPTION_HDLC: "22",
}
_OPTION_OF: Final = {said: kind for kind, said in BY_OPTION.items()}


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


def block_message(octets: bytes) -> Message | Corrupt:
    """From SOH or STX to the check character."""
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


def line_message(octets: bytes) -> Message | Corrupt:
    """From `/` or ACK to the line end."""
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
