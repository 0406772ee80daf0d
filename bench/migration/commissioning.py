"""The commissioning steps; a failure here is reported in MRR6 with code MA122 [S row 5].

Which steps is not public. The bench's default: every meter's clock is right or set right, its
registers are read, its supply is on, every device is on the HAN, and the display shows the hub's.
"""

from __future__ import annotations

from bench.devices import Role, SupplyState
from bench.errors import Ambiguous, Refused
from bench.installation import DeviceSpec
from bench.migration.case import Case, CheckFailed
from bench.migration.codes import Code
from bench.migration.contact import require_han, require_wan
from bench.migration.retrying import with_retry
from bench.settling import Patience, set_clock


def commission(case: Case) -> None:
    """Works through the steps, with the group's retry. Every step is safe to repeat."""

    def steps() -> None:
        require_wan(case)
        require_han(case)
        for device in case.meters:
            _set_clock_right(case, device)
            case.meter(device).read_registers()
            if case.meter(device).supply_state() is not SupplyState.ON:
                raise CheckFailed(Code.SUPPLY)
        for device in case.migrating:
            if device.role is Role.IHD:
                _require_display_joined(case, device)

    with_retry(case, "commissioning", steps)


def _set_clock_right(case: Case, device: DeviceSpec) -> None:
    meter, tolerance = case.meter(device), case.defaults.duration("clock-tolerance")
    if abs(meter.read_clock() - case.effects.now()) <= tolerance:
        return
    patience = Patience(
        case.defaults.duration("settle-interval"), case.defaults.count("settle-tries")
    )
    try:
        set_clock(case.effects, device.name, tolerance, patience)
    except (Ambiguous, Refused):
        raise CheckFailed(Code.CLOCK) from None


def _require_display_joined(case: Case, device: DeviceSpec) -> None:
    state = case.effects.display(device.name).display_state()
    if state.joined_to != case.installation.hub.eui64:
        raise CheckFailed(Code.HAN)
