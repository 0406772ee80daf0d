"""Every fault of the catalogue: what can be seen of it through the interfaces, and in the truth."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest

from bench.devices import KeySlot, PaymentMode, SupplyState
from bench.emulation import Moment
from bench.errors import (
    Ambiguous,
    AuthenticationFailed,
    Garbled,
    NoReply,
    PeerError,
    Refused,
    WrongDevice,
)
from bench.parties import FileReceived, Holder, IncidentResolved
from bench.secret import Secret
from bench.units import DAY, HOUR, MINUTE, SECOND, parse_instant
from emulators.faults import FAULTS

if TYPE_CHECKING:
    from tests.emulators.conftest import World

SUA = KeySlot.SUA
NEW = Secret(b"\x51" * 16, "new")


def error_of(act: Callable[[], object]) -> type[PeerError] | None:
    try:
        act()
    except PeerError as error:
        return type(error)
    return None


def rotate(world: World, error: type[PeerError] | None, *, done: bool) -> None:
    """The next rotation of the electricity meter's key ends like this, and is done or not."""
    counter = world.electricity.key_state(SUA).counter + 1
    assert error_of(lambda: world.electricity.rotate_key(SUA, NEW, counter)) is error
    assert world.truth("electricity").executed.get("rotate_key", 0) == done
    held = NEW if done else world.keys["electricity"]
    assert world.truth("electricity").keys[SUA].check_value == held.check_value


def at_rotation(world: World, fault: str, code: str = "") -> None:
    world.strike(fault, "electricity", code=code, moment=Moment(request="rotate_key"))


def check_request_lost(world: World) -> None:
    at_rotation(world, "request-lost")
    rotate(world, Ambiguous, done=False)


def check_reply_lost(world: World) -> None:
    at_rotation(world, "reply-lost")
    rotate(world, Ambiguous, done=True)


def check_reply_late(world: World) -> None:
    at_rotation(world, "reply-late")
    rotate(world, Ambiguous, done=True)
    before = world.clock.now()
    world.strike("reply-late", "electricity", lasts=3 * SECOND, moment=Moment(request="read_clock"))
    world.electricity.read_clock()
    assert world.clock.now() - before == 3 * SECOND + 50_000


def check_request_late(world: World) -> None:
    moment = Moment(request="rotate_key")
    world.strike("request-late", "electricity", lasts=5 * HOUR, moment=moment)
    rotate(world, Ambiguous, done=False)
    world.clock.sleep_until(world.clock.now() + 5 * HOUR)
    assert world.truth("electricity").executed == {"rotate_key": 1}


def check_reply_garbled(world: World) -> None:
    at_rotation(world, "reply-garbled")
    rotate(world, Ambiguous, done=True)
    world.strike("reply-garbled", "display", moment=Moment(request="*"))
    assert error_of(world.display.display_state) is Garbled


def check_refused(world: World) -> None:
    at_rotation(world, "refused", code="E42")
    with pytest.raises(Refused) as refusal:
        world.electricity.rotate_key(SUA, NEW, 1)
    assert refusal.value.code == "E42"
    rotate(world, None, done=True)


def check_busy(world: World) -> None:
    at_rotation(world, "busy")
    rotate(world, Refused, done=False)


def check_reboot_before_commit(world: World) -> None:
    at_rotation(world, "reboot-before-commit")
    rotate(world, Ambiguous, done=False)
    assert error_of(world.electricity.identify) is NoReply
    world.wait(80 * SECOND)
    assert error_of(world.electricity.identify) is None


def check_reboot_between_write_and_commit(world: World) -> None:
    at_rotation(world, "reboot-between-write-and-commit")
    rotate(world, Ambiguous, done=False)
    assert error_of(world.electricity.identify) is NoReply
    world.wait(80 * SECOND)
    assert world.electricity.key_state(SUA).counter == 1, "the counter is used up"
    with pytest.raises(Refused, match="counter-not-newer"):
        world.electricity.rotate_key(SUA, NEW, 1)
    rotate(world, None, done=True)


def check_half_applied_configuration(world: World) -> None:
    at_rotation(world, "half-applied-configuration")
    rotate(world, Refused, done=False)
    assert world.electricity.key_state(SUA).counter == 1
    rotate(world, None, done=True)
    world.strike("half-applied-configuration", "electricity", moment=Moment(request="set_clock"))
    assert error_of(lambda: world.electricity.set_clock(HOUR)) is Refused
    shown = world.electricity.read_clock()
    assert shown < DAY, "the date was taken"
    assert abs(shown - world.clock.now() % DAY) < MINUTE, "the time of day was not"


def check_flash_full(world: World) -> None:
    world.strike("flash-full", "electricity", lasts=HOUR)
    with pytest.raises(Refused, match="storage-full"):
        world.electricity.set_clock(0)
    rotate(world, Refused, done=False)
    before = world.electricity.read_registers().values
    world.wait(HOUR)
    assert world.electricity.read_registers().values > before
    rotate(world, None, done=True)


def check_brown_out(world: World) -> None:
    began = world.clock.now()
    world.strike("brown-out", "electricity")
    world.wait(92 * SECOND)
    assert error_of(world.electricity.identify) is None, "it starts once, after the second sag"
    sag = 200_000
    spans = ((began, began + sag), (began + SECOND, began + SECOND + sag))
    assert world.truth("electricity").power_cuts == spans
    assert world.electricity.prove_key(SUA, world.keys["electricity"]) is True


def check_clock_epoch(world: World) -> None:
    world.strike("clock-epoch", "gas")
    assert world.gas.read_clock() < HOUR


def check_sms_doubled(world: World) -> None:
    world.strike("sms-doubled", "hub", times=2)
    before = world.hub.wan_state().wake_ups
    for _ in range(3):
        world.hub.wake()
    assert world.hub.wan_state().wake_ups - before == 5
    assert world.truth("hub").wake_ups == 3, "each was paid for once"


def files_after(world: World, fault: str, within: int, **options: int) -> list[tuple[int, bool]]:
    """When file sets arrived, counted from the fault, and whether they were whole."""
    world.strike(fault, "SMSO", **options)
    with suppress(Ambiguous):
        world.parties.smso.transfer_account()
    return [
        (at, cast(FileReceived, file).complete)
        for at, file in world.arrivals(FileReceived, within=within)
    ]


TRANSFER = 5 * MINUTE  # how long the SMSO takes


def check_file_set_early(world: World) -> None:
    assert files_after(world, "file-set-early", 2 * DAY) == [(TRANSFER, True)]


def check_file_set_on_time(world: World) -> None:
    assert files_after(world, "file-set-on-time", 2 * DAY) == [(DAY, True)]


def check_file_set_late(world: World) -> None:
    assert files_after(world, "file-set-late", 2 * DAY, lasts=HOUR) == [(HOUR + SECOND, True)]


def check_file_set_incomplete(world: World) -> None:
    assert files_after(world, "file-set-incomplete", 2 * DAY) == [(TRANSFER + HOUR, False)]


def check_file_set_duplicated(world: World) -> None:
    first = TRANSFER + HOUR
    expected = [(first, True), (first + MINUTE, True)]
    assert files_after(world, "file-set-duplicated", 2 * DAY) == expected
    world.parties.smso.take_account_back()
    assert world.arrivals(FileReceived, within=DAY) == []


def check_file_set_missing(world: World) -> None:
    assert files_after(world, "file-set-missing", 9 * DAY) == []


def check_switch_reply_lost(world: World) -> None:
    world.strike("switch-reply-lost", "SMSO")
    assert error_of(world.parties.smso.transfer_account) is Ambiguous
    assert world.parties.smso.account_holder() is Holder.DCC


def check_switch_back_refused(world: World) -> None:
    world.strike("switch-back-refused", "SMSO", code="E7")
    world.parties.smso.transfer_account()
    with pytest.raises(Refused) as refusal:
        world.parties.smso.take_account_back()
    assert refusal.value.code == "E7"
    assert world.parties.smso.account_holder() is Holder.DCC


def check_incident_never_resolved(world: World) -> None:
    world.strike("incident-never-resolved", "DSP")
    world.parties.dsp.raise_incident("something")
    assert world.arrivals(IncidentResolved, within=30 * DAY) == []


def check_party_silent(world: World) -> None:
    world.strike("party-silent", "SMSO", lasts=HOUR)
    assert error_of(world.parties.smso.transfer_account) is Ambiguous
    assert error_of(world.parties.smso.account_holder) is NoReply
    assert error_of(world.parties.mcc.calendar) is None
    world.wait(HOUR)
    assert world.parties.smso.account_holder() is Holder.SMSO


def check_reboot_after_commit(world: World) -> None:
    at_rotation(world, "reboot-after-commit")
    rotate(world, Ambiguous, done=True)
    assert error_of(world.electricity.identify) is NoReply
    world.wait(80 * SECOND)
    assert world.electricity.prove_key(SUA, NEW) is True, "a reboot forgets no key"


def check_authentication_failed(world: World) -> None:
    at_rotation(world, "authentication-failed")
    rotate(world, AuthenticationFailed, done=False)


def check_acknowledged_not_done(world: World) -> None:
    world.strike("acknowledged-not-done", "electricity", moment=Moment(request="*"))
    world.electricity.read_clock()  # changes nothing and so is not what it waits for
    rotate(world, None, done=False)


def check_wrong_device(world: World) -> None:
    at_rotation(world, "wrong-device")
    rotate(world, WrongDevice, done=False)


def check_power_cut(world: World) -> None:
    used = world.electricity.read_registers().values
    began = world.clock.now()
    world.strike("power-cut", "electricity", lasts=HOUR)
    before = world.clock.now()
    assert error_of(lambda: world.electricity.rotate_key(SUA, NEW, 1)) is NoReply
    assert world.clock.now() - before == 10 * SECOND
    world.wait(HOUR + 90 * SECOND)
    assert world.electricity.read_registers().values[0][1] - used[0][1] < Decimal("0.05")
    assert world.truth("electricity").power_cuts == ((began, began + HOUR),)
    assert world.truth("electricity").outages == (), "the meter did not interrupt the supply"


def check_reboot(world: World) -> None:
    world.strike("reboot", "gas")
    world.wait(20 * SECOND)
    heard = [row.last_heard for row in world.hub.han_devices()]
    assert error_of(world.gas.identify) is NoReply
    assert world.gas.prove_key(SUA, world.keys["gas"]) is True
    assert [row.last_heard for row in world.hub.han_devices()] != heard


def check_clock_step(world: World) -> None:
    world.strike("clock-step", "electricity")
    assert world.electricity.read_clock() - world.clock.now() == HOUR
    world.strike("clock-step", "electricity", by=-2 * HOUR)
    assert world.electricity.read_clock() - world.clock.now() == -HOUR + 1


def check_clock_drift(world: World) -> None:
    world.strike("clock-drift", "electricity", by=-1000, lasts=DAY)
    world.wait(DAY)
    slow = world.clock.now() - world.electricity.read_clock()
    assert abs(slow - DAY // 1000) < MINUTE // 100
    world.wait(DAY)
    fast = world.electricity.read_clock() - world.clock.now() + slow
    assert abs(fast - DAY * 12 // 1_000_000) < MINUTE // 100


def check_factory_reset(world: World) -> None:
    world.electricity.rotate_key(SUA, NEW, 4)
    reading = world.electricity.read_registers().values
    world.strike("factory-reset", "electricity")
    assert world.electricity.prove_key(SUA, NEW) is False
    assert world.electricity.prove_key(SUA, world.keys["electricity"]) is False
    state = world.electricity.key_state(SUA)
    assert (state.version, state.counter) == (0, 0)
    assert world.electricity.read_clock() < MINUTE
    assert [row.joined for row in world.hub.han_devices()] == [False, True, True]
    assert world.electricity.read_registers().values >= reading
    world.strike("factory-reset", "hub")
    assert not any(row.joined for row in world.hub.han_devices())
    assert world.display.display_state().joined_to is None


def check_supply_opened(world: World) -> None:
    began = world.clock.now()
    world.strike("supply-opened", "electricity", lasts=2 * HOUR)
    assert world.electricity.supply_state() is SupplyState.OFF
    before = world.electricity.read_registers().values
    world.wait(HOUR)
    assert world.electricity.read_registers().values == before
    assert world.truth("electricity").outages == ((began, None),)
    world.wait(HOUR)
    assert world.electricity.supply_state() is SupplyState.ON
    assert world.truth("electricity").outages == ((began, began + 2 * HOUR),)


def check_register_lost(world: World) -> None:
    before = world.gas.read_registers().values[0][1]
    world.strike("register-lost", "gas")
    world.wait(HOUR)
    assert world.gas.read_registers().values[0][1] < before
    assert world.hub.mirrored_registers(world.eui64("gas")).values[0][1] < before
    assert world.truth("gas").registers_fell
    assert not world.truth("electricity").registers_fell


def check_balance_lost(world: World) -> None:
    world.strike("balance-lost", "electricity")
    assert world.electricity.read_payment().balance <= 0
    assert world.truth("electricity").balance_lost
    assert not world.truth("gas").balance_lost


def check_stops_waking(world: World) -> None:
    eui64 = world.eui64("gas")
    world.strike("stops-waking", "gas", lasts=5 * HOUR)
    assert error_of(world.gas.identify) is NoReply
    world.wait(4 * HOUR)
    assert world.hub.mirrored_registers(eui64).staleness > 4 * HOUR
    world.wait(2 * HOUR)
    assert error_of(world.gas.identify) is None
    assert world.hub.mirrored_registers(eui64).staleness < HOUR


def check_wan_outage(world: World) -> None:
    world.strike("wan-outage", "hub", lasts=HOUR)
    world.strike("wan-outage", "hub", lasts=2 * HOUR)
    world.hub.wake()
    assert not world.hub.wan_state().connected
    assert world.hub.wan_state().wake_ups == 0
    assert world.truth("hub").wake_ups == 1
    world.wait(HOUR)
    assert not world.hub.wan_state().connected, "the longer of two outages"
    world.wait(HOUR)
    assert world.hub.wan_state().connected


def check_wan_never(world: World) -> None:
    world.strike("wan-never", "hub")
    world.wait(30 * DAY)
    world.hub.wake()
    assert not world.hub.wan_state().connected


def check_wan_dormant(world: World) -> None:
    world.strike("wan-dormant", "hub")
    assert not world.hub.wan_state().connected
    world.hub.wake()
    assert world.hub.wan_state().connected


def check_sms_lost(world: World) -> None:
    world.strike("wan-dormant", "hub")
    world.strike("sms-lost", "hub", times=2)
    for connected in (False, False, True):
        world.hub.wake()
        assert world.hub.wan_state().connected is connected
    assert world.hub.wan_state().wake_ups == 1
    assert world.truth("hub").wake_ups == 3


def check_han_loss(world: World) -> None:
    world.strike("han-loss", "gas", lasts=4 * HOUR)
    began = world.clock.now()
    world.wait(3 * HOUR)
    assert world.hub.mirrored_registers(world.eui64("gas")).source_at < began
    rows = {row.eui64: row for row in world.hub.han_devices()}
    assert rows[world.eui64("gas")].joined
    heard = rows[world.eui64("gas")].last_heard
    assert heard is not None
    assert heard < began
    assert (rows[world.eui64("electricity")].last_heard or 0) > began
    assert error_of(world.gas.identify) is None, "its own port is not the HAN"
    world.wait(2 * HOUR)
    assert world.hub.mirrored_registers(world.eui64("gas")).staleness < HOUR


def check_han_left(world: World) -> None:
    def joined() -> bool:
        rows = {row.eui64: row.joined for row in world.hub.han_devices()}
        assert rows[world.eui64("electricity")]
        return rows[world.eui64("display")]

    world.strike("han-left", "display", lasts=2 * HOUR)
    assert not joined()
    assert world.display.display_state().joined_to is None
    world.hub.permit_join(600)
    world.wait(HOUR)
    assert not joined(), "an open window does not help while it lasts"
    world.wait(HOUR)
    assert joined()


def check_han_loss_all(world: World) -> None:
    began = world.clock.now()
    world.strike("han-loss-all", "hub")
    world.wait(HOUR)
    assert all((row.last_heard or 0) <= began for row in world.hub.han_devices())
    assert world.display.display_state().shown == ("no connection",)


CHECKS = {
    name.removeprefix("check_").replace("_", "-"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def test_every_fault_is_checked() -> None:
    assert CHECKS.keys() == FAULTS.keys()


@pytest.mark.parametrize("fault", CHECKS)
def test_a_fault_is_seen(build: Callable[..., World], fault: str) -> None:
    payment = PaymentMode.PREPAYMENT if fault == "balance-lost" else PaymentMode.CREDIT
    # Noon, so that an hour's consumption always shows.
    CHECKS[fault](build(payment=payment, start=parse_instant("2021-04-08T12:00:00Z")))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_catalogue_describes_each_fault_in_a_sentence_or_two(fault: object) -> None:
    from emulators.faults.registry import Fault

    assert isinstance(fault, Fault)
    assert fault.description.endswith(".")
    assert 1 <= fault.description.count(". ") + 1 <= 2
    assert fault.roles or fault.parties
    assert (fault.fate is None) is not (fault.begin is None)
