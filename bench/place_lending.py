"""Lends a station that is a place of labgrid: holds the place and says where its ports are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.labgrid_place import Place, PlaceRelays, locked, port_of
from bench.safe_state import ReleasePlace, SafeState
from bench.station.form import LabgridPlace, RelayBoardEntry, Station, StationDevice
from bench.station.port import LABGRID

PortOf = Callable[[str], str]
"""The port outside this program, given that of the station file."""


@contextmanager
def lent(station: Station, folder: Path) -> Iterator[Station]:
    """The station as it can be reached while its labgrid place is held; without one, as it is.

    The place is released whatever ends the block, also if the process is killed: `folder` says what
    came of it (`bench.safe_state`). The bench's own lock is held too, so that no other run of this
    user takes the place over. Raises `Busy`, `BenchError`; `UsageError` without labgrid-client.
    """
    wanted = station.labgrid
    if wanted is None:
        yield station
        return
    place = Place(wanted.coordinator, wanted.place)
    with locked(place), SafeState(folder) as state:
        state.register(ReleasePlace(place.coordinator, place.name), place.release)
        place.acquire()
        yield _at(station, place, wanted)


def _at(station: Station, place: Place, wanted: LabgridPlace) -> Station:
    resources = place.resources()

    def port(said: str) -> str:
        named = said.startswith(LABGRID)
        return port_of(resources, said.removeprefix(LABGRID), place.name) if named else said

    installed, kit = station.installation, station.kit
    if installed is not None:
        entries = {
            name: replace(entry, port=port(entry.port)) for name, entry in installed.devices.items()
        }
        installed = replace(installed, devices=entries)
    board, meter = kit.relay_board, kit.reference_meter
    if wanted.feeds:
        board = _power(place, wanted.feeds)
    elif board is not None:
        board = replace(board, port=port(board.port))
    kit = replace(
        kit, relay_board=board, reference_meter=meter and replace(meter, port=port(meter.port))
    )
    devices: Mapping[str, StationDevice] = {
        name: replace(device, port=port(device.port)) for name, device in station.devices.items()
    }
    return replace(station, devices=devices, installation=installed, kit=kit, labgrid=None)


def _power(place: Place, feeds: Mapping[str, str]) -> RelayBoardEntry:
    """Power resources as the channels of one board, which has no profile."""
    resources = list(dict.fromkeys(feeds.values()))
    channels = {device: resources.index(name) + 1 for device, name in feeds.items()}
    return RelayBoardEntry(PlaceRelays(place, resources).port, "", channels)
