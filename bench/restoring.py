"""Returns the kit to a scenario's preconditions after it was judged, and checks that it did."""

from __future__ import annotations

from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.effects import Effects
from bench.emulation import EmulatedWorld
from bench.errors import PeerError
from bench.installation import Installation
from bench.suite import Preconditions, Restore


def restore(
    preconditions: Preconditions, effects: Effects, world: EmulatedWorld, installation: Installation
) -> str:
    """Does the acts in order; returns why the kit is not back, or an empty string.

    Nothing of it enters the trace: the scenario is over.
    """
    for act in preconditions.restore:
        try:
            if act is Restore.KEYS:
                _restore_keys(effects, installation)
            else:
                effects.smso.take_account_back()
        except PeerError as error:
            return f"the kit could not be returned to its preconditions: {act}: {error}"
    account = world.truth().account
    if Restore.ACCOUNT in preconditions.restore and account is not preconditions.account:
        return f"the account is not back: expected {preconditions.account}, got {account}"
    return ""


def _restore_keys(effects: Effects, installation: Installation) -> None:
    """Gives every meter the test key it began with, and has it prove it."""
    for device in installation.meters:
        key = demo_key(device.eui64, KeySlot.SUA)
        meter = effects.meter(device.name)
        meter.rotate_key(KeySlot.SUA, key, effects.keys.next_counter(device.name))
        if not meter.prove_key(KeySlot.SUA, key):
            raise PeerError(device.name, "prove_key", "the restored key is not proven")
