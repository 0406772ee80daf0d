"""The emulated meter's optical port read out by an independent IEC 62056-21 client, over TCP.

The client is `iec62056-21` (BSD, its last release of 2019, and the only one of its kind that still
installs). To enable: install it in the Python that SMETS1_BENCH_PEERS names. `pytest -s` prints the
version. Its serial transport sets 7E1 by ioctl, which a pty refuses, so a pty is not tried.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.clock import WallClock
from drivers.profiles.dlms import SignOnProfile
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import read_profile
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.hosts import Hosting
from tests.wire.kit_on_wire import home

PEERS = os.environ.get("SMETS1_BENCH_PEERS")
SCRIPT = Path(__file__).parent / "peers" / "read_out_with_iec62056_21.py"


def has_the_client() -> bool:
    if not PEERS:
        return False
    look = [PEERS, "-c", "import iec62056_21.client"]
    return subprocess.run(look, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not has_the_client(), reason="needs a Python with iec62056-21 named in SMETS1_BENCH_PEERS"
)


@pytest.mark.parametrize("fuel", ["electricity", "gas"])
def test_an_independent_client_completes_a_readout(fuel: str) -> None:
    assert PEERS
    clock = WallClock()
    place = home(clock)
    model = place.electricity if fuel == "electricity" else place.gas
    shipped = read_profile(f"generic-dlms-{fuel}")
    assert shipped.dlms is not None
    profile = replace(shipped, dlms=replace(shipped.dlms, sign_on=SignOnProfile("5", "12345678")))
    with Hosting(clock) as hosting:
        end = hosting.tcp(line=profile.line.settings)
        end.attach(DlmsMeter(model, profile, demo_meter_keys(model.spec.eui64), end))
        before = model.read_registers().values[0][1]
        done = subprocess.run(
            [PEERS, str(SCRIPT), end.host, str(end.tcp_port), "12345678"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    read = json.loads(done.stdout)
    print(read["version"])
    assert read["manufacturer"] == "SMB"
    assert read["identification"].endswith("EMULATED"), "it leaves the 2 of mode E before it"
    assert read["sets"]["0.0.0"] == [model.spec.serial_number, None]
    code, unit = ("1.8.0", "kWh") if fuel == "electricity" else ("3.0.0", "m3")
    value, given = read["sets"][code]
    assert given == unit
    assert 0 <= float(value) - float(before) < 0.01
