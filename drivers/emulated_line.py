"""A driver and the emulated device it drives, a serial line in memory between them (`emu:`)."""

from __future__ import annotations

import random
from collections.abc import Callable

from bench.clock import Clock
from bench.devices import Device, Role
from bench.errors import UsageError
from bench.installation import DeviceSpec
from drivers.console_hub import ConsoleHub
from drivers.console_ihd import ConsoleDisplay
from drivers.dlms_meter import DlmsMeter
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.memory import MemoryPort, WirePeer

Serve = Callable[[Profile, MemoryPort], WirePeer]
"""Makes the device's end of the line."""


def connect(spec: DeviceSpec, profile: str, clock: Clock, seed: str, serve: Serve) -> Device:
    """The driver of the device, as for real kit; only the port differs.

    `seed`: of the driver's challenges, so that a run can be repeated to the byte; the keys are the
    public test keys of emulated kit.
    """
    held = read_profile(profile)
    settings = held.line.settings
    port = MemoryPort(spec.name, clock, settings)
    port.attach(serve(held, port))
    transport = port.connect(settings)
    if held.dlms is not None:
        entropy = random.Random(seed)
        keys = demo_meter_keys(spec.eui64)
        return DlmsMeter(
            spec.name, held, transport, keys, eui64=spec.eui64, entropy=entropy.randbytes
        )
    if held.console is not None and spec.role is Role.COMMS_HUB:
        return ConsoleHub(spec.name, held, transport, eui64=spec.eui64)
    if held.console is not None and spec.role is Role.IHD:
        return ConsoleDisplay(spec.name, held, transport, eui64=spec.eui64)
    raise UsageError(f"profile {held.profile}: no driver for a {spec.role} on such a port")
