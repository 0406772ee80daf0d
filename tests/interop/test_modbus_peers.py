"""Our emulated bench kit driven by mbpoll, and our drivers against pymodbus' own server.

mbpoll (libmodbus) is found on the PATH: Debian has it as the package `mbpoll`. pymodbus is a
dependency, but its server is independent of our emulators. `pytest -s` prints the versions.
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import shutil
import subprocess
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pymodbus
import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from bench.clock import WallClock
from bench.units import MILLISECOND
from drivers import modbus_reference_meter, modbus_relay_board
from drivers.profiles.modbus import ReadBack
from drivers.profiles.profile import Profile, TimingProfile
from tests.wire.kit_on_wire import BOARD, METER, Home, home, quick
from tests.wire.pty_host import PtyHost

MBPOLL = shutil.which("mbpoll")
needs_mbpoll = pytest.mark.skipif(
    MBPOLL is None, reason="mbpoll is not on the PATH; Debian has it: apt-get install mbpoll"
)


@contextmanager
def emulated_kit(folder: Path) -> Iterator[tuple[Home, Path]]:
    clock = WallClock()
    place = home(clock)
    host = PtyHost(folder / "rs485", clock)
    place.hang_bench_kit(host, quick(BOARD), quick(METER))
    try:
        yield place, host.path
    finally:
        host.close()


def mbpoll(path: Path, *arguments: str, ok: bool = True) -> str:
    assert MBPOLL is not None
    line = ["-m", "rtu", "-b", "9600", "-P", "none", "-o", "2", "-1"]
    done = subprocess.run(
        [MBPOLL, *line, *arguments[:-1], str(path), *arguments[-1].split()],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def values(said: str) -> list[int]:
    return [int(number) for number in re.findall(r"^\[\d+\]:\s+(-?\d+)", said, re.MULTILINE)]


@needs_mbpoll
def test_mbpoll_reads_and_switches_the_relay_board(tmp_path: Path) -> None:
    assert MBPOLL is not None
    print(subprocess.run([MBPOLL, "-V"], capture_output=True, text=True, check=False).stdout)
    with emulated_kit(tmp_path) as (place, path):
        contacts = ("-a", "1", "-t", "1", "-r", "1", "-c", "8", "")
        coils = ("-a", "1", "-t", "0", "-r", "1", "-c", "8", "")
        assert values(mbpoll(path, *contacts)) == [1] * 8
        assert values(mbpoll(path, *coils)) == [0] * 8, "normally closed: fed while the coil is off"
        assert "Written 1 references" in mbpoll(path, "-a", "1", "-t", "0", "-r", "1", "1")
        assert place.electricity.power_cuts[-1][1] is None, "cut"
        assert values(mbpoll(path, *contacts)) == [0, 1, 1, 1, 1, 1, 1, 1]
        assert "Written 3 references" in mbpoll(path, "-a", "1", "-t", "0", "-r", "1", "0 1 1")
        assert place.electricity.powered
        assert not place.hub.powered
        assert values(mbpoll(path, *coils)) == [0, 1, 1, 0, 0, 0, 0, 0]


@needs_mbpoll
def test_mbpoll_reads_the_reference_meter(tmp_path: Path) -> None:
    with emulated_kit(tmp_path) as (place, path):
        voltage, *rest = values(mbpoll(path, "-a", "2", "-t", "3", "-r", "1", "-c", "5", ""))
        measured = place.witness.measure()
        assert voltage == int(measured.voltage_v * 10)
        assert rest[0] << 16 | rest[1] == int(measured.power_w * 10)
        refused = mbpoll(path, "-a", "2", "-t", "3", "-r", "6", "-c", "1", "", ok=False)
        assert "Illegal data address" in refused
        refused = mbpoll(path, "-a", "2", "-t", "0", "-r", "1", "1", ok=False)
        assert "Illegal function" in refused


@needs_mbpoll
def test_mbpoll_sees_a_stuck_relay(tmp_path: Path) -> None:
    with emulated_kit(tmp_path) as (place, path):
        place.board.stick(1)
        mbpoll(path, "-a", "1", "-t", "0", "-r", "1", "1")
        assert values(mbpoll(path, "-a", "1", "-t", "0", "-r", "1", "-c", "1", "")) == [1]
        assert values(mbpoll(path, "-a", "1", "-t", "1", "-r", "1", "-c", "1", "")) == [1]


PEER_TIMING = TimingProfile(3_000 * MILLISECOND, MILLISECOND, 100 * MILLISECOND)


def peer_profile(profile: Profile) -> Profile:
    profile = replace(profile, timing=PEER_TIMING)
    modbus = profile.modbus
    if modbus is None or modbus.relay_board is None:
        return profile
    board = replace(modbus.relay_board, read_back=ReadBack.COILS, closed_when=True)
    return replace(profile, modbus=replace(modbus, relay_board=board))


def devices() -> list[SimDevice]:
    """A board with every coil on, and a meter: 230.4 V, -151.2 W, 70.123 kWh."""
    unused = SimData(0, values=0, datatype=DataType.REGISTERS)
    bits = [SimData(0, values=[True] * 16, datatype=DataType.BITS)]
    words = [SimData(0, values=[2304, 0xFFFF, 0xFA18, 1, 4587], datatype=DataType.REGISTERS)]
    return [
        SimDevice(1, simdata=(bits, bits, [unused], [unused])),
        SimDevice(2, simdata=(bits, bits, [unused], words)),
    ]


class Server:
    """pymodbus' server on a thread of its own, with its own event loop."""

    def __init__(
        self, make: type[ModbusTcpServer] | type[ModbusSerialServer], **where: object
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._make = make
        self._where = where
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._server = self._make(devices(), framer=FramerType.RTU, **self._where)  # type: ignore[arg-type]
        await self._server.serve_forever(background=True)
        self._stop = asyncio.Event()
        self._ready.set()
        await self._stop.wait()
        await self._server.shutdown()  # type: ignore[no-untyped-call]

    @property
    def tcp_port(self) -> int:
        transport = self._server.transport
        assert isinstance(transport, asyncio.Server)
        return int(transport.sockets[0].getsockname()[1])

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


class NullModem:
    """Two ptys, each the other's end: pymodbus opens one, our driver the other."""

    def __init__(self) -> None:
        self._masters, ends = [], []
        for _ in range(2):
            master, slave = pty.openpty()
            tty.setraw(slave)
            self._masters.append(master)
            ends.append(slave)
        self._slaves = ends
        self.one, self.other = (os.ttyname(end) for end in ends)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def _copy(self) -> None:
        across = dict(zip(self._masters, reversed(self._masters), strict=True))
        while True:
            readable, _, _ = select.select([*self._masters, self._stop_read], [], [])
            if self._stop_read in readable:
                return
            for master in readable:
                with suppress(OSError):
                    os.write(across[master], os.read(master, 4096))

    def close(self) -> None:
        os.write(self._stop_write, b"\0")
        self._thread.join(10)
        for descriptor in (*self._masters, *self._slaves, self._stop_read, self._stop_write):
            os.close(descriptor)


@pytest.fixture(params=["pty", "tcp"])
def peer_port(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    # The system gives a pty's number to the next one; another test run may still hold its lock.
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    if request.param == "tcp":
        server = Server(ModbusTcpServer, address=("127.0.0.1", 0))
        yield f"socket://127.0.0.1:{server.tcp_port}"
        server.close()
        return
    line = NullModem()
    server = Server(ModbusSerialServer, port=line.one, baudrate=9600)
    yield line.other
    server.close()
    line.close()


def test_our_relay_driver_switches_a_pymodbus_server(peer_port: str) -> None:
    print(f"pymodbus {pymodbus.__version__}")
    board = modbus_relay_board.connect(peer_port, profile=peer_profile(BOARD))
    try:
        assert board.channel_closed(3)
        board.set_channel(3, closed=False)
        assert [board.channel_closed(channel) for channel in (2, 3, 4)] == [True, False, True]
        board.set_channel(3, closed=True)
        assert board.channel_closed(3)
    finally:
        board.close()


def test_our_meter_driver_reads_a_pymodbus_server(peer_port: str) -> None:
    meter = modbus_reference_meter.connect(peer_port, profile=peer_profile(METER))
    try:
        measured = meter.measure()
    finally:
        meter.close()
    assert measured.voltage_v == Decimal("230.4")
    assert measured.power_w == Decimal("-151.2")
    assert measured.energy_kwh == Decimal("70.123")
