"""Puts a device of an emulated installation behind a line, by its profile."""

from __future__ import annotations

import random

from bench.errors import UsageError
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import Profile
from drivers.transport.memory import WirePeer
from emulators.installation import EmulatedInstallation
from emulators.models.comms_hub import CommsHub
from emulators.models.ihd import InHomeDisplay
from emulators.models.meter import Meter
from emulators.wire.console import ConsoleDevice
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.wire_end import WireEnd

_CHALLENGE = 16


def serve(
    world: EmulatedInstallation, name: str, profile: Profile, end: WireEnd, seed: str
) -> WirePeer:
    """The device's end of the line; it speaks through `end`. Its challenges come from `seed`.

    `UsageError`: the profile is for another role, or nothing emulates that protocol.
    """
    model = world.models[name]
    if model.spec.role is not profile.role:
        raise UsageError(
            f"profile {profile.profile} is for a {profile.role}, and {name} is a {model.spec.role}"
        )
    channel = world.channel(name)
    if isinstance(model, Meter) and profile.dlms is not None:
        challenges = random.Random(seed)
        return DlmsMeter(
            model,
            profile,
            demo_meter_keys(model.spec.eui64),
            end,
            channel=channel,
            challenge=lambda: challenges.randbytes(_CHALLENGE),
        )
    if isinstance(model, CommsHub | InHomeDisplay) and profile.console is not None:
        return ConsoleDevice(model, profile, world.clock, end.send, channel=channel)
    raise UsageError(f"profile {profile.profile}: nothing emulates {name} on such a port")
