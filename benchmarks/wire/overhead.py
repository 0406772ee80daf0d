"""How much longer a transaction takes than its octets, on a paced pty.

Wire time is the octets of request and answer back to back and, for Modbus, the silent 3.5
characters before a request. A client pays three things on top: its own work, the time the machine
takes to wake it and the host, and what the emulated line is late. The *bare* client shows the last
two: it writes requests that were made beforehand and counts the octets of the answers. What the
driver takes beyond the bare client in the same run is the driver's.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.clock import WallClock
from bench.units import SECOND
from benchmarks.wire.asker import Asker
from benchmarks.wire.kit import KEYS, MODBUS, Kit, hosted, meter_profile, reference_profile
from drivers.capture.records import CaptureRecord, Passed
from drivers.capture.tee import CapturingTransport
from drivers.codecs.modbus_messages import ReadRegisters
from drivers.codecs.modbus_rtu import ModbusClient
from drivers.dlms_meter import DlmsMeter
from drivers.modbus_unit import ModbusUnit
from drivers.profiles.dlms import Security
from drivers.transport.line import LineSettings
from drivers.transport.opening import open_transport

_ROUNDS = 5
_QUESTION = ReadRegisters(0, 2, inputs=True)
_UNIT = 2


@dataclass(frozen=True, slots=True)
class Overhead:
    """Parts of the wire time: 0.02 is 2 %."""

    driver: float
    bare: float

    def text(self, what: str) -> str:
        return (
            f"{what:<22} over wire time: {self.driver:>6.1%} with the driver, "
            f"{self.bare:>6.1%} bare, so the driver's are {self.driver - self.bare:.1%}"
        )


class _Octets:
    """A capture that only counts."""

    def __init__(self) -> None:
        self.counted = 0

    def store(self, record: CaptureRecord) -> None:
        if isinstance(record, Passed):
            self.counted += sum(len(each) for each in record.segments if isinstance(each, bytes))


def gap(line: LineSettings) -> float:
    """Seconds of the silent 3.5 characters; 1.75 ms above 19200 baud."""
    return line.span(7) / 2 / SECOND if line.baud <= 19_200 else 0.001_75


def dlms(baud: int, reads: int) -> Overhead:
    """GETs in an association with HLS-GMAC."""
    shipped, _ = meter_profile(Security.HLS_GMAC)
    profile = replace(shipped, line=replace(shipped.line, baud=baud))
    line = profile.line.settings
    driver, bare = [], []
    with hosted(Kit(str(Security.HLS_GMAC), baud=baud)) as held:
        path = held.folder / "0"
        for _ in range(_ROUNDS):
            octets = _Octets()
            inner = open_transport(str(path), line, WallClock())
            with CapturingTransport(inner, octets) as transport:
                meter = DlmsMeter("meter", profile, transport, KEYS)
                meter.read_registers()
                octets.counted = 0
                start = time.perf_counter()
                for _ in range(reads):
                    meter.read_registers()
                took = time.perf_counter() - start
            driver.append(took / (line.span(octets.counted) / SECOND) - 1)
            bare.append(_bare_gets(path, line, reads))
    return Overhead(min(driver), min(bare))


def _bare_gets(path: Path, line: LineSettings, reads: int) -> float:
    asker = Asker(path, Security.HLS_GMAC)
    asker.associate()
    requests = asker.prepared(reads)
    took, octets = _bare(asker.descriptor, requests, asker.answer_octets(), 0.0)
    asker.close()
    return took / (line.span(octets) / SECOND) - 1


def modbus(baud: int, reads: int) -> Overhead:
    """Two input registers of the reference meter."""
    shipped = reference_profile()
    profile = replace(shipped, line=replace(shipped.line, baud=baud))
    line = profile.line.settings
    request = ModbusClient().request(_UNIT, _QUESTION)
    answer = 5 + 2 * _QUESTION.count
    wire = reads * (line.span(len(request) + answer) / SECOND + gap(line))
    driver, bare = [], []
    with hosted(Kit(MODBUS, baud=baud)) as held:
        path = held.folder / "0"
        for _ in range(_ROUNDS):
            transport = open_transport(str(path), line, WallClock())
            unit = ModbusUnit("reference-meter", _UNIT, profile.timing, transport)
            unit.read_registers("measure", _QUESTION)
            start = time.perf_counter()
            for _ in range(reads):
                unit.read_registers("measure", _QUESTION)
            driver.append((time.perf_counter() - start) / wire - 1)
            unit.close()
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
            took, _ = _bare(descriptor, [request] * reads, answer, gap(line))
            os.close(descriptor)
            bare.append(took / wire - 1)
    return Overhead(min(driver), min(bare))


def _bare(
    descriptor: int, requests: Sequence[bytes], answer: int, silence: float
) -> tuple[float, int]:
    """Seconds and octets of requests written one after the other, each when the last answer has
    come and the line was silent.
    """
    octets = 0
    start = time.perf_counter()
    for request in requests:
        if silence:
            time.sleep(silence)
        os.write(descriptor, request)
        missing = answer
        while missing > 0:
            if not select.select([descriptor], [], [], 10)[0]:
                raise RuntimeError("the emulated device does not answer")
            missing -= len(os.read(descriptor, missing))
        octets += len(request) + answer
    return time.perf_counter() - start, octets


def lines() -> Iterator[str]:
    for baud, reads in ((9600, 20), (115_200, 100)):
        yield dlms(baud, reads).text(f"DLMS at {baud} baud")
        yield modbus(baud, reads).text(f"Modbus at {baud} baud")
