"""The emulated kit that is measured: meters, or a reference meter, in a process of their own.

Nothing reacts with a delay of its own: what is measured is the line, the driver and the host.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import IO

from bench.clock import WallClock
from bench.demo_keys import demo_key
from bench.devices import KeySlot, PaymentMode, Role
from bench.installation import DeviceSpec
from bench.units import MILLISECOND, SECOND
from drivers.profiles.dlms import DlmsProfile, Security, secured
from drivers.profiles.dlms_keys import MeterKeys, demo_meter_keys
from drivers.profiles.profile import Profile, TimingProfile, read_profile
from drivers.transport.line import LineSettings
from drivers.transport.memory import WirePeer
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.relay_board import RelayBoard
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.hosts import Hosting
from emulators.wire.modbus import ModbusDevices, ReferenceMeterUnit
from emulators.wire.pty_end import PtyEnd

_EUI64 = "70-B3-D5-1F-30-00-A0-01"
_SPEC = DeviceSpec("meter", Role.ELECTRICITY_METER, "SN1", _EUI64, "Example Meters", "M1", "1.0")
_TIMING = TimingProfile(10 * SECOND, 0, 50 * MILLISECOND)
MODBUS = "modbus"
"""In place of a security: the reference meter."""
KEYS: MeterKeys = demo_meter_keys(_EUI64)


def meter_profile(security: Security) -> tuple[Profile, DlmsProfile]:
    shipped = read_profile("generic-dlms-electricity")
    assert shipped.dlms is not None
    part = secured(shipped.dlms, security)
    return replace(shipped, dlms=part, timing=_TIMING), part


def reference_profile() -> Profile:
    return replace(read_profile("generic-modbus-reference-meter"), timing=_TIMING)


@dataclass(frozen=True, slots=True)
class Kit:
    """`what`: a security of meters, or `MODBUS`. `baud` 0: not paced."""

    what: str
    count: int = 1
    baud: int = 0


def serve(folder: Path, kit: Kit) -> None:
    """Serves `folder/0` and so on until standard input ends. Then it prints the CPU it spent, in
    seconds since it was sent a line.
    """
    clock = WallClock()
    line = LineSettings(kit.baud or 9600)
    with Hosting(clock) as hosting:
        for number in range(kit.count):
            end = hosting.pty(folder / str(number), line, paced=bool(kit.baud))
            end.attach(_device(kit, clock, end))
        print("ready", flush=True)
        sys.stdin.readline()
        before = time.process_time()
        sys.stdin.read()
        print(time.process_time() - before, flush=True)


def _device(kit: Kit, clock: WallClock, end: PtyEnd) -> WirePeer:
    keys = [(slot, demo_key(_EUI64, slot)) for slot in KeySlot]
    model = ElectricityMeter(_SPEC, clock, PaymentMode.CREDIT, keys)
    if kit.what == MODBUS:
        profile = reference_profile()
        assert profile.modbus is not None
        board = RelayBoard(clock, 1, {1: [model]})
        unit = ReferenceMeterUnit(ReferenceMeter(clock, board, 1, Decimal(1)), profile)
        return ModbusDevices([unit], clock, end.send)
    profile, _ = meter_profile(Security(kit.what))
    return DlmsMeter(model, profile, KEYS, end)


class Hosted:
    """`folder` holds the ports. `cpu`: seconds its process spent after `begin`, known last."""

    def __init__(self, folder: Path, begin: IO[bytes]) -> None:
        self.folder = folder
        self.cpu = 0.0
        self._begin = begin

    def begin(self) -> None:
        self._begin.write(b"\n")
        self._begin.flush()


@contextmanager
def hosted(kit: Kit) -> Iterator[Hosted]:
    """Kit being served by another process."""
    with tempfile.TemporaryDirectory() as folder:
        how = [folder, kit.what, str(kit.count), str(kit.baud)]
        serving = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.wire", "--host", *how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert serving.stdin is not None
        assert serving.stdout is not None
        serving.stdout.readline()
        held = Hosted(Path(folder), serving.stdin)
        try:
            yield held
        finally:
            serving.stdin.close()
            held.cpu = float(serving.stdout.readline() or 0)
            serving.wait(10)
