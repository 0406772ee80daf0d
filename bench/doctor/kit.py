"""The bench's own kit: relays are read back, the reference meter measures; nothing is switched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from bench.clock import Clock
from bench.devices import PowerSwitch
from bench.devices import ReferenceMeter as Reference
from bench.doctor.devices import at_the_port
from bench.doctor.finding import Condition, Finding
from bench.doctor.machine import Machine, permission
from bench.errors import BenchError, UsageError
from bench.plugins import DRIVERS, load
from bench.station.form import Kit, ReferenceMeterEntry, RelayBoardEntry
from bench.units import format_instant

_BOARD, _METER = "relay-board", "reference-meter"


def kit(entries: Kit, named: str, machine: Machine, clock: Clock) -> Iterator[Finding]:
    """`named`: the station, for the commands that are proposed."""
    board, meter = entries.relay_board, entries.reference_meter
    if board is None and meter is None:
        return
    refused = [
        finding
        for subject, entry in ((_BOARD, board), (_METER, meter))
        if entry is not None
        for finding in permission(machine, subject, entry.port)
    ]
    yield from refused
    if refused:
        return
    lines: Any = load(DRIVERS, "lines")
    try:
        opened = lines.BenchKit(
            board and lines.KitPort(board.port, board.profile),
            meter and lines.KitPort(meter.port, meter.profile),
            clock,
        )
    except (BenchError, UsageError) as error:
        yield at_the_port(_BOARD if board is not None else _METER, error)
        return
    try:
        if board is not None:
            yield from _relays(opened.board, board, named)
        if meter is not None:
            yield _measured(opened.meter, meter)
            yield from _calibration(meter, clock)
    finally:
        opened.close()


def _relays(board: PowerSwitch, entry: RelayBoardEntry, named: str) -> Iterator[Finding]:
    for device, channel in entry.feeds.items():
        where = f"channel {channel}, which feeds {device}"
        try:
            closed = board.channel_closed(channel)
        except BenchError as error:
            step = f"smets1-bench profile check {entry.profile} --port {entry.port}"
            yield Finding(_BOARD, Condition.MISSING, str(error), step)
            return
        if closed:
            yield Finding(_BOARD, Condition.OK, f"{where}: on")
        else:
            step = f"if that is not meant: smets1-bench power {named} {device} on"
            yield Finding(_BOARD, Condition.ATTENTION, f"{where}: off", step)


def _measured(meter: Reference, entry: ReferenceMeterEntry) -> Finding:
    try:
        found = meter.measure()
    except BenchError as error:
        step = f"smets1-bench profile check {entry.profile} --port {entry.port}"
        return Finding(_METER, Condition.MISSING, str(error), step)
    said = f"{found.voltage_v} V, {found.power_w} W, {found.energy_kwh} kWh"
    return Finding(_METER, Condition.OK, f"measures the feed of {entry.measures}: {said}")


def _calibration(entry: ReferenceMeterEntry, clock: Clock) -> Iterator[Finding]:
    calibration = entry.calibration
    if calibration is None:
        yield Finding(
            _METER,
            Condition.ATTENTION,
            "the station file names no calibration",
            "name serial number, certificate, due and uncertainty under calibration:",
        )
        return
    today = date.fromisoformat(format_instant(clock.now())[:10])
    if calibration.due < today:
        detail = f"certificate {calibration.certificate} was due on {calibration.due}"
        yield Finding(_METER, Condition.ATTENTION, detail, "have it calibrated")
