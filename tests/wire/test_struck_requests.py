"""Request faults on the wire: armed as over `direct:`, suffered in octets, the same error."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from bench.devices import KeySlot
from bench.emulation import FaultSpec, Moment
from bench.errors import (
    Ambiguous,
    AuthenticationFailed,
    Garbled,
    NoReply,
    PeerError,
    Refused,
    WrongDevice,
)
from bench.secret import Secret
from bench.units import HOUR, MINUTE, SECOND
from drivers.dlms_meter import DlmsMeter as Driver
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import read_profile
from drivers.transport.memory import MemoryPort
from emulators.models.meter import Meter
from emulators.wire.dlms_meter import DlmsMeter
from tests.wire.kit_on_wire import home

SUA = KeySlot.SUA
OLD, NEW = Secret(bytes(16), "old"), Secret(b"\x51" * 16, "new")


class Rig:
    """One meter of the home on its port, with the faults of the home's world."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.home = home()
        self.clock = self.home.clock
        self.model = cast("Meter", self.home.world.models[name])
        profile = read_profile(f"generic-dlms-{name}")
        keys = demo_meter_keys(self.model.spec.eui64)
        port = MemoryPort(name, self.clock, profile.line.settings)
        channel = self.home.world.channel(name)
        port.attach(DlmsMeter(self.model, profile, keys, port, channel=channel))
        transport = port.connect(port.line)
        self.meter = Driver(name, profile, transport, keys, eui64=self.model.spec.eui64)

    def fail_next(self, fault: str, request: str, **options: object) -> None:
        spec = FaultSpec(fault, self.name, Moment(request=request), **options)  # type: ignore[arg-type]
        self.home.world.arm(spec)

    def wait(self, span: int) -> None:
        self.clock.sleep_until(self.clock.now() + span)


def caught(act: Callable[[], object]) -> PeerError:
    with pytest.raises(PeerError) as error:
        act()
    return error.value


# fault, the error of a request that asks, of one that changes, whether the change was made
CLASSES: list[tuple[str, type[PeerError], type[PeerError], bool]] = [
    ("request-lost", NoReply, Ambiguous, False),
    ("reply-lost", NoReply, Ambiguous, True),
    ("reply-late", NoReply, Ambiguous, True),
    ("reply-garbled", Garbled, Ambiguous, True),
    ("refused", Refused, Refused, False),
    ("busy", Refused, Refused, False),
    ("reboot-before-commit", NoReply, Ambiguous, False),
    ("reboot-after-commit", NoReply, Ambiguous, True),
    ("authentication-failed", AuthenticationFailed, AuthenticationFailed, False),
    ("wrong-device", WrongDevice, WrongDevice, False),
]


@pytest.mark.parametrize("name", ["electricity", "gas"])
@pytest.mark.parametrize(("fault", "asking", "changing", "done"), CLASSES)
def test_each_fault_is_met_as_over_direct(
    name: str,
    fault: str,
    asking: type[PeerError],
    changing: type[PeerError],
    done: bool,
) -> None:
    rig = Rig(name)
    for operation, ask in (
        ("read_registers", rig.meter.read_registers),
        ("read_clock", rig.meter.read_clock),
        ("identify", rig.meter.identify),
        ("read_payment", rig.meter.read_payment),
        ("supply_state", rig.meter.supply_state),
        ("key_state", lambda: rig.meter.key_state(SUA)),
        ("prove_key", lambda: rig.meter.prove_key(SUA, OLD)),
    ):
        rig.meter.identify()  # so that nobody need be asked who he is when the fault lies in wait
        rig.fail_next(fault, operation)
        error = caught(ask)
        assert type(error) is asking, operation
        assert (error.peer, error.operation) == (name, operation)
        rig.wait(HOUR)
        assert ask(), "a read is safe to repeat"
        assert rig.home.world.unstruck() == ()

    rig.fail_next(fault, "rotate_key")
    error = caught(lambda: rig.meter.rotate_key(SUA, NEW, 1))
    assert type(error) is changing
    rig.wait(HOUR)
    assert rig.meter.prove_key(SUA, NEW) is done
    assert rig.meter.prove_key(SUA, OLD) is not done


def test_an_acknowledgement_is_no_proof() -> None:
    rig = Rig("electricity")
    rig.fail_next("acknowledged-not-done", "rotate_key")
    rig.meter.rotate_key(SUA, NEW, 1)
    assert rig.meter.prove_key(SUA, NEW) is False
    assert rig.model.executed == {}


def test_a_busy_meter_says_so_in_the_interfaces_word() -> None:
    rig = Rig("electricity")
    for operation, ask in (
        ("read_clock", rig.meter.read_clock),
        ("prove_key", lambda: rig.meter.prove_key(SUA, OLD)),
        ("rotate_key", lambda: rig.meter.rotate_key(SUA, NEW, 1)),
    ):
        rig.fail_next("busy", operation)
        error = caught(ask)
        assert (type(error), error.code) == (Refused, "busy")
    assert rig.model.keys.held(SUA).matches(OLD)


def test_an_answer_that_is_late_but_in_time_is_an_answer() -> None:
    rig = Rig("electricity")
    rig.meter.read_clock()
    before = rig.clock.now()
    rig.fail_next("reply-late", "read_clock", lasts=5 * SECOND)
    assert rig.meter.read_clock()
    assert 5 * SECOND <= rig.clock.now() - before < 6 * SECOND


def test_a_request_of_several_attributes_is_struck_once() -> None:
    rig = Rig("electricity")
    rig.meter.read_clock()
    rig.fail_next("busy", "*", times=2)
    for ask in (rig.meter.identify, rig.meter.read_payment):
        assert caught(ask).code == "busy"
    assert rig.meter.identify()


def test_a_meter_that_is_rebooting_is_not_there() -> None:
    rig = Rig("electricity")
    rig.fail_next("reboot-after-commit", "rotate_key")
    assert type(caught(lambda: rig.meter.rotate_key(SUA, NEW, 1))) is Ambiguous
    assert type(caught(lambda: rig.meter.rotate_key(SUA, NEW, 2))) is NoReply, "nothing was sent"
    rig.wait(2 * MINUTE)
    assert rig.meter.prove_key(SUA, NEW) is True
