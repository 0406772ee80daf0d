"""From a capture's records to its messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.units import SECOND, Micros
from drivers.capture.framing import Framer, OctetsFramer
from drivers.capture.line_framing import LineFramer
from drivers.capture.messages import Item, Language, Message
from drivers.capture.meter_framing import MeterFramer
from drivers.capture.modbus_framing import ModbusFramer
from drivers.capture.records import CaptureRecord, Direction, Happening, Noted, Passed
from drivers.capture.tape import Tape

_SILENCE: Final[Micros] = SECOND
"""A side that paused for so long begins anew."""
_STARTS_ANEW: Final = (Happening.OPENED, Happening.LINE, Happening.GONE, Happening.REOPENED)
_TEXT_AT_LEAST: Final = 0.9


@dataclass(slots=True)
class _Burst:
    """What one side of a port said in one go."""

    direction: Direction
    tapes: list[Tape] = field(default_factory=list)

    @property
    def until(self) -> Micros:
        return self.tapes[-1].stamps[-1]

    def tape(self) -> Tape:
        return Tape(
            b"".join(tape.octets for tape in self.tapes),
            tuple(name for tape in self.tapes for name in tape.names),
            tuple(stamp for tape in self.tapes for stamp in tape.stamps),
        )


def decode(records: Iterable[CaptureRecord], language: Language | None = None) -> list[Item]:
    """Messages and happenings, port by port in the order they passed, merged by time.

    `language` None: each port's is found out from what passed there. Every stored octet is in one
    message; nothing that a capture may hold makes this raise.
    """
    by_port: dict[str, list[CaptureRecord]] = {}
    for record in records:
        by_port.setdefault(record.port, []).append(record)
    items: list[tuple[Micros, Item]] = []
    for held in by_port.values():
        spoken = language or sniff(held)
        latest: Micros = 0
        for item in _decode_port(held, spoken):
            # A clock set back must not tear a port's own order apart.
            latest = max(latest, item.at)
            items.append((latest, item))
    items.sort(key=lambda timed: timed[0])
    return [item for _, item in items]


def sniff(records: Sequence[CaptureRecord]) -> Language:
    """The language of one port, by what can be recognised beyond doubt.

    An HDLC frame or a sign-on is proof enough. A Modbus CRC fits by chance once in a while, so half
    of what passed must be sound.
    """
    passed = [record for record in records if isinstance(record, Passed)]
    tapes = [
        (burst.direction, burst.tape()) for burst in _bursts(passed) if isinstance(burst, _Burst)
    ]
    meter = _framers(Language.DLMS)
    for direction, tape in tapes:
        meter[direction].part(tape)
        if meter[direction].sound:
            return Language.DLMS
    total = sum(len(tape) for _, tape in tapes)
    # Before Modbus, of which every frame has octets that are no text, and whose sums take long.
    text = sum(_is_text(octet) for _, tape in tapes for octet in tape.octets)
    if text and text >= _TEXT_AT_LEAST * total:
        return Language.CONSOLE
    modbus = _framers(Language.MODBUS)
    sound = sum(
        len(piece)
        for direction, tape in tapes
        for piece, decoded in modbus[direction].part(tape)
        if not decoded.trouble
    )
    return Language.MODBUS if sound and 2 * sound >= total else Language.OCTETS


def _is_text(octet: int) -> bool:
    return 0x20 <= octet < 0x7F or octet in b"\t\r\n"


def _framers(language: Language) -> dict[Direction, Framer]:
    match language:
        case Language.DLMS | Language.IEC62056_21:
            hdlc = language is Language.DLMS
            return {each: MeterFramer(each, hdlc=hdlc) for each in Direction}
        case Language.MODBUS:
            return {each: ModbusFramer(each) for each in Direction}
        case Language.CONSOLE:
            return {each: LineFramer() for each in Direction}
        case Language.OCTETS:
            return {each: OctetsFramer() for each in Direction}


def _decode_port(records: Sequence[CaptureRecord], language: Language) -> list[Item]:
    framers = _framers(language)
    items: list[Item] = []
    for burst in _bursts(records):
        if isinstance(burst, Noted):
            items.append(burst)
            if burst.happening in _STARTS_ANEW:
                for framer in framers.values():
                    if isinstance(framer, MeterFramer):
                        framer.line_changed()
            continue
        for tape, decoded in framers[burst.direction].part(burst.tape()):
            items.append(Message(records[0].port, burst.direction, tape, decoded))
    return items


def _bursts(records: Iterable[CaptureRecord]) -> list[_Burst | Noted]:
    bursts: list[_Burst | Noted] = []
    for record in records:
        if isinstance(record, Noted):
            bursts.append(record)
            continue
        tape = Tape.of(record.segments, record.at)
        if not tape.octets:
            continue
        last = bursts[-1] if bursts else None
        if (
            not isinstance(last, _Burst)
            or last.direction is not record.direction
            or record.at - last.until > _SILENCE
        ):
            last = _Burst(record.direction)
            bursts.append(last)
        last.tapes.append(tape)
    return bursts
