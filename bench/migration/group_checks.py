"""The checks of 2.5.4 to 2.5.10, after the account switch.

The papers give the section numbers and say for group DA that there is no MGF (2.5.4-2.5.6) and no
2.5.9 [S rows 11-13]; what is checked is not public. What stands here is the bench's default.
"""

from __future__ import annotations

from bench.devices import KeySlot
from bench.migration.case import Case, CheckFailed
from bench.migration.codes import Code
from bench.migration.contact import require_han, require_identity, require_wan
from bench.parties import Holder


def generate_mgf(case: Case) -> None:
    """2.5.4 (not DA): the migration group file is generated, once the SMSO's books say DCC."""
    if case.effects.smso.account_holder() is not Holder.DCC:
        raise CheckFailed(Code.ACCOUNT)
    case.file("MGF", "generated")


def check_file_set(case: Case) -> None:
    """2.5.5: the RFS lists the devices that were submitted."""
    if {d.eui64 for d in case.file_set} != {d.eui64 for d in case.submitted}:
        raise CheckFailed(Code.DEVICES, retryable=False)


def check_group_file(case: Case) -> None:
    """2.5.6 (not DA): every device that the MGF lists is joined to the hub."""
    hub = case.installation.hub.eui64
    on_the_hub = {row.eui64 for row in case.hub.han_devices() if row.joined} | {hub}
    if not {device.eui64 for device in case.file_set} <= on_the_hub:
        raise CheckFailed(Code.DEVICES, retryable=False)


def check_reachable(case: Case) -> None:
    """2.5.7: the hub is on the WAN under its new operator."""
    require_wan(case)


def check_hub(case: Case) -> None:
    """2.5.8: the hub is the one listed."""
    require_identity(case, case.installation.hub)


def check_keys(case: Case) -> None:
    """2.5.9 (not DA): the S1SP holds a key for each meter."""
    for device in case.meters:
        if case.effects.keys.current(device.name, KeySlot.SUA) is None:
            raise CheckFailed(Code.NO_KEY, retryable=False)


def check_han(case: Case) -> None:
    """2.5.10: the hub has heard every device lately."""
    require_han(case)
