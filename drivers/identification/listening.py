"""Listening only: what passes on a line while others talk, decoded. Nothing is ever sent.

A line in the middle hears both sides on one wire. Who speaks is told by what is said: requests and
answers differ in every protocol here. Passwords that pass are stored as their length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.units import MILLISECOND, SECOND, Micros
from drivers.capture.decoding import decode, sniff
from drivers.capture.hiding import Hidden, Segment
from drivers.capture.messages import Item, Language
from drivers.capture.modbus_framing import ModbusFramer
from drivers.capture.records import Direction, Passed
from drivers.capture.tape import Tape
from drivers.codecs.hdlc import FrameKind, FrameReader, HdlcFrame
from drivers.identification.asking import CountedTransport
from drivers.transport.line import LineSettings

Say = Callable[[str], None]
_DWELL: Final = 5 * SECOND
_STORED_AT_MOST: Final = 1_048_576
_TURN: Final = 5 * MILLISECOND
_REQUEST_LINE: Final = re.compile(rb"/\?|\x06[0-9][0-9A-I][0-9A-Z]\r|\x01[PRWEB][0-9]")
_ANSWER_LINE: Final = re.compile(rb"/[A-Za-z]{3}[0-9A-I]|\x02")
_PASSWORDS: Final = (
    re.compile(rb"\x01P[0-9]\x02\(([^)]+)"),  # IEC 62056-21: P1, P2
    re.compile(rb"\xac[\x03-\x7f]\x80[\x01-\x7d](.+)", re.DOTALL),  # AARQ: authentication value
)
_ASKING: Final = (FrameKind.SNRM, FrameKind.DISC)
_ANSWERING: Final = (FrameKind.UA, FrameKind.DM, FrameKind.FRMR)


@dataclass(frozen=True, slots=True)
class Overheard:
    """What was heard. `line` None: nothing was understood; `octets` by line then tells where most
    came. `items`: the messages on `line`.
    """

    port: str
    line: LineSettings | None
    language: Language
    items: tuple[Item, ...]
    octets: dict[str, int]


def overhear(
    transport: CountedTransport, lines: Sequence[LineSettings], span: Micros, say: Say
) -> Overheard:
    """Listens on one line after the other, for `span` in all, and stays where it understands.

    `PortGone` if the port vanishes.
    """
    clock = transport.clock
    ends = clock.now() + span
    octets: dict[str, int] = {}
    kept: dict[str, list[Passed]] = {}
    while True:
        for line in lines:
            transport.set_line(line)
            transport.discard_input()
            until = ends if len(lines) == 1 else min(ends, clock.now() + _DWELL)
            records = _records(transport, until)
            name = str(line)
            octets[name] = octets.get(name, 0) + sum(_size(record) for record in records)
            kept[name] = records
            language = spoken(records)
            say(f"{name}: {octets[name]} octets{_named(language, records)}")
            if language is not Language.OCTETS:
                records += _records(transport, ends)
                return _overheard(transport.port, line, language, records, octets)
            if clock.now() >= ends:
                return Overheard(transport.port, None, Language.OCTETS, (), octets)


def _overheard(
    port: str,
    line: LineSettings,
    language: Language,
    records: list[Passed],
    octets: dict[str, int],
) -> Overheard:
    octets[str(line)] = max(octets[str(line)], sum(_size(record) for record in records))
    items = decode(without_passwords(sided(records, language)), language)
    return Overheard(port, line, language, tuple(items), octets)


def _named(language: Language, records: Sequence[Passed]) -> str:
    if not records:
        return ""
    return " not understood" if language is Language.OCTETS else f", {language}"


def spoken(records: Sequence[Passed]) -> Language:
    """What is spoken, by what can be recognised beyond doubt; a few letters are no console."""
    for language in (Language.DLMS, Language.MODBUS):
        if sniff(sided(records, language)) is language:
            return language
    text = b"".join(_octets(record) for record in records)
    lines = [line for line in re.split(rb"[\r\n]+", text) if line.strip()]
    if sniff(records) is Language.CONSOLE and len(lines) > 1:
        return Language.CONSOLE
    return Language.OCTETS


def sided(records: Iterable[Passed], language: Language) -> list[Passed]:
    """The records with who spoke, turn by turn; where it cannot be told, the device."""
    found: list[Passed] = []
    direction = Direction.IN
    for turn in _turns(records):
        octets = b"".join(_octets(record) for record in turn)
        if language is Language.MODBUS:
            direction = _modbus_side(octets, direction)
        else:
            direction = _meter_side(octets)
        found += [replace(record, direction=direction) for record in turn]
    return found


def _turns(records: Iterable[Passed]) -> list[list[Passed]]:
    turns: list[list[Passed]] = []
    for record in records:
        if turns and record.at - turns[-1][-1].at <= _TURN:
            turns[-1].append(record)
        else:
            turns.append([record])
    return turns


def _meter_side(octets: bytes) -> Direction:
    frames = FrameReader().receive(octets)
    if frames:
        return Direction.OUT if _asks(frames[0]) else Direction.IN
    plain = bytes(octet & 0x7F for octet in octets)
    return Direction.OUT if _REQUEST_LINE.match(plain) else Direction.IN


def _asks(frame: HdlcFrame) -> bool:
    if frame.kind in _ASKING or frame.information.startswith(b"\xe6\xe6\x00"):
        return True
    if frame.kind in _ANSWERING or frame.information.startswith(b"\xe6\xe7\x00"):
        return False
    return frame.source.size == 1 and frame.destination.size > 1


def _modbus_side(octets: bytes, before: Direction) -> Direction:
    """The side on which less of it is damaged; a write is answered with its own octets, so where
    both are sound it is the other side's turn.
    """

    def damaged(direction: Direction) -> int:
        tape = Tape.of((octets,), 0)
        found = ModbusFramer(direction).part(tape)
        return sum(len(piece) for piece, decoded in found if decoded.trouble)

    other = Direction.OUT if before is Direction.IN else Direction.IN
    return min((other, before), key=damaged)


def without_passwords(records: Iterable[Passed]) -> list[Passed]:
    """The records with what a client showed as its password cut out, also over several of them."""
    found: list[Passed] = []
    for turn in _turns(records):
        octets = b"".join(_octets(record) for record in turn)
        spans = _password_spans(octets)
        start = 0
        for record in turn:
            size = _size(record)
            found.append(replace(record, segments=_cut(_octets(record), start, spans)))
            start += size
    return found


def _password_spans(octets: bytes) -> list[tuple[int, int]]:
    plain = bytes(octet & 0x7F for octet in octets)
    spans = [match.span(1) for match in _PASSWORDS[0].finditer(plain)]
    for match in _PASSWORDS[1].finditer(octets):
        start, size = match.start(1), octets[match.start(1) - 1]
        spans.append((start, min(start + size, len(octets))))
    return spans


def _cut(octets: bytes, start: int, spans: Iterable[tuple[int, int]]) -> tuple[Segment, ...]:
    segments: list[Segment] = []
    done = 0
    for first, last in spans:
        begin, end = max(first - start, done), min(last - start, len(octets))
        if begin < end:
            segments += [octets[done:begin], Hidden(end - begin, "a password that was heard")]
            done = end
    segments.append(octets[done:])
    return tuple(segment for segment in segments if segment)


def _records(transport: CountedTransport, until: Micros) -> list[Passed]:
    records: list[Passed] = []
    stored = 0
    while data := transport.read(until):
        if stored < _STORED_AT_MOST:
            stored += len(data)
            records.append(Passed(transport.received_at, transport.port, Direction.IN, (data,)))
        if transport.clock.now() >= until:
            break
    return records


def _octets(record: Passed) -> bytes:
    return b"".join(segment for segment in record.segments if isinstance(segment, bytes))


def _size(record: Passed) -> int:
    return len(_octets(record))
