"""`python -m benchmarks.wire`: GETs per second from an emulated meter on a pty.

The meter is hosted in a process of its own, reacts at once and is not paced. Every client reads the
same register in the same run, one after the other, several rounds in turn; the best round counts.
The peers (Gurux, dlms-cosem) run in the Python that SMETS1_BENCH_PEERS names; without it only ours
is measured. `--reads N` sets how many GETs make a round.

Our client is the whole driver: time-outs, the port's reader thread, identity and error mapping. The
peers are their packages over a bare descriptor.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.clock import WallClock
from bench.demo_keys import demo_key
from bench.devices import KeySlot, PaymentMode, Role
from bench.installation import DeviceSpec
from bench.units import MILLISECOND, SECOND
from drivers.dlms_meter import connect
from drivers.profiles.dlms import DlmsProfile, Security, first_counter, secured
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, TimingProfile, read_profile
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


def host(path: Path, security: Security) -> None:
    """Serves one meter at `path` until standard input ends."""
    clock = WallClock()
    spec = DeviceSpec("meter", Role.ELECTRICITY_METER, "SN1", _EUI64, "Example Meters", "M1", "1.0")
    keys = [(slot, demo_key(_EUI64, slot)) for slot in KeySlot]
    model = ElectricityMeter(spec, clock, PaymentMode.CREDIT, keys)
    profile, _ = _profile(security)
    with Hosting(clock) as hosting:
        end = hosting.pty(path, profile.line.settings, paced=False)
        end.attach(DlmsMeter(model, profile, demo_meter_keys(_EUI64), end))
        print("ready", flush=True)
        sys.stdin.read()


@contextmanager
def hosted(security: Security) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "meter"
        serving = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.wire", "--host", str(path), str(security)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert serving.stdin is not None
        assert serving.stdout is not None
        serving.stdout.readline()
        try:
            yield path
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
    with hosted(security) as path:
        for number in range(1, _ROUNDS + 1):
            found = {"ours": ours(path, security, reads)}
            if _PEERS:
                for place, name in enumerate(("gurux", "dlms_cosem")):
                    counter = first_counter(number * 1000 + place * 500)
                    found[name] = peer(f"meter_with_{name}.py", path, security, reads, counter)
            best = {name: max(rate, best.get(name, 0)) for name, rate in found.items()}
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=1000)
    parser.add_argument("--host", nargs=2, metavar=("PATH", "SECURITY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.host:
        host(Path(given.host[0]), Security(given.host[1]))
        return
    for security in (Security.NONE, Security.HLS_GMAC):
        rates = measure(security, given.reads)
        for name, rate in rates.items():
            ratio = f"  ours is {rates['ours'] / rate:.2f} x" if name != "ours" else ""
            print(f"GET over a pty, {security:<9} {name:<11} {rate:>8,.0f}/s{ratio}", flush=True)


if __name__ == "__main__":
    main()
