"""The AT commands of a hub's modem (3GPP TS 27.007, ITU-T V.250), both roles.

A subset: `AT`, `ATE0`, `ATE1`, `AT+CSQ`, `AT+CREG?`, `AT+CGATT?`; answers in the verbose form
(CR LF text CR LF), final results `OK`, `ERROR`, `+CME ERROR: n`; unsolicited `RING`, `+CMTI:` and
`+CREG:`. The unsolicited `+CREG: 1` and the answer `+CREG: 0,1` differ by the first number only, so
it is an answer only where one is due and it has two numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from drivers.codecs.errors import LocalProtocolError

LONGEST_LINE: Final = 512
_NUMBERS: Final = re.compile(r"\+([A-Z]{3,8}): ?([0-9]{1,6}(?:,[0-9]{1,6}){0,3})", re.ASCII)
_CME: Final = re.compile(r"\+CME ERROR: ?([0-9]{1,5})", re.ASCII)
_MESSAGE: Final = re.compile(r'\+CMTI: ?"([A-Z]{2})",([0-9]{1,5})', re.ASCII)
UNSOLICITED: Final = ("RING", "+CMTI:")
"""How unsolicited lines begin that are never answers; for the port's classifier."""


class AtCommand(Enum):
    """What the value says is sent after `AT`."""

    ATTENTION = ""
    ECHO_OFF = "E0"
    ECHO_ON = "E1"
    SIGNAL_QUALITY = "+CSQ"
    REGISTRATION = "+CREG?"
    ATTACHED = "+CGATT?"


_ANSWERED_BY: Final = {
    # The name of the answer's line and how many numbers it has.
    AtCommand.SIGNAL_QUALITY: ("CSQ", 2),
    AtCommand.REGISTRATION: ("CREG", 2),
    AtCommand.ATTACHED: ("CGATT", 1),
}


@dataclass(frozen=True, slots=True)
class Done:
    """OK, with the numbers of the answer's line if the command has one.

    `+CSQ`: signal 0 to 31 (99 unknown), bit error rate. `+CREG`: reporting mode, registration
    (1 home, 5 roaming). `+CGATT`: 1 attached.
    """

    command: AtCommand
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """ERROR, or +CME ERROR with its number (TS 27.007, 9.2)."""

    command: AtCommand
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """OK came, but the answer's line did not, or not as it should be."""

    command: AtCommand
    detail: str


@dataclass(frozen=True, slots=True)
class Ring:
    """Somebody calls: RING."""


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """+CMTI: a short message was stored."""

    memory: str
    index: int


@dataclass(frozen=True, slots=True)
class RegistrationChanged:
    """+CREG with one number, unasked."""

    status: int


Unsolicited = Ring | MessageArrived | RegistrationChanged
AtEvent = Done | Refused | Malformed | Unsolicited


class _Lines:
    """Cuts at CR or LF. A line too long is handed over cut, and understood by nobody."""

    def __init__(self) -> None:
        self._line = bytearray()

    def feed(self, octet: int) -> str | None:
        if octet not in b"\r\n":
            if len(self._line) < LONGEST_LINE:
                self._line.append(octet)
            return None
        line = self._line.decode("latin-1")
        self._line.clear()
        return line or None

    def clear(self) -> None:
        self._line.clear()


class AtClient:
    """The bench's side: one command at a time."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self._asked: AtCommand | None = None
        self._numbers: tuple[int, ...] | None = None

    def ask(self, command: AtCommand) -> bytes:
        """What to write. `LocalProtocolError` while another is open."""
        if self._asked is not None:
            raise LocalProtocolError(f"AT: {self._asked.name} is still open; abandon it first")
        self._asked, self._numbers = command, None
        return f"AT{command.value}\r".encode("ascii")

    def abandon(self) -> None:
        """The answer did not come in time. Keep the line quiet before asking again."""
        self._asked = None
        self._lines.clear()

    def receive(self, data: bytes) -> list[AtEvent]:
        """Any octets are safe; memory is bounded. Echo and unknown lines are passed over."""
        events: list[AtEvent] = []
        for octet in data:
            line = self._lines.feed(octet)
            event = None if line is None else self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: str) -> AtEvent | None:
        if line == "RING":
            return Ring()
        message = _MESSAGE.fullmatch(line)
        if message is not None:
            return MessageArrived(message[1], int(message[2]))
        asked = self._asked
        due = _ANSWERED_BY.get(asked) if asked is not None else None
        numbered = _NUMBERS.fullmatch(line)
        if numbered is not None:
            numbers = tuple(int(number) for number in numbered[2].split(","))
            if due == (numbered[1], len(numbers)):
                self._numbers = numbers
            elif numbered[1] == "CREG" and len(numbers) == 1:
                return RegistrationChanged(numbers[0])
            return None
        if asked is None:
            return None
        failed = _CME.fullmatch(line)
        if failed is not None or line == "ERROR":
            self._asked = None
            return Refused(asked, None if failed is None else int(failed[1]))
        if line != "OK":
            return None
        self._asked = None
        if due is not None and self._numbers is None:
            return Malformed(asked, f"OK without a line +{due[0]}: of {due[1]} numbers")
        return Done(asked, self._numbers or ())


@dataclass(frozen=True, slots=True)
class Unknown:
    """A command line the modem does not know; answer it with `refuse`."""

    line: str


class AtServer:
    """The modem's side. It keeps the echo setting; what to answer is the emulator's."""

    def __init__(self, *, echo: bool = True) -> None:
        self.echo = echo
        self._lines = _Lines()

    def receive(self, data: bytes) -> tuple[list[AtCommand | Unknown], bytes]:
        """The commands that became whole, and the echo to write first."""
        heard: list[AtCommand | Unknown] = []
        echo = bytearray()
        for octet in data:
            if self.echo:
                echo.append(octet)
            line = self._lines.feed(octet)
            if line is not None:
                command = _command(line)
                heard.append(command or Unknown(line))
                if command in (AtCommand.ECHO_OFF, AtCommand.ECHO_ON):
                    self.echo = command is AtCommand.ECHO_ON
        return heard, bytes(echo)

    def answer(self, command: AtCommand, *numbers: int) -> bytes:
        due = _ANSWERED_BY.get(command)
        if len(numbers) != (due[1] if due else 0) or any(
            not 0 <= number <= 999_999 for number in numbers
        ):
            raise LocalProtocolError(f"AT: {command.name} is not answered with {numbers}")
        said = f"+{due[0]}: {','.join(map(str, numbers))}" if due else ""
        return (_said(said) if said else b"") + _said("OK")

    def refuse(self, code: int | None = None) -> bytes:
        return _said("ERROR" if code is None else f"+CME ERROR: {code}")

    def notify(self, event: Unsolicited) -> bytes:
        match event:
            case Ring():
                return _said("RING")
            case MessageArrived(memory, index):
                return _said(f'+CMTI: "{memory}",{index}')
            case RegistrationChanged(status):
                return _said(f"+CREG: {status}")


def _command(line: str) -> AtCommand | None:
    if line[:2].upper() != "AT":
        return None
    try:
        return AtCommand(line[2:].strip().upper())
    except ValueError:
        return None


def _said(text: str) -> bytes:
    return f"\r\n{text}\r\n".encode("ascii")
