"""Transactions per second and CPU per transaction: our drivers and peers, on a pty not paced.

Every client asks for the same register in the same run, one after the other, several rounds in
turn; of each the best round counts. Ours is the whole driver: time-outs, stamps, error mapping.
The DLMS peers (Gurux, dlms-cosem) are their packages over a bare descriptor, in the Python that
SMETS1_BENCH_PEERS names; without it they are left out. pymodbus is its own client.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pymodbus.client import AsyncModbusSerialClient, ModbusSerialClient

from benchmarks.wire.kit import KEYS, MODBUS, Kit, hosted, meter_profile, reference_profile
from drivers.codecs.modbus_messages import ReadRegisters
from drivers.dlms_meter import connect
from drivers.modbus_unit import ModbusUnit
from drivers.opening import open_with
from drivers.profiles.dlms import Security, first_counter

_PEERS = os.environ.get("SMETS1_BENCH_PEERS")
_SCRIPTS = Path(__file__).parents[2] / "tests" / "interop" / "peers"
_ROUNDS = 4
_TITLE = b"SMB\x00\x00\x00\x00\x09"
_UNIT, _REGISTER, _WORDS = 2, 0, 2


@dataclass(frozen=True, slots=True)
class Rate:
    """The best of several rounds: transactions per second of wall time; seconds of CPU for each."""

    per_second: float
    cpu: float

    def best(self, other: Rate | None) -> Rate:
        if other is None:
            return self
        return Rate(max(self.per_second, other.per_second), min(self.cpu, other.cpu))


def timed(ask: Callable[[], object], reads: int) -> Rate:
    start, spent = time.perf_counter(), time.process_time()
    for _ in range(reads):
        ask()
    took, cpu = time.perf_counter() - start, time.process_time() - spent
    return Rate(reads / took, cpu / reads)


def dlms(security: Security, reads: int) -> dict[str, Rate]:
    """A register's value with GET."""
    best: dict[str, Rate] = {}
    with hosted(Kit(str(security))) as held:
        path = held.folder / "0"
        for number in range(1, _ROUNDS + 1):
            found = {"ours": _our_gets(path, security, reads)}
            for place, name in enumerate(("gurux", "dlms_cosem") if _PEERS else ()):
                counter = first_counter(number * 1000 + place * 500)
                found[name] = _peer_gets(f"meter_with_{name}.py", path, security, reads, counter)
            best = {name: rate.best(best.get(name)) for name, rate in found.items()}
    return best


def _our_gets(path: Path, security: Security, reads: int) -> Rate:
    profile, _ = meter_profile(security)
    meter = connect(str(path), profile=profile, keys=KEYS)
    meter.read_registers()
    rate = timed(meter.read_registers, reads)
    meter.close()
    return rate


def _peer_gets(script: str, path: Path, security: Security, reads: int, counter: int) -> Rate:
    _, part = meter_profile(security)
    assert KEYS.reader is not None
    assert KEYS.authentication is not None
    assert _PEERS is not None
    asked = {
        "port": str(path),
        "client": part.clients.reader.address,
        "security": str(security),
        "clock": part.clock,
        "register": part.registers[0].object,
        "title": _TITLE.hex(),
        "encryption": KEYS.reader.reveal().hex(),
        "authentication": KEYS.authentication.reveal().hex(),
        "counter": counter,
        "reads": reads,
    }
    done = subprocess.run(
        [_PEERS, str(_SCRIPTS / script)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return Rate(float(answer["per_second"]), float(answer["cpu"]))


def modbus(reads: int) -> dict[str, Rate]:
    """Two input registers, 9600 baud by name: a client that waits 3.5 characters waits them."""
    best: dict[str, Rate] = {}
    with hosted(Kit(MODBUS)) as held:
        port = str(held.folder / "0")
        clients = {"ours": _ours, "pymodbus": _sync, "pymodbus async": _async}
        for _ in range(_ROUNDS):
            for name, measure in clients.items():
                best[name] = measure(port, reads).best(best.get(name))
    return best


def _ours(port: str, reads: int) -> Rate:
    profile, transport = open_with(reference_profile(), port)
    unit = ModbusUnit("reference-meter", _UNIT, profile.timing, transport)
    question = ReadRegisters(_REGISTER, _WORDS, inputs=True)
    try:
        return timed(lambda: unit.read_registers("measure", question), reads)
    finally:
        unit.close()


def _sync(port: str, reads: int) -> Rate:
    client = ModbusSerialClient(port, baudrate=9600)
    assert client.connect()

    def ask() -> None:
        answer = client.read_input_registers(_REGISTER, count=_WORDS, device_id=_UNIT)
        assert not answer.isError(), answer

    try:
        return timed(ask, reads)
    finally:
        client.close()


def _async(port: str, reads: int) -> Rate:
    async def run() -> Rate:
        client = AsyncModbusSerialClient(port, baudrate=9600)
        assert await client.connect()
        start, spent = time.perf_counter(), time.process_time()
        for _ in range(reads):
            answer = await client.read_input_registers(_REGISTER, count=_WORDS, device_id=_UNIT)
            assert not answer.isError(), answer
        took, cpu = time.perf_counter() - start, time.process_time() - spent
        client.close()
        return Rate(reads / took, cpu / reads)

    return asyncio.run(run())


def lines(what: str, rates: dict[str, Rate]) -> Iterator[str]:
    ours = rates["ours"]
    for name, rate in rates.items():
        ratio = ""
        if name != "ours":
            faster, cheaper = ours.per_second / rate.per_second, rate.cpu / ours.cpu
            ratio = f"  ours: {faster:.2f} x the rate, 1/{cheaper:.2f} of the CPU"
        spent = f"{rate.per_second:>8,.0f}/s {rate.cpu * 1e6:>6,.0f} µs of CPU"
        yield f"{what:<24} {name:<15} {spent}{ratio}"
