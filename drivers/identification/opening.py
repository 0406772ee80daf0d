"""A port of this machine on the wall clock, or an emulated device of its own in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from bench.clock import VirtualClock, WallClock
from bench.units import parse_instant
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.address import PortAddress
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort, WirePeer
from drivers.transport.opening import open_transport
from drivers.transport.pipe import Transport

MakeDevice = Callable[[Profile, MemoryPort], WirePeer]
"""Makes the emulated device of a profile, at the device's end of a line."""
_EMULATED_AT: Final = parse_instant("2021-04-08T09:30:00Z")


@contextmanager
def opened(port: str, line: LineSettings, make_device: MakeDevice) -> Iterator[Transport]:
    """`emu:PROFILE`: the emulated device of that profile. `PortGone`, `Busy`, `UsageError`."""
    address = PortAddress.parse(port)
    if not address.in_memory:
        with open_transport(port, line, WallClock()) as transport:
            yield transport
        return
    clock = VirtualClock(_EMULATED_AT)
    profile = read_profile(address.name)
    memory = MemoryPort(address.name, clock, profile.line.settings)
    memory.attach(make_device(profile, memory))
    with memory.connect(line) as transport:
        yield transport
