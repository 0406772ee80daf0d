"""On-device checks, 2.6.2 and 2.6.3 (not DA [S row 14]); what they check is the bench's default."""

from __future__ import annotations

from bench.devices import Role
from bench.migration.case import Case
from bench.migration.contact import require_han, require_identity, require_wan
from bench.migration.retrying import with_retry


def check_hub_and_electricity(case: Case) -> None:
    """2.6.2: hub and electricity meter answer over the WAN and are the ones listed."""

    def check() -> None:
        require_wan(case)
        require_identity(case, case.installation.hub)
        for device in case.meters:
            if device.role is Role.ELECTRICITY_METER:
                require_identity(case, device)
                case.meter(device).read_registers()

    with_retry(case, "2.6.2", check)


def check_han_devices(case: Case) -> None:
    """2.6.3: gas meter and display are on the HAN, and the hub mirrors the gas meter."""

    def check() -> None:
        require_wan(case)
        require_han(case)
        for device in case.meters:
            if device.role is Role.GAS_METER:
                require_identity(case, device)
                case.hub.mirrored_registers(device.eui64)

    with_retry(case, "2.6.3", check)
