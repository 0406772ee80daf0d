"""`python -m benchmarks.wire`: an emulated meter on a pty, read by our driver and by peers.

1. GETs per second: the meter reacts at once and is not paced. Every client reads the same register
   in the same run, one after the other, several rounds in turn; the best round counts. The peers
   (Gurux, dlms-cosem) run in the Python that SMETS1_BENCH_PEERS names; without it only ours is
   measured. Ours is the whole driver: time-outs, the port's reader thread, error mapping. The peers
   are their packages over a bare descriptor.
2. The driver's time over the bare time of the octets on a paced pty.
3. A fleet of 400 meters in one process, each asked again as soon as it has answered.

The meters are hosted in a process of their own. `--reads N` sets how many GETs make a round.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.clock import WallClock
from bench.demo_keys import demo_key
from bench.devices import KeySlot, PaymentMode, Role
from bench.installation import DeviceSpec
from bench.units import MILLISECOND, SECOND
from drivers.capture.records import CaptureRecord, Passed
from drivers.capture.tee import CapturingTransport
from drivers.codecs.dlms_client import ClientSettings, DlmsClient
from drivers.codecs.dlms_events import Completed
from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.hdlc_events import Connect, Connected, Data
from drivers.codecs.hdlc_link import HdlcLink
from drivers.codecs.hdlc_link import Role as LinkRole
from drivers.codecs.obis import obis
from drivers.dlms_meter import DlmsMeter as MeterDriver
from drivers.dlms_meter import connect
from drivers.profiles.dlms import DlmsProfile, Security, first_counter, secured
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, TimingProfile, read_profile
from drivers.transport.line import LineSettings
from drivers.transport.opening import open_transport
from emulators.models.electricity_meter import ElectricityMeter
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.hosts import Hosting

_EUI64 = "70-B3-D5-1F-30-00-A0-01"
_PEERS = os.environ.get("SMETS1_BENCH_PEERS")
_SCRIPTS = Path(__file__).parents[1] / "tests" / "interop" / "peers"
_ROUNDS = 3
_TITLE = b"SMB\x00\x00\x00\x00\x09"


def _profile(security: Security) -> tuple[Profile, DlmsProfile]:
    shipped = read_profile("generic-dlms-electricity")
    assert shipped.dlms is not None
    part = secured(shipped.dlms, security)
    timing = TimingProfile(10 * SECOND, 0, 50 * MILLISECOND)
    return replace(shipped, dlms=part, timing=timing), part


def host(folder: Path, meters: int, security: Security, baud: int) -> None:
    """Serves meters at `folder/0` and so on until standard input ends. `baud` 0: not paced."""
    clock = WallClock()
    spec = DeviceSpec("meter", Role.ELECTRICITY_METER, "SN1", _EUI64, "Example Meters", "M1", "1.0")
    profile, _ = _profile(security)
    line = LineSettings(baud or 9600)
    with Hosting(clock) as hosting:
        for number in range(meters):
            keys = [(slot, demo_key(_EUI64, slot)) for slot in KeySlot]
            model = ElectricityMeter(spec, clock, PaymentMode.CREDIT, keys)
            end = hosting.pty(folder / str(number), line, paced=bool(baud))
            end.attach(DlmsMeter(model, profile, demo_meter_keys(_EUI64), end))
        print("ready", flush=True)
        sys.stdin.read()


@contextmanager
def hosted(security: Security, *, meters: int = 1, baud: int = 0) -> Iterator[Path]:
    """The folder of the meters' ports."""
    with tempfile.TemporaryDirectory() as folder:
        how = [folder, str(meters), str(security), str(baud)]
        serving = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.wire", "--host", *how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert serving.stdin is not None
        assert serving.stdout is not None
        serving.stdout.readline()
        try:
            yield Path(folder)
        finally:
            serving.stdin.close()
            serving.wait(10)


def ours(path: Path, security: Security, reads: int) -> float:
    profile, _ = _profile(security)
    meter = connect(str(path), profile=profile, keys=demo_meter_keys(_EUI64))
    meter.read_registers()
    start = time.perf_counter()
    for _ in range(reads):
        meter.read_registers()
    rate = reads / (time.perf_counter() - start)
    meter.close()
    return rate


def peer(script: str, path: Path, security: Security, reads: int, counter: int) -> float:
    _, part = _profile(security)
    keys = demo_meter_keys(_EUI64)
    assert keys.reader is not None
    assert keys.authentication is not None
    assert _PEERS is not None
    asked = {
        "port": str(path),
        "client": part.clients.reader.address,
        "security": str(security),
        "clock": part.clock,
        "register": part.registers[0].object,
        "title": _TITLE.hex(),
        "encryption": keys.reader.reveal().hex(),
        "authentication": keys.authentication.reveal().hex(),
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
    return float(answer["per_second"])


def measure(security: Security, reads: int) -> dict[str, float]:
    """The best rate of each client."""
    best: dict[str, float] = {}
    with hosted(security) as folder:
        path = folder / "0"
        for number in range(1, _ROUNDS + 1):
            found = {"ours": ours(path, security, reads)}
            if _PEERS:
                for place, name in enumerate(("gurux", "dlms_cosem")):
                    counter = first_counter(number * 1000 + place * 500)
                    found[name] = peer(f"meter_with_{name}.py", path, security, reads, counter)
            best = {name: max(rate, best.get(name, 0)) for name, rate in found.items()}
    return best


class _Octets:
    """A capture that only counts."""

    def __init__(self) -> None:
        self.counted = 0

    def store(self, record: CaptureRecord) -> None:
        if isinstance(record, Passed):
            self.counted += sum(len(each) for each in record.segments if isinstance(each, bytes))


def overhead(baud: int, reads: int) -> float:
    """How much longer a GET takes than its octets, request and answer, back to back."""
    shipped, _ = _profile(Security.HLS_GMAC)
    profile = replace(shipped, line=replace(shipped.line, baud=baud))
    octets = _Octets()
    line = profile.line.settings
    with hosted(Security.HLS_GMAC, baud=baud) as folder:
        inner = open_transport(str(folder / "0"), line, WallClock())
        with CapturingTransport(inner, octets) as transport:
            meter = MeterDriver("meter", profile, transport, demo_meter_keys(_EUI64))
            meter.read_registers()
            octets.counted = 0
            start = time.perf_counter()
            for _ in range(reads):
                meter.read_registers()
            took = time.perf_counter() - start
    return took / (line.span(octets.counted) / SECOND) - 1


class _Asker:
    """One meter of the fleet, asked without a driver: the host is what is measured."""

    def __init__(self, path: Path, part: DlmsProfile) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.descriptor)
        self._where = (3, obis(part.registers[0].object), 2)
        reader = HdlcAddress(part.clients.reader.address)
        self._link = HdlcLink(LinkRole.CLIENT, server=part.hdlc.server, client=reader)
        self._client = DlmsClient(ClientSettings())
        self.answers = 0

    def begin(self) -> None:
        os.write(self.descriptor, self._link.send(Connect()))

    def go_on(self) -> None:
        for event in self._link.receive(os.read(self.descriptor, 4096)):
            if isinstance(event, Connected):
                apdu = self._client.associate_request()
            elif isinstance(event, Data):
                self.answers += isinstance(self._client.receive_apdu(event.payload), Completed)
                apdu = self._client.get(*self._where)
            else:
                continue
            os.write(self.descriptor, self._link.send(Data(apdu)))


def fleet(meters: int, seconds: float) -> float:
    """GETs per second that one process of so many meters answers."""
    _, part = _profile(Security.NONE)
    with hosted(Security.NONE, meters=meters) as folder, selectors.DefaultSelector() as selector:
        askers = [_Asker(folder / str(number), part) for number in range(meters)]
        for asker in askers:
            selector.register(asker.descriptor, selectors.EVENT_READ, asker)
            asker.begin()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for key, _ in selector.select(1):
                key.data.go_on()
        for asker in askers:
            os.close(asker.descriptor)
        assert all(asker.answers for asker in askers), "each was answered"
        return sum(asker.answers for asker in askers) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=1000)
    parser.add_argument("--host", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.host:
        folder, meters, security, baud = given.host
        host(Path(folder), int(meters), Security(security), int(baud))
        return
    for security in (Security.NONE, Security.HLS_GMAC):
        rates = measure(security, given.reads)
        for name, rate in rates.items():
            ratio = f"  ours is {rates['ours'] / rate:.2f} x" if name != "ours" else ""
            print(f"GET over a pty, {security:<9} {name:<11} {rate:>8,.0f}/s{ratio}", flush=True)
    for baud, reads in ((9600, 20), (115_200, 200)):
        print(f"over wire time at {baud:>6} baud {overhead(baud, reads):>8.1%}", flush=True)
    print(f"400 meters on ptys in one process {fleet(400, 5):>8,.0f} GET/s")


if __name__ == "__main__":
    main()
