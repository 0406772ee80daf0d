"""Parts of the models that only show over time or from inside."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock import VirtualClock
from bench.devices import KeySlot, PaymentMode, Role
from bench.emulation import Moment
from bench.errors import Ambiguous, NoReply, Refused, UsageError
from bench.installation import DeviceSpec, Emulation
from bench.secret import Secret
from bench.units import DAY, HOUR, MINUTE, SECOND
from emulators.models.device_clock import DeviceClock
from emulators.models.key_slots import KeySlots
from emulators.models.rejection import Rejected

if TYPE_CHECKING:
    from tests.emulators.conftest import World

SUA = KeySlot.SUA
KEYS = [Secret(bytes([n] * 16), f"key {n}") for n in range(4)]


def test_a_misspelt_attribute_raises(world: World) -> None:
    for model in world.emulated.models.values():
        with pytest.raises(AttributeError):
            model.powerd = True  # type: ignore[attr-defined]


@given(st.integers(-1000, 1000), st.integers(0, 400 * DAY))
def test_drift_is_exact_however_often_the_clock_is_read(ppm: int, span: int) -> None:
    clock = VirtualClock(0)
    often, once = DeviceClock(clock, ppm), DeviceClock(clock, ppm)
    for part in (span // 3, span // 2, span):
        clock.sleep_until(part)
        often.read()
    assert often.read() == once.read() == span + span * ppm // 1_000_000


def test_a_changed_drift_does_not_make_the_clock_jump() -> None:
    clock = VirtualClock(0)
    device = DeviceClock(clock, 100)
    clock.sleep_until(DAY)
    shown = device.read()
    device.run_at(-100)
    assert device.read() == shown
    assert device.drift_ppm == -100


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("prove"), st.integers(0, 3)),
            st.tuples(st.just("rotate"), st.integers(0, 3), st.integers(0, 6)),
            st.tuples(st.just("wait"), st.integers(0, 3 * HOUR)),
        ),
        max_size=40,
    )
)
def test_no_sequence_lets_a_wrong_key_in(
    acts: list[tuple[str, int] | tuple[str, int, int]],
) -> None:
    slots = KeySlots([(SUA, KEYS[0])], 3, HOUR)
    now, held, newest, version = 0, KEYS[0], 0, 1
    refusals: list[tuple[str, str]] = []
    for act in acts:
        locked = slots.locked_until is not None and now < slots.locked_until
        try:
            if act[0] == "wait":
                now += act[1]
            elif act[0] == "prove":
                assert slots.prove(SUA, KEYS[act[1]], now) is (KEYS[act[1]] is held)
                assert not locked
            elif len(act) == 3:
                slots.rotate(SUA, KEYS[act[1]], act[2], now)
                assert not locked
                assert act[2] > newest
                held, newest, version = KEYS[act[1]], act[2], version + 1
        except Rejected as no:
            refusals.append((no.code, "locked-out" if locked else "counter-not-newer"))
        state = slots.state(SUA)
        assert (state.version, state.counter) == (version, newest)
        assert state.check_value == held.check_value
    assert all(code == expected for code, expected in refusals)


def test_the_lockout_ends_at_its_last_moment_exactly() -> None:
    slots = KeySlots([(SUA, KEYS[0])], 1, HOUR)
    assert slots.prove(SUA, KEYS[1], 0) is False
    with pytest.raises(Rejected, match="locked-out"):
        slots.prove(SUA, KEYS[0], HOUR - 1)
    assert slots.prove(SUA, KEYS[0], HOUR) is True


def test_power_is_back_when_the_last_of_several_cuts_ends(world: World) -> None:
    began = world.clock.now()
    world.strike("power-cut", "electricity", lasts=HOUR)
    world.strike("power-cut", "electricity", lasts=3 * HOUR)
    world.wait(2 * HOUR)
    with pytest.raises(NoReply):
        world.electricity.identify()
    world.clock.sleep_until(began + 3 * HOUR + 90 * SECOND)
    world.electricity.identify()
    assert world.truth("electricity").power_cuts == ((began, began + 3 * HOUR),)


def test_a_device_that_goes_down_over_a_request_leaves_it_in_doubt_and_undone(
    build: Callable[..., World],
) -> None:
    world = build(emulations={"electricity": Emulation(reaction=4 * SECOND)})
    world.strike("power-cut", "electricity", moment=Moment(after=SECOND))
    world.open()
    with pytest.raises(Ambiguous):
        world.electricity.rotate_key(SUA, KEYS[3], 1)
    assert world.clock.now() - world.start == 10 * SECOND
    assert world.truth("electricity").executed == {}


def test_the_security_log_tells_the_story(world: World) -> None:
    wrong = Secret(b"\xee" * 16, "wrong")
    world.electricity.rotate_key(SUA, KEYS[3], 5)
    with pytest.raises(Refused):
        world.electricity.rotate_key(SUA, KEYS[2], 5)
    for _ in range(3):
        world.electricity.prove_key(SUA, wrong)
    told = [line.split(" ", 1)[1] for line in world.truth("electricity").security_log]
    assert told[:5] == [
        "SUA: rotated to version 2",
        "SUA: counter 5 refused, 5 was seen",
        "SUA: wrong key, 1 in a row",
        "SUA: wrong key, 2 in a row",
        "SUA: wrong key, 3 in a row",
    ]
    assert told[5].startswith("locked until 2021-04-09T09:30:")
    assert world.truth("electricity").executed == {"rotate_key": 1}


def test_a_meter_without_a_key_says_so(build: Callable[..., World]) -> None:
    world = build()
    bare = KeySlots([], 3, HOUR)
    with pytest.raises(Rejected, match="no-such-key"):
        bare.prove(SUA, world.keys["gas"], 0)


def test_a_prepayment_balance_falls_and_outlives_rotation_and_power_cuts(
    build: Callable[..., World],
) -> None:
    world = build(payment=PaymentMode.PREPAYMENT)
    assert world.electricity.read_payment().mode is PaymentMode.PREPAYMENT
    first = world.electricity.read_payment().balance
    world.wait(DAY)
    second = world.electricity.read_payment().balance
    assert Decimal("2.50") <= first - second <= Decimal("2.54")  # 420 W for a day at 25 p/kWh
    world.electricity.rotate_key(SUA, KEYS[3], 1)
    world.strike("power-cut", "electricity", lasts=MINUTE)
    world.wait(5 * MINUTE)
    third = world.electricity.read_payment().balance
    assert second - Decimal("0.01") <= third <= second
    assert world.truth("electricity").balance == third
    assert not world.truth("electricity").balance_lost
    world.wait(30 * DAY)
    assert world.electricity.read_payment().balance < 0


def test_a_lost_register_does_not_give_money_back(build: Callable[..., World]) -> None:
    world = build(payment=PaymentMode.PREPAYMENT)
    before = world.electricity.read_payment().balance
    world.strike("register-lost", "electricity")
    assert before - Decimal("0.01") <= world.electricity.read_payment().balance <= before


def test_a_gas_meter_that_wakes_too_late_is_not_reached(build: Callable[..., World]) -> None:
    world = build(emulations={"gas": Emulation(reply_timeout=20 * SECOND)})
    reached = missed = 0
    for _ in range(60):
        before = world.clock.now()
        try:
            world.gas.identify()
            reached += 1
        except NoReply:
            missed += 1
            assert world.clock.now() - before == 20 * SECOND
        world.wait(7 * SECOND)
    assert missed > reached > 0


def test_a_device_slower_than_the_time_out_acts_when_nobody_waits(
    build: Callable[..., World],
) -> None:
    slow = Emulation(reaction=12 * SECOND, reply_timeout=10 * SECOND)
    world = build(emulations={"electricity": slow})
    with pytest.raises(Ambiguous):
        world.electricity.rotate_key(SUA, KEYS[3], 1)
    assert world.truth("electricity").executed == {}
    world.wait(2 * SECOND)
    assert world.truth("electricity").executed == {"rotate_key": 1}


def test_last_gasps_are_lost_when_outages_come_within_ten_minutes(world: World) -> None:
    last_gasps = []
    for pause in (8 * MINUTE, 11 * MINUTE, 0):
        world.strike("power-cut", "hub", lasts=SECOND)
        world.wait(2 * MINUTE)
        last_gasps.append(world.hub.diagnostics().last_gasps)
        world.clock.sleep_until(world.clock.now() + pause - 2 * MINUTE)
    assert last_gasps == [1, 1, 2]
    assert world.hub.diagnostics().power_ups == 4


def test_a_sleeping_modem_is_woken_and_sleeps_again_after_a_restart(
    build: Callable[..., World],
) -> None:
    world = build(emulations={"hub": Emulation(wan_sleeps=True)})
    assert not world.hub.wan_state().connected
    world.hub.wake()
    assert world.hub.wan_state().connected
    world.hub.reboot()
    world.wait(2 * MINUTE)
    assert not world.hub.wan_state().connected
    assert world.truth("hub").wake_ups == 1


@pytest.mark.parametrize(
    ("roles", "complaint"),
    [
        ((Role.ELECTRICITY_METER,), "one communications hub, not 0"),
        ((Role.COMMS_HUB, Role.COMMS_HUB), "one communications hub, not 2"),
        ((Role.COMMS_HUB, Role.RELAY_BOARD), "bench kit"),
    ],
)
def test_what_is_no_installation_is_refused(
    build: Callable[..., World], roles: tuple[Role, ...], complaint: str
) -> None:
    from bench.emulation import PartyBehaviours
    from bench.installation import Installation
    from emulators.installation import EmulatedInstallation

    world = build()
    devices = tuple(
        DeviceSpec(f"d{n}", role, "", f"{n}", "", "", "") for n, role in enumerate(roles)
    )
    with pytest.raises(UsageError, match=complaint):
        EmulatedInstallation(
            Installation("I-2", world.installation.group, devices, ("Alpha",)),
            clock=world.clock,
            seed=1,
            inbox=world.inbox,
            behaviours=PartyBehaviours(),
            resubmission=None,
            device_keys={},
        )
