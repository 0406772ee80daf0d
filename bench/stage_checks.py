"""Whether the bench is as its station file says, before a scenario begins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Final

from bench.clock import Clock
from bench.devices import Device, Identity, PowerSwitch, ReferenceMeter
from bench.emulation import is_emulated
from bench.errors import AuthenticationFailed, BenchError, NoReply, PeerError, WrongDevice
from bench.installation import Installation
from bench.plugins import DRIVERS, load
from bench.station.form import Station
from bench.station.port import Reach

_MEND: Final = "look at what is plugged in where, or mend the station file"


@dataclass(frozen=True, slots=True)
class OpenKit:
    """What the bench has beside the installation, opened; None: the station has none."""

    board: PowerSwitch | None = None
    meter: ReferenceMeter | None = None


class OtherDevice(BenchError):
    """Another device is behind a port than the station says."""


def require_mains(station: Station, clock: Clock, ports: ExitStack) -> OpenKit:
    """Reads back every relay that feeds a device. `BenchError`: one is open, or the kit is dumb.

    The bench kit is held for as long as the scenario goes on, so that nobody else switches it.
    """
    board, meter = station.kit.relay_board, station.kit.reference_meter
    if board is None and meter is None:
        return OpenKit()
    lines: Any = load(DRIVERS, "lines")
    kit = lines.BenchKit(
        board and lines.KitPort(board.port, board.profile),
        meter and lines.KitPort(meter.port, meter.profile),
        clock,
    )
    ports.enter_context(closing(kit))
    for name, channel in board.feeds.items() if board is not None else ():
        if not kit.board.channel_closed(channel):
            raise BenchError(
                f"{name}: relay {channel}, which feeds it, is open",
                hint="smets1-bench power shows and sets the relays of a station",
            )
    if meter is not None:
        kit.meter.measure()
    return OpenKit(kit.board, kit.meter)


def read_identities(
    devices: Mapping[str, Device],
    refusing: list[str] | None = None,
    heard: dict[str, Identity | None] | None = None,
) -> dict[str, Identity]:
    """Who the devices say they are; one that does not answer is left out.

    `heard` gets, as they are asked, those that may have answered; None: not who they are.
    `refusing` gets the names of those that answer and do not accept the keys shared with them.
    `OtherDevice`: another device than the station says answers.
    """
    identities: dict[str, Identity] = {}
    heard = {} if heard is None else heard
    for name, device in devices.items():
        heard[name] = None
        try:
            identities[name] = heard[name] = device.identify()
        except WrongDevice as error:
            raise OtherDevice(str(error), hint=_MEND) from None
        except NoReply:
            del heard[name]
        except PeerError as error:
            if refusing is not None and isinstance(error, AuthenticationFailed):
                refusing.append(name)
    return identities


def compare_identities(
    installation: Installation, station: Station, identities: Mapping[str, Identity]
) -> None:
    """Whether the right kit is on the bench, and none gets keys that are not meant for it.

    Raises `OtherDevice` with all that is not as the station says.
    """
    problems: list[str] = []
    for spec in installation.devices:
        identity, reached = identities.get(spec.name), station.reached(spec.name)
        if identity is None or reached.reach is not Reach.REAL:
            continue
        for what, expected, got in (
            ("EUI-64", spec.eui64, identity.eui64),
            ("model", spec.model, identity.model),
            ("serial number", spec.serial_number, identity.serial_number),
            ("firmware", spec.firmware, identity.firmware),
        ):
            if expected and expected != got:
                problems.append(f"{spec.name}: expected {what} {expected}, got {got}")
        if reached.security.test_keys and not is_emulated(identity):
            problems.append(f"{spec.name}: expected an emulated device, as it is given test keys")
    if problems:
        raise OtherDevice(
            "; ".join(problems),
            hint=_MEND,
        )
