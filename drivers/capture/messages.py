"""What a capture says once it is read: messages, and the happenings between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bench.units import Micros
from drivers.capture.records import Direction, Noted
from drivers.capture.tape import Tape


class Language(StrEnum):
    """What is spoken on a port, as far as a capture is read."""

    DLMS = "dlms"  # HDLC frames with DLMS, and the IEC 62056-21 messages before them
    IEC62056_21 = "iec62056-21"
    MODBUS = "modbus"
    CONSOLE = "console"  # lines of text, AT commands too
    OCTETS = "octets"  # nothing that is known


@dataclass(frozen=True, slots=True)
class Decoded:
    """What octets mean. `kind` names the message without its values; `trouble`: what is wrong."""

    form: str
    kind: str
    meaning: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, or octets that are none, as they passed."""

    port: str
    direction: Direction
    tape: Tape
    decoded: Decoded

    @property
    def at(self) -> Micros:
        """When its first octet passed."""
        return self.tape.stamps[0]

    @property
    def until(self) -> Micros:
        """When its last octet passed."""
        return self.tape.stamps[-1]


Item = Message | Noted
