"""Returns the kit to a scenario's preconditions after it was judged, and checks that it did."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from bench.devices import KeySlot
from bench.effects import Effects
from bench.emulation import EmulatedWorld
from bench.errors import Ambiguous, PeerError
from bench.installation import Installation
from bench.secret import Secret
from bench.settling import Patience, let_join, reboot_hub
from bench.suite import Preconditions, Restore
from bench.units import MINUTE

Place = tuple[str, KeySlot]
PATIENCE: Final = Patience(MINUTE, 60)
"""A sleepy gas meter speaks every half hour; it is given two chances to join again."""


def restore(
    preconditions: Preconditions,
    effects: Effects,
    world: EmulatedWorld,
    installation: Installation,
    held: Mapping[Place, Secret],
) -> str:
    """Does the acts in order; returns why the kit is not back, or an empty string.

    `held`: the keys the meters began with. Nothing of it enters the trace: the scenario is over.
    """
    for act in preconditions.restore:
        try:
            _do(act, effects, installation, held)
        except PeerError as error:
            return f"the kit could not be returned to its preconditions: {act}: {error}"
    account = world.truth().account
    if Restore.ACCOUNT in preconditions.restore and account is not preconditions.account:
        return f"the account is not back: expected {preconditions.account}, got {account}"
    return ""


def with_other_keys(
    began: Mapping[Place, Mapping[str, Secret]],
    ended: Mapping[Place, Mapping[str, Secret]],
    held: Mapping[Place, Secret],
) -> list[str]:
    """The devices whose key is not proven to be the one they `held` first: by what the key ring
    held (`bench.key_ring`) when the scenario began and when it ended.
    """
    return [
        place[0]
        for place, states in ended.items()
        if states != began.get(place, {})
        and ("staged" in states or states.get("current") != held.get(place))
    ]


def _do(
    act: Restore,
    effects: Effects,
    installation: Installation,
    held: Mapping[Place, Secret],
) -> None:
    hub = installation.hub.name
    if act is Restore.KEYS:
        _restore_keys(effects, installation, held)
    elif act is Restore.ACCOUNT:
        with suppress(Ambiguous):  # who holds it is looked at in the end
            effects.smso.take_account_back()
    elif act is Restore.REBOOT:
        reboot_hub(effects, hub, PATIENCE)
    else:
        for row in effects.hub(hub).han_devices():
            if not row.joined:
                let_join(effects, hub, row.eui64, PATIENCE)


def _restore_keys(
    effects: Effects, installation: Installation, held: Mapping[Place, Secret]
) -> None:
    """Gives every meter the key it began with, and has it prove it; the key ring follows."""
    keys, slot = effects.keys, KeySlot.SUA
    for device in installation.meters:
        key = held.get((device.name, slot))
        if key is None:
            raise PeerError(device.name, "rotate_key", "the bench does not hold its first key")
        meter = effects.meter(device.name)
        keys.stage_back(device.name, slot, key)
        with suppress(Ambiguous):  # the proof settles it
            meter.rotate_key(slot, key, keys.next_counter(device.name))
        if not meter.prove_key(slot, key):
            raise PeerError(device.name, "prove_key", "the restored key is not proven")
        keys.prove_back(device.name, slot, key)
