"""Tells a watcher what happens to a device on a line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bench.devices import KeySlot
from bench.emulation import Act, Answer
from bench.hosting import Watcher
from bench.units import Micros
from emulators.installation import EmulatedInstallation
from emulators.models.device import EmulatedDevice
from emulators.models.meter import Meter

_ABOUT_KEYS = ("rotate_key", "prove_key")


def watch(world: EmulatedInstallation, name: str, watcher: Watcher) -> None:
    """From now on: each request that the device takes, and when it stops and starts listening."""
    model = world.models[name]
    world.channel(name).witness = partial(_tell_act, model, watcher)
    model.watchers.append(partial(_tell_power, model, watcher))


def keys_held(world: EmulatedInstallation) -> Mapping[str, str]:
    """The check value of each meter's SUA key."""
    return {name: _key(model) for name, model in world.models.items() if isinstance(model, Meter)}


def _key(meter: Meter) -> str:
    return meter.key_state(KeySlot.SUA).check_value


def _tell_act(
    model: EmulatedDevice,
    watcher: Watcher,
    operation: str,
    what: str,
    late: Micros,
    answer: Answer,
    code: str,
) -> None:
    now = model.clock.now()
    key = _key(model) if operation in _ABOUT_KEYS and isinstance(model, Meter) else ""
    watcher.act(Act(model.spec.name, operation, what, now, now + late, answer, code, key))


def _tell_power(model: EmulatedDevice, watcher: Watcher, event: str, _: Mapping[str, str]) -> None:
    if event in ("stopped", "started"):
        watcher.power(model.spec.name, model.clock.now(), event == "started")
