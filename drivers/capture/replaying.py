"""A capture's requests said again, to an emulator or to kit.

What goes out is what went out; what comes back is stored in a new capture, so that a replay is
compared like any two sessions. Line settings follow the capture. Key material is not in a capture:
a request that holds some goes out only if the caller has the key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bench.errors import PortGone, UsageError
from bench.secret import Secret
from bench.units import MILLISECOND, SECOND, Micros
from drivers.capture.hiding import Hidden
from drivers.capture.records import (
    CaptureList,
    CaptureRecord,
    Direction,
    Happening,
    Noted,
    Passed,
)
from drivers.capture.tee import CapturingTransport
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan, Transport

_PAUSE_AT_MOST: Final = SECOND
_SILENCE: Final = 200 * MILLISECOND
_ANSWER_WITHIN: Final = 5 * SECOND
_SETTINGS: Final = (Happening.OPENED, Happening.LINE, Happening.REOPENED)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The session that came of it; `withheld`: for each missing key, how many requests it cost."""

    records: list[CaptureRecord]
    withheld: dict[str, int] = field(default_factory=dict)

    def renamed(self, port: str) -> list[CaptureRecord]:
        """The same session as if it had passed at `port`."""
        return [replace(record, port=port) for record in self.records]


def only_port(records: Sequence[CaptureRecord], port: str | None) -> list[CaptureRecord]:
    """The records of one port. `UsageError` if it is not there, or there are several."""
    ports = list(dict.fromkeys(record.port for record in records))
    if not ports:
        raise UsageError("the capture is empty: there is nothing to replay")
    if port is None and len(ports) > 1:
        raise UsageError(f"the capture has several ports: {', '.join(ports)}", hint="--port NAME")
    if port is not None and port not in ports:
        raise UsageError(f"the capture has no port {port}; it has {', '.join(ports)}")
    chosen = port or ports[0]
    return [record for record in records if record.port == chosen]


def first_line(records: Sequence[CaptureRecord]) -> LineSettings:
    """The settings the session began with; 9600 8N1 where the capture does not say."""
    for record in records:
        if isinstance(record, Noted) and record.happening in _SETTINGS:
            return _settings(record) or LineSettings()
    return LineSettings()


def replay(
    records: Sequence[CaptureRecord], transport: Transport, secrets: Mapping[str, Secret]
) -> Replayed:
    """Says what the bench said on one port (`only_port`), each time after as much as came before.

    After a request it waits for as many octets as came then, at most as long as then and 5 s more,
    and until the line is silent. Pauses of the bench are kept up to 1 s. A port that vanishes ends
    the replay: the differences show where. Closes the transport.
    """
    stored = CaptureList()
    tee = CapturingTransport(transport, stored)
    replayed = Replayed(stored.records)
    clock = tee.clock
    said_at: Micros | None = None
    try:
        for place, record in enumerate(records):
            if isinstance(record, Noted):
                settings = _settings(record) if record.happening is Happening.LINE else None
                if settings is not None:
                    tee.set_line(settings)
            elif record.direction is Direction.OUT:
                if said_at is not None:
                    pause = min(max(0, record.at - said_at), _PAUSE_AT_MOST)
                    clock.sleep_until(clock.now() + pause)
                missing = _send(tee, record, secrets)
                if missing:
                    replayed.withheld[missing] = replayed.withheld.get(missing, 0) + 1
                said_at = record.at
                awaited, until = _answer_to(records, place)
                if awaited:
                    _hear(tee, awaited, until - record.at)
                    said_at = until
    except PortGone:
        pass  # noted in the capture by the tee
    finally:
        tee.close()
    return replayed


def _settings(record: Noted) -> LineSettings | None:
    try:
        return LineSettings.parse(record.detail)
    except ValueError:
        return None


def _answer_to(records: Sequence[CaptureRecord], place: int) -> tuple[int, Micros]:
    """How many octets came before the bench spoke again, and when the last of them."""
    count, until = 0, records[place].at
    for record in records[place + 1 :]:
        if isinstance(record, Passed):
            if record.direction is Direction.OUT:
                break
            count += sum(
                segment.length if isinstance(segment, Hidden) else len(segment)
                for segment in record.segments
            )
            until = record.at
    return count, until


def _hear(tee: CapturingTransport, awaited: int, took: Micros) -> None:
    latest = tee.clock.now() + max(0, took) + _ANSWER_WITHIN
    while awaited > 0:
        data = tee.read(latest)
        if not data:
            return
        awaited -= len(data)
    while tee.read(tee.clock.now() + _SILENCE) and tee.clock.now() < latest:
        pass


def _send(tee: CapturingTransport, record: Passed, secrets: Mapping[str, Secret]) -> str:
    """Sends it; or returns the name of the key that is missing, and sends nothing."""
    data = b""
    spans: list[SecretSpan] = []
    for segment in record.segments:
        if isinstance(segment, bytes):
            data += segment
            continue
        secret = secrets.get(segment.reference)
        octets = None if secret is None else _in_form(secret.reveal(), segment.length)
        if octets is None:
            return segment.reference
        spans.append(SecretSpan(len(data), len(data) + len(octets), segment.reference))
        data += octets
    tee.write(data, spans)
    return ""


def _in_form(key: bytes, length: int) -> bytes | None:
    """The key as it was sent, by its length: as octets or as hexadecimal text."""
    if length == len(key):
        return key
    return key.hex().encode("ascii") if length == 2 * len(key) else None
