"""The soak: after the migration the devices are left alone and looked at, for days."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from bench.devices import Role
from bench.effects import Effects
from bench.errors import PeerError
from bench.installation import Installation
from bench.suite import Soak


def soak(effects: Effects, installation: Installation, plan: Soak) -> None:
    """Reads every device once in every `plan.every`, until `plan.lasts` is over.

    Registers, supply and clock of each meter; WAN and HAN; what the display shows. What they
    answer is judged afterwards (`bench.conduct`). Only asks, so it is safe to repeat.
    """
    until = effects.now() + plan.lasts
    while True:
        for ask in _questions(effects, installation):
            with suppress(PeerError):
                ask()
        at = effects.now() + plan.every
        if at > until:
            return
        effects.sleep_until(at)


def _questions(effects: Effects, installation: Installation) -> list[Callable[[], object]]:
    asks: list[Callable[[], object]] = []
    hub = effects.hub(installation.hub.name)
    asks += [hub.wan_state, hub.han_devices]
    for device in installation.meters:
        meter = effects.meter(device.name)
        asks += [meter.read_registers, meter.supply_state, meter.read_clock]
    for device in installation.with_role(Role.IHD):
        asks.append(effects.display(device.name).display_state)
    return asks
