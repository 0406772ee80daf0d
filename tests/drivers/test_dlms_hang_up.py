"""A driver that hangs up leaves the meter listening: whoever comes next need not wait for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.errors import NoReply
from bench.units import SECOND
from drivers.dlms_meter import DlmsMeter as Driver
from drivers.profiles.dlms import SignOnProfile
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import read_profile
from drivers.transport.memory import MemoryPort
from emulators.wire.dlms_meter import DlmsMeter
from tests.wire.kit_on_wire import home

GENERIC = read_profile("generic-dlms-electricity")
assert GENERIC.dlms is not None
OPTICAL = replace(GENERIC, dlms=replace(GENERIC.dlms, sign_on=SignOnProfile("5")))


def read_twice(*, hanging_up: bool) -> None:
    """By two programs, one straight after the other."""
    place = home()
    model, keys = place.electricity, demo_meter_keys(place.electricity.spec.eui64)
    port = MemoryPort("meter", place.clock, OPTICAL.line.settings)
    port.attach(DlmsMeter(model, OPTICAL, keys, port))
    with port.connect(OPTICAL.line.settings) as transport:
        first = Driver("meter", OPTICAL, transport, keys)
        first.read_registers()
        if hanging_up:
            first.hang_up()
            first.hang_up()
    begun = place.clock.now()
    with port.connect(OPTICAL.line.settings) as transport:
        Driver("meter", OPTICAL, transport, keys).read_registers()
    assert place.clock.now() - begun < 10 * SECOND


def test_after_hanging_up_the_next_sign_on_is_heard_at_once() -> None:
    read_twice(hanging_up=True)


def test_else_the_meter_is_deaf_until_its_connection_times_out() -> None:
    with pytest.raises(NoReply):
        read_twice(hanging_up=False)
