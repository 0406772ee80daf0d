"""Ports for identification's tests: an emulated device, or whatever a test makes of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.clock import VirtualClock
from bench.units import Micros
from drivers.capture.records import CaptureList, Direction, Passed
from drivers.capture.tee import CapturingTransport
from drivers.identification.asking import CountedTransport
from drivers.identification.drafting import draft
from drivers.identification.findings import Findings
from drivers.identification.sweep import ALLOWANCE, Plan, Sweep
from drivers.profiles.dlms import DlmsProfile, HdlcProfile, Security, SignOnProfile, secured
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort, WirePeer
from emulators.wire.lone_device import lone_device
from tests.wire.kit_on_wire import START

METER = read_profile("generic-dlms-electricity")
assert METER.dlms is not None
DLMS: DlmsProfile = METER.dlms


def varied(**changed: object) -> Profile:
    """The shipped meter with another DLMS part."""
    return replace(METER, dlms=replace(DLMS, **changed))  # type: ignore[arg-type]


def hdlc(**changed: object) -> HdlcProfile:
    return replace(DLMS.hdlc, **changed)  # type: ignore[arg-type]


OPTICAL = varied(sign_on=SignOnProfile("5", flag="ABC"))
OPEN = replace(METER, dlms=secured(DLMS, Security.NONE))


class Port:
    """A device on a line in memory. `heard` is everything that was sent to it."""

    def __init__(
        self,
        profile: Profile = METER,
        *,
        peer: Callable[[MemoryPort], WirePeer] | None = None,
        paced: bool = True,
    ) -> None:
        self.clock = VirtualClock(START)
        self.memory = MemoryPort("device", self.clock, profile.line.settings, paced=paced)
        self.memory.attach(peer(self.memory) if peer else lone_device(profile, self.memory))
        self.capture = CaptureList()

    def open(
        self, line: LineSettings | None = None, allowance: int = ALLOWANCE
    ) -> CountedTransport:
        transport = self.memory.connect(line or LineSettings())
        return CountedTransport(CapturingTransport(transport, self.capture), allowance)

    def identify(self, plan: Plan | None = None, allowance: int = ALLOWANCE) -> Findings:
        plan = plan or Plan()
        with self.open(plan.steps[0][0], allowance) as transport:
            return Sweep(transport, plan, lambda line: None).run()

    @property
    def sent(self) -> list[bytes]:
        """Each write of ours."""
        return [
            b"".join(piece for piece in each.segments if isinstance(piece, bytes))
            for each in self.capture.records
            if isinstance(each, Passed) and each.direction is Direction.OUT
        ]


def drafted(findings: Findings, folder: Path) -> Profile:
    """The drafted profile, read back from a file."""
    assert findings.found is not None
    text = draft(findings.found, findings.port)
    assert text is not None
    path = folder / "drafted.yaml"
    path.write_text(text, encoding="utf-8")
    return read_profile(str(path))


def plan_for(line: str, wait: Micros | None = None) -> Plan:
    steps = Plan.for_lines([LineSettings.parse(line)])
    return Plan(steps) if wait is None else Plan(steps, wait=wait)
