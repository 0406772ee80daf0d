"""One emulated installation with its parties, on one clock: what the runner runs against."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar, cast

from bench.clock import Clock
from bench.devices import Device, KeySlot, Measurement, Role
from bench.emulation import (
    FaultSpec,
    PartyBehaviours,
    ResubmissionPolicy,
    Script,
    SupplierBehaviour,
    Truth,
)
from bench.errors import UsageError
from bench.installation import DeviceSpec, Installation
from bench.parties import Inbox, Parties
from bench.secret import Secret
from bench.trace import Event, Opened
from bench.units import SECOND, Micros
from emulators.deviants import DEVIANTS, deviant_problem
from emulators.direct import DirectDisplay, DirectHub, DirectMeter, channel_to
from emulators.exchange import Channel
from emulators.faults.arming import Arming
from emulators.faults.scripted import ScriptedRequests
from emulators.models.comms_hub import CommsHub
from emulators.models.device import EmulatedDevice
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.gas_meter import GasMeter
from emulators.models.ihd import InHomeDisplay
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.relay_board import RelayBoard
from emulators.parties.desk import Desk
from emulators.parties.dsp import EmulatedDsp
from emulators.parties.ioc_s1sp import EmulatedIocS1sp
from emulators.parties.mcc import EmulatedMcc
from emulators.parties.requesting_party import EmulatedRequestingParty
from emulators.parties.smso import EmulatedSmso
from emulators.parties.suppliers import EmulatedSupplier

_HEARTBEAT = 30 * SECOND
_SUPPLIER = SupplierBehaviour()
_UNCERTAINTY = Decimal("0.002")

M = TypeVar("M", bound=EmulatedDevice)


class EmulatedInstallation:
    """Implements `bench.emulation.EmulatedWorld`; the class itself is the `WorldFactory`.

    The same arguments and the same requests at the same times give the same answers, byte for
    byte: whatever is random comes from `seed`. A meter holds the keys that `device_keys` gives
    it, and no others.
    """

    __slots__ = (
        "_arming",
        "_channels",
        "_desks",
        "_dsp",
        "_hub",
        "_opened",
        "_seed",
        "_smso",
        "clock",
        "devices",
        "installation",
        "models",
        "parties",
    )

    def __init__(
        self,
        installation: Installation,
        *,
        clock: Clock,
        seed: int,
        inbox: Inbox,
        behaviours: PartyBehaviours,
        resubmission: ResubmissionPolicy | None,
        device_keys: Mapping[tuple[str, KeySlot], Secret],
    ) -> None:
        self.installation = installation
        self.clock = clock
        self._seed = seed
        self._arming: Arming | None = None
        self._opened: Micros | None = None
        self.models: dict[str, EmulatedDevice] = {}
        self.devices: Mapping[str, Device] = self._build_devices(device_keys)
        listed = [spec.listed for spec in installation.devices]
        self._smso = EmulatedSmso(clock, inbox, behaviours.smso, listed)
        self._dsp = EmulatedDsp(clock, inbox, behaviours.dsp)
        mcc = EmulatedMcc(clock, behaviours.mcc, installation.suppliers)
        ioc_s1sp = EmulatedIocS1sp(clock, behaviours.ioc_s1sp)
        self.parties = Parties(
            smso=self._smso,
            requesting_party=EmulatedRequestingParty(
                clock, inbox, behaviours.requesting_party, resubmission, listed
            ),
            suppliers={
                name: EmulatedSupplier(
                    name, clock, inbox, behaviours.suppliers.get(name, _SUPPLIER)
                )
                for name in installation.suppliers
            },
            mcc=mcc,
            dsp=self._dsp,
            ioc_s1sp=ioc_s1sp,
        )
        desks: tuple[Desk, ...] = (self._smso, self._dsp, mcc, ioc_s1sp)
        self._desks = {desk.channel.name: desk for desk in desks}
        self._channels |= {name: desk.channel for name, desk in self._desks.items()}

    def arm(self, fault: FaultSpec) -> None:
        """Makes a fault strike at its moment. Raises `UsageError` saying all that is wrong."""
        if self._arming is None:
            self._arming = Arming(
                self.installation,
                self.clock,
                self._seed,
                {**self.models, **self._desks},
                self._channels,
                self._opened,
            )
        self._arming.arm(fault)

    def follow(self, script: Script) -> Callable[[], None]:
        """`EmulatedWorld.follow`."""
        scripted = ScriptedRequests(script)
        for channel in self._channels.values():
            channel.interceptors.append(scripted)
        return scripted.let_all_through

    def channel(self, name: str) -> Channel:
        """Where request faults of a device or party lie in wait; a wire server is given it."""
        return self._channels[name]

    def measure(self, device: str) -> Measurement:
        """What a reference meter in the feed of an electricity meter would read now."""
        model = self.models[device]
        board = RelayBoard(self.clock, 1, {1: (model,)})
        return ReferenceMeter(self.clock, board, 1, _UNCERTAINTY).measure()

    def observe(self, event: Event) -> None:
        """Sees every event of the trace; only the moments of faults depend on it."""
        if self._arming is not None:
            self._arming.observe(event)
        elif self._opened is None and isinstance(event, Opened):
            self._opened = event.at

    def unstruck(self) -> tuple[FaultSpec, ...]:
        return () if self._arming is None else self._arming.unstruck()

    def truth(self) -> Truth:
        """What is really so now; looking changes nothing."""
        return Truth(
            account=self._smso.holder,
            chf_updated=self._dsp.updated,
            devices={name: model.truth() for name, model in self.models.items()},
            executed={
                party.channel.name: dict(party.executed) for party in (self._smso, self._dsp)
            },
        )

    def wake_ups(self) -> int:
        return self._hub.wan.sent

    def _build_devices(
        self, device_keys: Mapping[tuple[str, KeySlot], Secret]
    ) -> dict[str, Device]:
        hubs = self.installation.with_role(Role.COMMS_HUB)
        if len(hubs) != 1:
            raise UsageError(
                f"{self.installation.name}: an installation has one communications hub, "
                f"not {len(hubs)}"
            )
        rng = random.Random(self._seed)
        self._hub = hub = _model(CommsHub, hubs[0])(hubs[0], self.clock)
        devices: dict[str, Device] = {}
        self._channels: dict[str, Channel] = {}
        for spec in self.installation.devices:
            model, device = self._build(spec, hub, device_keys, rng)
            self.models[spec.name] = model
            devices[spec.name] = device
        return devices

    def _build(
        self,
        spec: DeviceSpec,
        hub: CommsHub,
        device_keys: Mapping[tuple[str, KeySlot], Secret],
        rng: random.Random,
    ) -> tuple[EmulatedDevice, Device]:
        clock, mode = self.clock, self.installation.payment
        if spec.role is Role.COMMS_HUB:
            self._channels[spec.name] = channel = channel_to(hub)
            return hub, DirectHub(hub, channel)
        if spec.role is Role.IHD:
            display = _model(InHomeDisplay, spec)(spec, clock, hub)
            hub.attach(display, _HEARTBEAT, int(rng.random() * _HEARTBEAT))
            self._channels[spec.name] = channel = channel_to(display)
            return display, DirectDisplay(display, channel)
        keys = [
            (slot, device_keys[spec.name, slot])
            for slot in KeySlot
            if (spec.name, slot) in device_keys
        ]
        meter: ElectricityMeter | GasMeter
        if spec.role is Role.ELECTRICITY_METER:
            meter = _model(ElectricityMeter, spec)(spec, clock, mode, keys)
            hub.attach(meter, _HEARTBEAT, int(rng.random() * _HEARTBEAT))
        elif spec.role is Role.GAS_METER:
            every = spec.emulation.wakes_every
            phase = int(rng.random() * every)
            meter = _model(GasMeter, spec)(spec, clock, mode, keys, phase)
            hub.attach(meter, meter.spec.emulation.wakes_every, phase)
        else:
            raise UsageError(
                f"{self.installation.name}: {spec.name}: a {spec.role} is bench kit, "
                "not part of an installation"
            )
        self._channels[spec.name] = channel = channel_to(meter)
        return meter, DirectMeter(meter, channel)


def _model(usual: type[M], spec: DeviceSpec) -> type[M]:
    """The model of a device: the usual one of its role, or the deviant it is said to be."""
    name = spec.emulation.deviant
    if not name:
        return usual
    problem = deviant_problem(name, spec)
    if problem:
        raise UsageError(f"{spec.name}: {problem}")
    return cast("type[M]", DEVIANTS[name].model)
