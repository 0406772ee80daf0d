"""What is between the bench and a device: the `port:` line of a station file."""

from __future__ import annotations

from enum import Enum
from typing import Final

from bench.plugins import DRIVERS, load
from bench.spelling import did_you_mean

DIRECT: Final = "direct:"
MEMORY: Final = "emu:"
PTY: Final = "pty:"
VIA_HUB: Final = "via:hub"
LABGRID: Final = "labgrid:"
"""`labgrid:NAME` is a serial resource of the station's labgrid place."""


class Reach(Enum):
    """How a device is reached; everything but `DIRECT` goes through its driver."""

    DIRECT = "an emulated device's model, without bytes"
    MEMORY = "an emulated device on a line in memory"
    PTY = "an emulated device on a pty of this machine"
    VIA_HUB = "a gas meter's mirror in the hub"
    REAL = "a port outside this program, whatever is behind it"

    @property
    def on_a_line(self) -> bool:
        """Octets pass between the bench and the device, and can be stored and disturbed."""
        return self in (Reach.MEMORY, Reach.PTY, Reach.REAL)


_NAMED: Final = {
    DIRECT: Reach.DIRECT,
    MEMORY: Reach.MEMORY,
    PTY: Reach.PTY,
    VIA_HUB: Reach.VIA_HUB,
}


def reach_of(port: str) -> Reach:
    """A port that is none of the named ones is real; `port_problem` says whether it is any."""
    return _NAMED.get(port, Reach.REAL)


def port_problem(port: str) -> str:
    """What is wrong with the form of a port; empty where nothing is. Opens nothing."""
    if port in _NAMED:
        return ""
    if port.startswith(LABGRID):
        named = port.removeprefix(LABGRID)
        return "" if named else f"expected {LABGRID}NAME, a serial resource of the labgrid place"
    wrong: str = load(DRIVERS, "lines").port_problem(port)
    if not wrong:
        return ""
    return (
        f"expected {DIRECT}, {MEMORY}, {PTY}, {VIA_HUB} or a port such as "
        f"/dev/serial/by-id/…, hwgrep://…, socket://host:port, rfc2217://host:port, "
        f"listen:host:port, {LABGRID}NAME, got '{port}'{did_you_mean(port, _NAMED)}"
    )
