"""An emulated installation with the bench kit in front of it: what hosted devices belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.clock import Clock
from bench.demo_keys import demo_key
from bench.devices import KeySlot, Role
from bench.emulation import PartyBehaviours
from bench.errors import UsageError
from bench.hosting import Hosted, HostingPlan
from bench.parties import Inbox
from bench.trace import Opened
from drivers.profiles.dlms import Security, secured
from drivers.profiles.parts import reference_part, relay_part
from drivers.profiles.profile import Profile, read_profile
from emulators.hosting.state_file import KeptState
from emulators.installation import EmulatedInstallation
from emulators.models.device import EmulatedDevice
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.relay_board import RelayBoard
from emulators.wire.kept_counters import KeptCounters

_CHANNELS = 8
"""Of a relay board that is not hosted itself but feeds what a reference meter measures."""


class EmulatedHome:
    """Devices, relay board and reference meter of a plan, on one clock.

    Meters hold the public test keys of their EUI-64, or what `recall` gives them. Faults are armed;
    `after` in their moments counts from now.
    """

    def __init__(self, plan: HostingPlan, clock: Clock) -> None:
        """`UsageError`: a profile, a channel or a fault does not fit."""
        self.clock = clock
        self._plan = plan
        self.profiles = {each.name: _profile(plan, each) for each in plan.hosted}
        installation = plan.installation
        self.world = EmulatedInstallation(
            installation,
            clock=clock,
            seed=plan.seed,
            inbox=Inbox(clock),
            behaviours=PartyBehaviours(),
            resubmission=None,
            device_keys={
                (spec.name, slot): demo_key(spec.eui64, slot)
                for spec in installation.meters
                for slot in KeySlot
            },
        )
        self.board = self._board()
        self.reference = self._reference()
        self.world.observe(
            Opened(at=clock.now(), installation=installation.name, group=installation.group.value)
        )
        for fault in plan.faults:
            self.world.arm(fault)

    @property
    def models(self) -> Mapping[str, EmulatedDevice]:
        return self.world.models

    def kept(self, counters: Mapping[str, KeptCounters]) -> KeptState:
        """What is to be stored; `counters` of the meters on a line."""
        devices = {name: model.kept() for name, model in self.models.items()}
        board = None if self.board is None else self.board.kept()
        return KeptState.of(self._plan.installation.name, self._plan.seed, devices, counters, board)

    def recall(self, state: KeptState) -> None:
        """To be called before anything is asked. `UsageError`: another installation's state."""
        plan = self._plan
        expected = {name: model.spec.eui64 for name, model in self.models.items()}
        got = {name: kept.eui64 for name, kept in state.devices.items()}
        if (state.installation, got) != (plan.installation.name, expected):
            raise UsageError(
                f"{plan.state}: expected the state of {plan.installation.name}, got that of "
                f"{state.installation} with {', '.join(got) or 'no devices'}",
                hint="name another state file, or the installation it belongs to",
            )
        if state.seed != plan.seed:
            raise UsageError(f"{plan.state}: was begun with --seed {state.seed}, not {plan.seed}")
        try:
            hubs_last = sorted(self.models, key=lambda name: self._role(name) is Role.COMMS_HUB)
            for name in hubs_last:
                self.models[name].recall(state.devices[name])
            if self.board is not None and state.relay_board is not None:
                self.board.recall(state.relay_board)
        except ValueError as error:
            raise UsageError(f"{plan.state}: {error}") from None

    def _role(self, name: str) -> Role:
        return self.models[name].spec.role

    def _board(self) -> RelayBoard | None:
        plan = self._plan
        hosted = next((each for each in plan.hosted if each.role is Role.RELAY_BOARD), None)
        if hosted is None and not plan.measures:
            return None
        channels = _CHANNELS
        if hosted is not None:
            channels = relay_part(self.profiles[hosted.name])[1].channels
        behind: dict[int, list[EmulatedDevice]] = {}
        for name, channel in plan.feeds.items():
            if self._role(name) is Role.GAS_METER:
                raise UsageError(f"{name}: a gas meter has a battery: no relay feeds it")
            behind.setdefault(channel, []).append(self.models[name])
        try:
            return RelayBoard(self.clock, channels, behind)
        except ValueError as error:
            raise UsageError(f"relay board: {error}") from None

    def _reference(self) -> ReferenceMeter | None:
        plan = self._plan
        hosted = next((each for each in plan.hosted if each.role is Role.REFERENCE_METER), None)
        if hosted is None or self.board is None:
            return None
        channel = plan.feeds.get(plan.measures)
        if channel is None:
            raise UsageError(
                f"reference meter: no relay feeds '{plan.measures}', whose feed it measures"
            )
        _, part = reference_part(self.profiles[hosted.name])
        return ReferenceMeter(self.clock, self.board, channel, part.uncertainty)


def _profile(plan: HostingPlan, hosted: Hosted) -> Profile:
    profile = read_profile(hosted.profile)
    if profile.role is not hosted.role:
        raise UsageError(
            f"profile {profile.profile} is for a {profile.role}, "
            f"and {hosted.name} is a {hosted.role}"
        )
    if plan.security and profile.dlms is not None:
        profile = replace(profile, dlms=secured(profile.dlms, Security(plan.security)))
    return profile
