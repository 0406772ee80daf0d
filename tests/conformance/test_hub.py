"""The hub and the display: HAN table, join window, removal, reboot, mirror, wake-up."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bench.devices import HanDevice
from bench.errors import NoReply, Refused
from bench.units import HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from tests.conformance.conftest import Kit


def row(kit: Kit, name: str) -> HanDevice:
    eui64 = kit.spec(name).eui64
    return next(device for device in kit.hub.han_devices() if device.eui64 == eui64)


def test_the_han_table_lists_every_other_device_as_joined(kit: Kit) -> None:
    table = kit.hub.han_devices()
    others = {spec.eui64: spec.role for spec in kit.installation.devices if spec.name != "hub"}
    assert {device.eui64: device.role for device in table} == others
    assert all(device.joined for device in table)


def test_the_han_table_says_when_devices_were_last_heard(kit: Kit) -> None:
    for name, limit in (("electricity", MINUTE), ("gas", 31 * MINUTE), ("display", MINUTE)):
        heard = row(kit, name).last_heard
        assert heard is not None
        assert 0 <= kit.clock.now() - heard <= limit
    before = row(kit, "gas").last_heard
    kit.wait(HOUR)
    after = row(kit, "gas").last_heard
    assert before is not None
    assert after is not None
    assert after - before == 2 * kit.spec("gas").emulation.wakes_every


def test_a_removed_device_is_no_longer_joined_nor_heard(kit: Kit) -> None:
    kit.hub.remove_device(kit.spec("gas").eui64)
    kit.wait(2 * HOUR)
    assert not row(kit, "gas").joined
    assert row(kit, "gas").last_heard is None
    assert row(kit, "electricity").joined


def test_removing_twice_or_a_stranger_is_refused(kit: Kit) -> None:
    eui64 = kit.spec("gas").eui64
    kit.hub.remove_device(eui64)
    with pytest.raises(Refused, match="not-joined"):
        kit.hub.remove_device(eui64)
    with pytest.raises(Refused, match="unknown-device"):
        kit.hub.remove_device("00-00-00-00-00-00-00-00")


def test_a_device_joins_again_while_the_window_is_open(kit: Kit) -> None:
    kit.hub.remove_device(kit.spec("gas").eui64)
    kit.hub.permit_join(3600)
    kit.wait(31 * MINUTE)
    assert row(kit, "gas").joined


def test_the_join_window_closes_by_itself(kit: Kit) -> None:
    kit.hub.remove_device(kit.spec("display").eui64)
    # Shorter than the time to the gas meter's and longer than the time to the display's next word.
    kit.hub.remove_device(kit.spec("gas").eui64)
    kit.hub.permit_join(60)
    kit.wait(HOUR)
    assert row(kit, "display").joined
    assert not row(kit, "gas").joined


def test_the_join_window_can_be_closed(kit: Kit) -> None:
    kit.hub.remove_device(kit.spec("gas").eui64)
    kit.hub.permit_join(3600)
    kit.hub.permit_join(0)
    kit.wait(HOUR)
    assert not row(kit, "gas").joined


def test_a_reboot_takes_its_time_and_counts_as_a_power_up(kit: Kit) -> None:
    before = kit.hub.diagnostics()
    kit.hub.reboot()
    with pytest.raises(NoReply):
        kit.hub.identify()
    kit.wait(kit.spec("hub").emulation.reboot_takes)
    after = kit.hub.diagnostics()
    assert after.power_ups == before.power_ups + 1
    assert 0 <= after.uptime < MINUTE
    assert row(kit, "gas").last_heard is None, "a table that starts afresh"
    assert all(device.joined for device in kit.hub.han_devices())
    kit.wait(HOUR)
    assert row(kit, "gas").last_heard is not None


def test_the_mirror_holds_what_the_sleepy_meter_last_sent(kit: Kit) -> None:
    eui64 = kit.spec("gas").eui64
    sent = kit.gas.read_registers()
    kit.wait(20 * MINUTE)
    copy = kit.hub.mirrored_registers(eui64)
    assert copy.unit == sent.unit
    assert 0 <= kit.clock.now() - copy.read_at < SECOND
    assert abs(copy.source_at - sent.source_at) <= kit.spec("gas").emulation.awake_for
    assert 20 * MINUTE <= copy.staleness <= 21 * MINUTE
    assert dict(copy.values).keys() == dict(sent.values).keys()
    for register, value in copy.values:
        assert abs(value - dict(sent.values)[register]) <= Decimal("0.002")


def test_the_mirror_outlives_a_reboot_and_ends_with_removal(kit: Kit) -> None:
    eui64 = kit.spec("gas").eui64
    before = kit.hub.mirrored_registers(eui64)
    kit.hub.reboot()
    kit.wait(kit.spec("hub").emulation.reboot_takes + SECOND)
    after = kit.hub.mirrored_registers(eui64)
    assert after.source_at >= before.source_at
    kit.hub.remove_device(eui64)
    with pytest.raises(Refused, match="no-mirrored-data"):
        kit.hub.mirrored_registers(eui64)


def test_only_sleepy_members_of_the_han_are_mirrored(kit: Kit) -> None:
    with pytest.raises(Refused, match="not-mirrored"):
        kit.hub.mirrored_registers(kit.spec("electricity").eui64)
    with pytest.raises(Refused, match="unknown-device"):
        kit.hub.mirrored_registers("00-00-00-00-00-00-00-00")


def test_each_wake_up_counts(kit: Kit) -> None:
    before = kit.hub.wan_state()
    kit.hub.wake()
    kit.hub.wake()
    after = kit.hub.wan_state()
    assert after.connected
    assert after.wake_ups == before.wake_ups + 2


def test_the_display_shows_the_registers_while_joined(kit: Kit) -> None:
    state = kit.display.display_state()
    assert state.joined_to == kit.spec("hub").eui64
    assert [line.split()[0] for line in state.shown] == ["electricity", "gas"]
    kit.wait(6 * HOUR)
    assert kit.display.display_state().shown != state.shown
    kit.hub.remove_device(kit.spec("display").eui64)
    assert kit.display.display_state().joined_to is None


def test_the_display_says_so_when_the_hub_is_gone(kit: Kit) -> None:
    kit.hub.reboot()
    assert kit.display.display_state().shown == ("no connection",)
