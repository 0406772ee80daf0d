"""From a profile and a port to an open transport, for a driver used at a Python prompt."""

from __future__ import annotations

from bench.clock import Clock, WallClock
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.emulated import EmulatedPorts
from drivers.transport.opening import open_transport
from drivers.transport.pipe import Transport


def open_with(
    profile: str | Profile,
    port: str,
    clock: Clock | None = None,
    emulated: EmulatedPorts | None = None,
) -> tuple[Profile, Transport]:
    """`profile`: read already, or a shipped one's name, or a file. No clock: the wall clock."""
    held = read_profile(profile) if isinstance(profile, str) else profile
    return held, open_transport(port, held.line.settings, clock or WallClock(), emulated=emulated)
