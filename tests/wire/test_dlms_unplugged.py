"""A port pulled in the middle of a meter's answer, at each octet: the right error, then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.clock import WallClock
from bench.devices import KeySlot
from bench.errors import PortGone
from bench.secret import Secret
from bench.units import Micros
from drivers import dlms_meter
from drivers.dlms_meter import DlmsMeter as Driver
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import read_profile
from drivers.transport.memory import MemoryPort
from emulators.wire.dlms_meter import DlmsMeter
from tests.wire.kit_on_wire import home, quick
from tests.wire.pty_host import PtyHost

SUA = KeySlot.SUA
OLD, NEW, NEWER = (Secret(bytes([n] * 16), f"key {n}") for n in (0, 0x51, 0x52))
PROFILE = read_profile("generic-dlms-electricity")


class FrayedPort(MemoryPort):
    """Comes loose once the meter has said `gone_after` octets more."""

    gone_after: int | None = None
    said = 0

    def send(self, data: bytes, since: Micros | None = None) -> None:
        self.said += len(data)
        if self.gone_after is None:
            super().send(data, since)
            return
        super().send(data[: self.gone_after], since)
        self.gone_after -= len(data)
        if self.gone_after <= 0:
            self.gone_after = None
            # What was said before the plug was out still arrives.
            self.clock.call_at(self.clock.now(), self.unplug)


class Rig:
    def __init__(self) -> None:
        self.home = home(reaction=0)
        self.model = self.home.electricity
        self.port = FrayedPort("meter", self.home.clock, PROFILE.line.settings, paced=False)
        keys = demo_meter_keys(self.model.spec.eui64)
        self.port.attach(DlmsMeter(self.model, PROFILE, keys, self.port))
        transport = self.port.connect(PROFILE.line.settings)
        self.meter = Driver("electricity", PROFILE, transport, keys)

    def pull_after(self, octets: int) -> None:
        self.port.gone_after = octets


def octets_of(act: str) -> int:
    """How much the meter says for it, from the first frame on."""
    rig = Rig()
    if act == "read":
        rig.meter.read_registers()
    else:
        rig.meter.rotate_key(SUA, NEW, 1)
    return rig.port.said


def test_in_the_middle_of_a_read() -> None:
    octets = octets_of("read")
    assert octets > 300
    for octet in range(1, octets + 1):
        rig = Rig()
        rig.pull_after(octet)
        if octet < octets:
            with pytest.raises(PortGone):
                rig.meter.read_registers()
        else:
            assert rig.meter.read_registers(), "the answer was whole"
        with pytest.raises(PortGone):
            rig.meter.read_registers()
        rig.port.plug()
        assert rig.meter.read_registers().values == rig.model.read_registers().values


def test_in_the_middle_of_a_rotation() -> None:
    """`PortGone` says nothing of the key, as `Ambiguous` does not: the proof of keys settles it."""
    octets = octets_of("rotate")
    done = 0
    for octet in range(1, octets):
        rig = Rig()
        rig.pull_after(octet)
        with pytest.raises(PortGone):
            rig.meter.rotate_key(SUA, NEW, 1)
        rig.port.plug()
        proven = rig.meter.prove_key(SUA, NEW)
        assert proven is rig.model.keys.held(SUA).matches(NEW)
        assert rig.meter.prove_key(SUA, OLD) is not proven
        done += proven
        rig.meter.rotate_key(SUA, NEWER, 2)
        assert rig.model.keys.held(SUA).matches(NEWER)
    assert 10 < done < octets / 2, "some were carried out, their answers cut"


@pytest.fixture
def pty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PtyHost]:
    # The system gives a pty's number to the next one; another test run may still hold its lock.
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    with closing(PtyHost(tmp_path / "meter", WallClock(), PROFILE.line.settings)) as host:
        yield host


@pytest.mark.parametrize("octet", [1, 12, 40, 200])
def test_over_a_pty(pty: PtyHost, octet: int) -> None:
    place = home(pty.clock)
    profile = quick(PROFILE)
    keys = demo_meter_keys(place.electricity.spec.eui64)
    pty.attach(DlmsMeter(place.electricity, profile, keys, pty))
    meter = dlms_meter.connect(str(pty.path), profile=profile, keys=keys, clock=pty.clock)
    with closing(meter):
        pty.gone_after = pty.sent + octet
        with pytest.raises(PortGone):
            meter.read_registers()
        pty.plug()
        assert meter.read_registers().unit == "kWh"
