"""The late-reply trap over DLMS: no read ever returns the value of an earlier question.

The meter's register counts the questions it acted on, and each frame it says comes in its own
time: at once, late, after the next question, or never. SMETS1_BENCH_LATE_CASES sets how many seeded
cases run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from bench.clock import VirtualClock
from bench.errors import BenchError, PeerError
from bench.units import MILLISECOND, SECOND, Micros
from drivers.codecs.acse import Mechanism
from drivers.codecs.cosem_types import CosemData, DoubleLongUnsigned, Enumerated, Integer
from drivers.codecs.dlms_admission import ClientAccess
from drivers.codecs.dlms_server import DlmsServer
from drivers.codecs.hdlc import FrameReader
from drivers.codecs.hdlc_events import Connected, Data, Event
from drivers.codecs.hdlc_link import HdlcLink, Role
from drivers.codecs.obis import obis
from drivers.codecs.security import Protection, SecurityKeys
from drivers.codecs.xdlms import Attribute, Method
from drivers.dlms_meter import DlmsMeter
from drivers.profiles.dlms import DlmsProfile, Security, secured
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, TimingProfile, read_profile
from drivers.transport.memory import MemoryPort
from tests.wire.kit_on_wire import START

CASES = int(os.environ.get("SMETS1_BENCH_LATE_CASES", "300"))
TIMING = TimingProfile(500 * MILLISECOND, 20 * MILLISECOND, 2 * SECOND)
SLOWEST = 2_300 * MILLISECOND  # after the question; less than time-out and quiet together
READS = 12
KEYS = demo_meter_keys("70-B3-D5-1F-30-00-A0-01")
SHIPPED = read_profile("generic-dlms-electricity")
assert SHIPPED.dlms is not None
DLMS: DlmsProfile = SHIPPED.dlms
REGISTER = obis(DLMS.registers[0].object)


def metered(
    security: Security, quiet: Micros, reply_timeout: Micros = TIMING.reply_timeout
) -> Profile:
    timing = TimingProfile(reply_timeout, TIMING.reaction, quiet)
    return replace(SHIPPED, dlms=secured(DLMS, security), timing=timing)


class SlowMeter:
    """A server with one register: how many times it was read."""

    def __init__(
        self, port: MemoryPort, security: Security, delay: Callable[[], Micros | None]
    ) -> None:
        self.acted = 0
        self._port = port
        self._delay = delay
        self._reader = FrameReader()
        self._link = HdlcLink(Role.SERVER, server=DLMS.hdlc.server)
        self._client = 0
        assert KEYS.reader is not None
        assert KEYS.authentication is not None
        reader = (
            ClientAccess()
            if security is Security.NONE
            else ClientAccess(
                mechanism=Mechanism.HLS_GMAC,
                keys=SecurityKeys(KEYS.reader, KEYS.authentication),
                required=Protection.FULL,
            )
        )
        challenges = random.Random(1)
        self._server = DlmsServer(
            self,
            {DLMS.clients.public.address: ClientAccess(), DLMS.clients.reader.address: reader},
            system_title=b"SLOWPOKE",
            challenge=lambda: challenges.randbytes(16),
        )
        port.attach(self)

    def get(self, attribute: Attribute, client: int) -> CosemData:
        if attribute.name != REGISTER:
            seen = self._server.newest_seen().values()
            return DoubleLongUnsigned(max((0, *seen)))
        if attribute.index == 3:
            return (Integer(0), Enumerated(30))
        self.acted += 1
        return DoubleLongUnsigned(self.acted)

    def set(self, attribute: Attribute, value: CosemData, client: int) -> None:
        raise AssertionError

    def action(self, method: Method, parameters: CosemData, client: int) -> CosemData:
        raise AssertionError

    def receive(self, data: bytes, at: Micros) -> None:
        for frame in self._reader.receive(data):
            events: list[Event] = []
            self._link.receive_frame(frame, events)
            said = b""
            for event in events:
                if isinstance(event, Connected):
                    self._client = event.client.upper
                    self._server.link_lost()
                elif isinstance(event, Data):
                    answer = self._server.receive_apdu(self._client, event.payload)
                    assert answer is not None
                    said += self._link.send(Data(answer))
            said = self._link.octets_to_send() + said
            delay = self._delay()
            if said and delay is not None:
                self._port.clock.call_at(at + delay, partial(self._port.send, said))


def delays(rng: random.Random, slowest: Micros) -> Callable[[], Micros | None]:
    """Most answers come at once; some around the time-out, some far behind it, some never."""

    def delay() -> Micros | None:
        kind = rng.random()
        if kind < 0.8:
            return 20 * MILLISECOND
        if kind < 0.88:
            return rng.randrange(450, 560) * MILLISECOND
        if kind < 0.98:
            return rng.randrange(20 * MILLISECOND, slowest)
        return None

    return delay


def case(
    profile: Profile, security: Security, seed: int, slowest: Micros, reads: int = READS
) -> tuple[int, int]:
    """(reads answered, reads not answered); each answered one with the value of its question."""
    line = profile.line.settings
    port = MemoryPort("meter", VirtualClock(START), line, paced=False)
    rng = random.Random(seed)
    device = SlowMeter(port, security, delays(rng, slowest))
    meter = DlmsMeter("meter", profile, port.connect(line), KEYS, entropy=rng.randbytes)
    answered = failed = 0
    for _ in range(reads):
        try:
            ((_, value),) = meter.read_registers().values
        except (PeerError, BenchError):
            failed += 1
        else:
            assert value * 1000 == device.acted, f"seed {seed}: the value of an earlier question"
            answered += 1
    return answered, failed


@pytest.mark.parametrize("security", [Security.NONE, Security.HLS_GMAC])
def test_no_read_returns_the_value_of_an_earlier_question(security: Security) -> None:
    profile = metered(security, TIMING.quiet)
    outcomes = [case(profile, security, seed, SLOWEST) for seed in range(CASES)]
    assert sum(answered for answered, _ in outcomes) > CASES
    assert sum(failed for _, failed in outcomes) > CASES


def test_ciphered_answers_are_told_apart_however_late() -> None:
    """Without any quiet: the counter of an answer of earlier is one that was seen."""
    profile = metered(Security.HLS_GMAC, MILLISECOND)
    outcomes = [
        case(profile, Security.HLS_GMAC, seed, 20 * SECOND, 40) for seed in range(CASES // 8)
    ]
    assert sum(answered for answered, _ in outcomes) > CASES // 2
    assert sum(failed for _, failed in outcomes) > CASES // 2


def test_the_trap_is_real() -> None:
    """Plain answers without the quiet: sequence numbers and invoke-ids come round after 16."""
    profile = metered(Security.NONE, MILLISECOND)
    with pytest.raises(AssertionError, match="an earlier question"):
        [case(profile, Security.NONE, seed, 3 * SECOND, 200) for seed in range(2000)]
