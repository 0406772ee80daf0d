"""The power resources of a place as a relay board, and the port that names them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Self
from urllib.parse import quote, unquote

from bench.errors import KitFault, RelayStuck
from bench.labgrid_place.place import Place

_SCHEME: Final = "labgrid://"


def is_place_port(port: str) -> bool:
    """Whether it is `PlaceRelays.port` of some place."""
    return port.startswith(_SCHEME)


class PlaceRelays:
    """`bench.devices.PowerSwitch`: channel N is the Nth of the resources, by their names.

    Nothing is believed that was not read back.
    """

    def __init__(self, place: Place, resources: Sequence[str]) -> None:
        self._place = place
        self._resources = tuple(resources)

    @classmethod
    def at(cls, port: str) -> Self:
        """Another process may have nothing but the port."""
        coordinator, place, *resources = map(unquote, port.removeprefix(_SCHEME).split("/"))
        return cls(Place(coordinator, place), resources)

    @property
    def place(self) -> Place:
        return self._place

    @property
    def port(self) -> str:
        parts = (self._place.coordinator, self._place.name, *self._resources)
        return _SCHEME + "/".join(quote(part, safe=":[]") for part in parts)

    def set_channel(self, channel: int, *, closed: bool) -> None:
        name = self._named(channel)
        self._place.set_power(name, on=closed)
        if self._place.power_is_on(name) is not closed:
            wanted, is_ = ("on", "off") if closed else ("off", "on")
            raise RelayStuck(f"{self._place}: power '{name}' was told {wanted}, and is {is_}")

    def channel_closed(self, channel: int) -> bool:
        return self._place.power_is_on(self._named(channel))

    def _named(self, channel: int) -> str:
        if not 1 <= channel <= len(self._resources):
            last = len(self._resources)
            raise KitFault(f"{self._place}: channel {channel}: there are channels 1 to {last}")
        return self._resources[channel - 1]
