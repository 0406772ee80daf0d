"""The way back from parked: a passage begins by settling what an earlier one left in doubt.

What was left shows in the key ring, which outlives a run: a meter with two keys. Each is proven to
hold its old key before anything else is done, and the account is back with the SMSO.
"""

from __future__ import annotations

from bench.installation import DeviceSpec
from bench.migration.account import settle_holder, switch_back
from bench.migration.case import Case
from bench.migration.key_proof import SUA, record
from bench.migration.key_rotation import restore_key
from bench.parties import Group, Holder


def clear(case: Case) -> None:
    """Brings the installation back to old keys and old operator. Raises `Parked`, as before.

    Safe to repeat; without anything in doubt it asks nobody.
    """
    left = _in_doubt(case)
    if not left and not case.was_parked:
        return
    for device in reversed(left):
        record(case, device, "unknown", "none")
        restore_key(case, device)
    if settle_holder(case) is Holder.DCC:
        switch_back(case)


def _in_doubt(case: Case) -> list[DeviceSpec]:
    if case.group is not Group.DA:
        return []
    keys = case.effects.keys
    return [
        device
        for device in case.meters
        if keys.staged(device.name, SUA) or keys.previous(device.name, SUA)
    ]
