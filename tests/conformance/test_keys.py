"""Keys: what proves, what is refused, and what the lockout does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.devices import KeySlot
from bench.errors import Refused
from bench.secret import Secret
from bench.units import HOUR

if TYPE_CHECKING:
    from tests.conformance.conftest import Kit

METERS = ("electricity", "gas")
WRONG = Secret(b"\xee" * 16, "wrong")
NEW = Secret(b"\x51" * 16, "new")
NEWER = Secret(b"\x52" * 16, "newer")
SUA = KeySlot.SUA


@pytest.mark.parametrize("name", METERS)
def test_only_the_key_it_holds_proves(kit: Kit, name: str) -> None:
    meter, right = kit.meter(name), kit.keys[name]
    assert meter.prove_key(SUA, right) is True
    assert meter.prove_key(SUA, WRONG) is False
    assert meter.prove_key(SUA, right) is True


@pytest.mark.parametrize("name", METERS)
def test_a_device_states_its_key_without_giving_it_away(kit: Kit, name: str) -> None:
    state = kit.meter(name).key_state(SUA)
    assert state.slot is SUA
    assert state.check_value == kit.keys[name].check_value


@pytest.mark.parametrize("name", METERS)
def test_rotation_replaces_the_key(kit: Kit, name: str) -> None:
    meter, old = kit.meter(name), kit.keys[name]
    before = meter.key_state(SUA)
    meter.rotate_key(SUA, NEW, before.counter + 1)
    assert meter.prove_key(SUA, NEW) is True
    assert meter.prove_key(SUA, old) is False
    after = meter.key_state(SUA)
    assert after.version == before.version + 1
    assert after.check_value == NEW.check_value
    assert after.counter == before.counter + 1


@pytest.mark.parametrize("name", METERS)
@pytest.mark.parametrize("behind", [0, 1, 5])
def test_a_counter_that_is_not_newer_is_refused_and_changes_nothing(
    kit: Kit, name: str, behind: int
) -> None:
    meter = kit.meter(name)
    meter.rotate_key(SUA, NEW, 10)
    before = meter.key_state(SUA)
    with pytest.raises(Refused) as refusal:
        meter.rotate_key(SUA, NEWER, 10 - behind)
    assert refusal.value.code == "counter-not-newer"
    assert meter.key_state(SUA) == before
    assert meter.prove_key(SUA, NEW) is True


def lock_out(kit: Kit, name: str) -> None:
    for _ in range(kit.spec(name).emulation.lockout_after):
        assert kit.meter(name).prove_key(SUA, WRONG) is False


@pytest.mark.parametrize("name", METERS)
def test_wrong_keys_lock_the_device_for_right_ones_too(kit: Kit, name: str) -> None:
    lock_out(kit, name)
    meter = kit.meter(name)
    for key in (kit.keys[name], WRONG):
        with pytest.raises(Refused) as refusal:
            meter.prove_key(SUA, key)
        assert refusal.value.code == "locked-out"
    counter = meter.key_state(SUA).counter
    with pytest.raises(Refused) as refusal:
        meter.rotate_key(SUA, NEW, counter + 1)
    assert refusal.value.code == "locked-out"
    assert meter.key_state(SUA).check_value == kit.keys[name].check_value


@pytest.mark.parametrize("name", METERS)
def test_the_lockout_ends_and_gives_the_whole_budget_back(kit: Kit, name: str) -> None:
    lock_out(kit, name)
    kit.wait(kit.spec(name).emulation.lockout_for)
    lock_out(kit, name)  # as many wrong answers again, each a False
    kit.wait(kit.spec(name).emulation.lockout_for)
    assert kit.meter(name).prove_key(SUA, kit.keys[name]) is True


@pytest.mark.parametrize("name", METERS)
def test_the_lockout_does_not_end_early(kit: Kit, name: str) -> None:
    lock_out(kit, name)
    kit.wait(kit.spec(name).emulation.lockout_for - 2 * HOUR)
    with pytest.raises(Refused):
        kit.meter(name).prove_key(SUA, kit.keys[name])


@pytest.mark.parametrize("name", METERS)
def test_the_right_key_sets_the_count_of_wrong_ones_back(kit: Kit, name: str) -> None:
    meter = kit.meter(name)
    for _ in range(3):
        for _ in range(kit.spec(name).emulation.lockout_after - 1):
            assert meter.prove_key(SUA, WRONG) is False
        assert meter.prove_key(SUA, kit.keys[name]) is True
