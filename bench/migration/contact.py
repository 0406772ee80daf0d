"""Reaching the installation over the WAN: ask the hub, wake it by SMS, ask again.

A hub of the Secure cohort sleeps until an SMS wakes it; each SMS costs money, so their number is
bounded and the hub counts them.
"""

from __future__ import annotations

from contextlib import suppress

from bench.devices import HanDevice, Role
from bench.errors import Ambiguous
from bench.installation import DeviceSpec
from bench.migration.case import Case, CheckFailed
from bench.migration.codes import Code
from bench.units import Micros


def require_wan(case: Case) -> None:
    """Returns once the hub is on the WAN. Raises `CheckFailed` (BENCH-NO-WAN) or a `PeerError`."""
    hub, wait = case.hub, case.defaults.duration("wake-wait")
    for _ in range(case.defaults.count("wake-tries")):
        if hub.wan_state().connected:
            return
        with suppress(Ambiguous):  # settled by asking for the WAN's state
            hub.wake()
        case.effects.sleep_until(case.effects.now() + wait)
    if not hub.wan_state().connected:
        raise CheckFailed(Code.NO_WAN)


def require_identity(case: Case, device: DeviceSpec) -> None:
    """The device under that name is the one the installation lists (EUI-64 and model)."""
    if device.role is Role.COMMS_HUB:
        identity = case.hub.identify()
    elif device.role is Role.IHD:
        identity = case.effects.display(device.name).identify()
    else:
        identity = case.meter(device).identify()
    if (identity.eui64, identity.model) != (device.eui64, device.model):
        raise CheckFailed(Code.WRONG_DEVICE, retryable=False)


def require_han(case: Case) -> None:
    """Every migrating device is joined to the hub's HAN and was heard lately.

    A gas meter that is not is left behind with code GT01 and the rest migrates, as DCC proposed
    to do (2021); anything else missing raises `CheckFailed` (BENCH-HAN).
    """
    table = {row.eui64: row for row in case.hub.han_devices()}
    oldest = case.effects.now() - case.defaults.duration("han-silence")
    for device in case.migrating:
        if device.role is Role.COMMS_HUB or _is_heard(table.get(device.eui64), oldest):
            continue
        if device.role is not Role.GAS_METER:
            raise CheckFailed(Code.HAN)
        case.excluded.add(device.name)
        case.report(Code.GT01)


def _is_heard(row: HanDevice | None, oldest: Micros) -> bool:
    if row is None or not row.joined or row.last_heard is None:
        return False
    return row.last_heard >= oldest
