"""What a device is, before and after: nothing of it may change that nobody asked to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bench.conduct.breach import Breach, Watched
from bench.devices import Identity, KeySlot, RegisterReading, SupplyState
from bench.emulation import DeviceTruth
from bench.installation import DeviceSpec
from bench.invariant import Invariant
from bench.secret import Secret
from bench.units import format_instant


def states(watched: Watched) -> Iterator[Breach]:
    for spec in watched.installation.devices:
        before, after = watched.before.devices[spec.name], watched.after.devices[spec.name]
        yield from _supply_and_registers(watched, spec.name, after)
        yield from _identity(watched, spec)
        yield from _keys(watched, spec.name, before, after)
        yield from _restarts(watched, spec.name, before, after)
        asked_out = any(spec.eui64 in act.given for act in watched.acts)
        if before.joined and after.joined is False and not asked_out:
            yield Breach(spec.name, Invariant.HAN, "it was a member before, and is not after")
        if after.locked_until is not None and before.locked_until is None:
            until = format_instant(after.locked_until)
            at = after.locked_until - spec.emulation.lockout_for
            yield Breach(spec.name, Invariant.LOCKED, f"it takes no key until {until}", at)


def _supply_and_registers(watched: Watched, name: str, after: DeviceTruth) -> Iterator[Breach]:
    if after.outages:
        since = after.outages[0][0]
        yield Breach(name, Invariant.SUPPLY, "the meter opened it", since)
    for act in watched.asked(name, "supply_state"):
        if act.answer in (SupplyState.OFF, SupplyState.ARMED):
            yield Breach(
                name, Invariant.SUPPLY, f"the meter states that it is {act.answer}", act.at
            )
    last: dict[str, Decimal] = {}
    for act in watched.asked(name, "read_registers"):
        if not isinstance(act.answer, RegisterReading):
            continue
        read = dict(act.answer.values)
        for register, value in read.items():
            if value < last.get(register, value):
                detail = f"{register} was {last[register]} and is {value}"
                yield Breach(name, Invariant.REGISTERS, detail, act.at)
        last = read
    if after.registers_fell:
        detail = "a register is lower than it was"
        yield Breach(name, Invariant.REGISTERS, detail, after.fell_at)
    if after.balance_lost:
        yield Breach(name, Invariant.BALANCE, "it changed otherwise", after.lost_at)


def _identity(watched: Watched, spec: DeviceSpec) -> Iterator[Breach]:
    read: list[tuple[int, Identity]] = []
    if spec.name in watched.identities:
        read.append((watched.started, watched.identities[spec.name]))
    asked = watched.asked(spec.name, "identify")
    read += [(act.at, act.answer) for act in asked if isinstance(act.answer, Identity)]
    for at, identity in read:
        for what, expected, got in (
            ("EUI-64", spec.eui64, identity.eui64),
            ("model", spec.model, identity.model),
            ("serial number", spec.serial_number, identity.serial_number),
            ("firmware", spec.firmware, identity.firmware),
        ):
            if expected and expected != got:
                detail = f"{what} {expected} is listed, it states {got}"
                yield Breach(spec.name, Invariant.IDENTITY, detail, at)


def _keys(watched: Watched, name: str, before: DeviceTruth, after: DeviceTruth) -> Iterator[Breach]:
    slot = KeySlot.SUA
    if slot not in before.keys or slot not in after.keys:
        return
    known = {before.keys[slot].check_value}
    for act in watched.asked(name, "rotate_key"):
        known |= {key.check_value for key in act.given if isinstance(key, Secret)}
    held = after.keys[slot]
    if held.check_value not in known:
        detail = f"it holds a key ({held.check_value}) that nobody sent it"
        yield Breach(name, Invariant.KEY_LOST, detail)


def _restarts(
    watched: Watched, name: str, before: DeviceTruth, after: DeviceTruth
) -> Iterator[Breach]:
    if before.power_ups is None or after.power_ups is None:
        return
    ordered = sum(1 for _ in watched.asked(name, "reboot"))
    ordered += len(after.power_cuts) - len(before.power_cuts)
    own = after.power_ups - before.power_ups - ordered
    if own > 0:
        times = "once" if own == 1 else f"{own} times"
        detail = f"it started by itself {times}, the last time"
        yield Breach(name, Invariant.RESTARTED, detail, after.up_since)
