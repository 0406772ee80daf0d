"""The form of a station file: what is specific to one bench, never test flow and never secrets.

Devices stand either under `devices` (how any installation of a suite is reached, emulated only) or
under `installation` (the one installation on this bench, with the identities expected of it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum

from bench.devices import PaymentMode, Role
from bench.installation import DeviceSpec, Emulation, Installation
from bench.parties import Group
from bench.station.port import DIRECT as DIRECT_PORT
from bench.station.port import LABGRID, Reach, reach_of
from bench.units import Micros


class ClockSource(StrEnum):
    """`virtual` jumps to the next due moment; with any real port the clock is the `wall` clock."""

    VIRTUAL = "virtual"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class Security:
    """Where the keys shared with a meter are, by reference (`bench.secret_reference`).

    `sua`: the SUA key it holds. `password`: of the reader under LLS. `authentication`: the
    authentication key of every ciphering client. `reader`, `management`: the global unicast keys
    of the clients `reader` and `keys`. `master`: the key that wraps a key in transfer.
    `test_keys`: the public test keys of emulated kit in place of all; a device that does not say
    that it is emulated is refused.
    """

    sua: str = ""
    password: str = ""
    authentication: str = ""
    reader: str = ""
    management: str = ""
    master: str = ""
    test_keys: bool = False

    @property
    def references(self) -> dict[str, str]:
        """Those given, by the name of their field."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: said for name, said in named.items() if isinstance(said, str) and said}


@dataclass(frozen=True, slots=True)
class StationDevice:
    """How a device is reached; `profile` names its device profile (not for `direct:`).

    `deviant`: it is emulated as the deviant of that name (`smets1-bench list deviants`).
    """

    port: str = DIRECT_PORT
    profile: str = ""
    security: Security = Security()
    deviant: str = ""

    @property
    def reach(self) -> Reach:
        return reach_of(self.port)


@dataclass(frozen=True, slots=True)
class InstalledDevice:
    """A device on this bench: who it must be, how it is reached, what is shared with it.

    What is left out of its identity is not compared. `emulation` is how it behaves where it is
    emulated.
    """

    role: Role
    eui64: str
    model: str
    serial_number: str = ""
    manufacturer: str = ""
    firmware: str = ""
    port: str = DIRECT_PORT
    profile: str = ""
    security: Security = Security()
    emulation: Emulation = field(default_factory=Emulation)

    @property
    def reached(self) -> StationDevice:
        return StationDevice(self.port, self.profile, self.security)


@dataclass(frozen=True, slots=True)
class StationInstallation:
    """The installation on this bench. Without `suppliers` it has those of the scenario."""

    group: Group
    devices: Mapping[str, InstalledDevice]
    suppliers: tuple[str, ...] = ()
    payment: PaymentMode = PaymentMode.CREDIT

    def as_installation(self, name: str, suppliers: tuple[str, ...]) -> Installation:
        """Under the scenario's name; `suppliers` where the file names none."""
        specs = tuple(
            DeviceSpec(
                device,
                entry.role,
                entry.serial_number,
                entry.eui64,
                entry.manufacturer,
                entry.model,
                entry.firmware,
                entry.emulation,
            )
            for device, entry in self.devices.items()
        )
        return Installation(name, self.group, specs, self.suppliers or suppliers, self.payment)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of bench kit. `uncertainty`: expanded (k=2), relative: 0.002 is 0.2 % of the reading."""

    serial_number: str
    certificate: str
    due: date
    uncertainty: Decimal


@dataclass(frozen=True, slots=True)
class RelayBoardEntry:
    """`feeds`: the channel (from 1) that feeds each device's mains."""

    port: str
    profile: str
    feeds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReferenceMeterEntry:
    """`measures`: the device whose feed it measures."""

    port: str
    profile: str
    measures: str
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Kit:
    """What the bench has beside the installation."""

    relay_board: RelayBoardEntry | None = None
    reference_meter: ReferenceMeterEntry | None = None


@dataclass(frozen=True, slots=True)
class LabgridPlace:
    """The place of labgrid that this bench is; `coordinator` is HOST:PORT.

    Its serial resources are reached as `port: labgrid:NAME`. `feeds`: the power resource that feeds
    each device's mains.
    """

    place: str
    coordinator: str
    feeds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a scenario may cost on this bench; beyond it the bench stops it.

    `scenario_time`: on the station's clock. `wake_ups`: SMS to the hub, each of which is paid for.
    """

    scenario_time: Micros | None = None
    wake_ups: int | None = None


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a device may be put through over all runs, by the station's ledger: no scenario is begun
    beyond it.

    `wake_ups`: SMS to a hub. `wrong_keys`: a meter that may have counted so many since it last
    proved one is not sent through another rotation; with two, one that locks after three never
    counts a third.
    """

    wake_ups: int | None = None
    wrong_keys: int = 2


@dataclass(frozen=True, slots=True)
class Station:
    """The form of a station file. A device it does not name is emulated and reached `direct:`.

    `operator`: who is asked at the bench.
    """

    station: str
    about: str = ""
    clock: ClockSource | None = None
    devices: Mapping[str, StationDevice] = field(default_factory=dict)
    installation: StationInstallation | None = None
    kit: Kit = Kit()
    labgrid: LabgridPlace | None = None
    limits: Limits = Limits()
    budgets: Budgets = Budgets()
    operator: str = ""

    def reached(self, device: str) -> StationDevice:
        """How the device of that name is reached."""
        if self.installation is not None and device in self.installation.devices:
            return self.installation.devices[device].reached
        return self.devices.get(device, StationDevice())

    @property
    def deviants(self) -> Mapping[str, str]:
        """Which of its devices are emulated as deviants, by the name of the device."""
        return {name: entry.deviant for name, entry in self.devices.items() if entry.deviant}

    @property
    def reaches(self) -> frozenset[Reach]:
        """The ways in which its devices and kit are reached."""
        installed = self.installation.devices if self.installation is not None else {}
        ports = [entry.port for entry in self.devices.values()]
        ports += [entry.port for entry in installed.values()]
        kit = (self.kit.relay_board, self.kit.reference_meter)
        ports += [entry.port for entry in kit if entry is not None]
        ports += [LABGRID] if self.labgrid is not None else []
        return frozenset(map(reach_of, ports))

    @property
    def real(self) -> bool:
        """Whether it has any port outside this program."""
        return Reach.REAL in self.reaches

    @property
    def clock_source(self) -> ClockSource:
        """As the file says; else the wall clock where there is a real port."""
        return self.clock or (ClockSource.WALL if self.real else ClockSource.VIRTUAL)


DIRECT = Station("emulated (direct)")
"""The station without a file."""
