"""What has to be put back, as data: another process must be able to do it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.clock import WallClock
from bench.devices import Role
from bench.errors import BenchError
from bench.installation import DeviceSpec
from bench.labgrid_place import Place, PlaceRelays, held, is_place_port, locked
from bench.plugins import DRIVERS, load


@dataclass(frozen=True, slots=True)
class SetRelay:
    """A relay is set to where it was; it is read back."""

    port: str
    profile: str
    channel: int
    closed: bool

    def __str__(self) -> str:
        return f"relay channel {self.channel} {'on' if self.closed else 'off'}"


@dataclass(frozen=True, slots=True)
class CloseJoining:
    """The hub's network is closed for joining."""

    port: str
    profile: str
    hub: str
    eui64: str

    def __str__(self) -> str:
        return f"{self.hub}: joining closed"


@dataclass(frozen=True, slots=True)
class ReleasePlace:
    """A place of labgrid is released, unless another run of this bench holds it meanwhile."""

    coordinator: str
    place: str

    def __str__(self) -> str:
        return f"labgrid place {self.place} released"


@dataclass(frozen=True, slots=True)
class Noted:
    """What cannot be put back without keys or people: it is said, not done."""

    what: str

    def __str__(self) -> str:
        return self.what


Undo = SetRelay | CloseJoining | ReleasePlace | Noted

_FORMS: Final[dict[str, type[Undo]]] = {
    cls.__name__: cls for cls in (SetRelay, CloseJoining, ReleasePlace, Noted)
}


def to_data(undo: Undo) -> dict[str, Any]:
    return {"undo": type(undo).__name__, **asdict(undo)}


def from_data(data: dict[str, Any]) -> Undo:
    fields = {name: value for name, value in data.items() if name != "undo"}
    return _FORMS[data["undo"]](**fields)


def do_from_outside(undo: Undo) -> None:
    """Does it over a port opened for it. Raises `BenchError` or `PeerError`."""
    lines: Any = load(DRIVERS, "lines")
    clock = WallClock()
    if isinstance(undo, SetRelay) and is_place_port(undo.port):
        relays = PlaceRelays.at(undo.port)
        with held(relays.place):
            relays.set_channel(undo.channel, closed=undo.closed)
    elif isinstance(undo, SetRelay):
        kit = lines.BenchKit(lines.KitPort(undo.port, undo.profile), None, clock)
        try:
            kit.board.set_channel(undo.channel, closed=undo.closed)
        finally:
            kit.close()
    elif isinstance(undo, CloseJoining):
        spec = DeviceSpec(undo.hub, Role.COMMS_HUB, "", undo.eui64, "", "", "")
        line = lines.real_line(spec, undo.profile, undo.port, clock, None, lines.Between(), None)
        try:
            line.device.permit_join(0)
        finally:
            line.close()
    elif isinstance(undo, ReleasePlace):
        place = Place(undo.coordinator, undo.place)
        with locked(place):
            place.release()
    else:
        raise BenchError("left as it is: a person must look at it")
