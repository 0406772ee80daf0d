"""The lines of a run: from a device of a station to its driver, captures and pipe faults between.

The octets a driver sees are stored first and disturbed second: a capture shows what the driver
had to make sense of.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from bench.clock import Cancellation, Clock
from bench.devices import CommsHub, Device, PowerSwitch, ReferenceMeter, Role
from bench.emulation import FaultSpec
from bench.errors import UsageError
from bench.installation import DeviceSpec
from bench.labgrid_place import PlaceRelays, is_place_port
from bench.plugins import DRIVERS, load
from bench.secret import Secret
from bench.units import MILLISECOND
from drivers.capture.run_folder import captured
from drivers.console_hub import ConsoleHub
from drivers.console_ihd import ConsoleDisplay
from drivers.dlms_meter import DlmsMeter
from drivers.dlms_session import Entropy
from drivers.gas_via_hub import GasViaHub
from drivers.modbus_reference_meter import ModbusReferenceMeter
from drivers.modbus_relay_board import ModbusRelayBoard
from drivers.pipe_faults.console_speech import ConsoleSpeech
from drivers.pipe_faults.dlms_speech import DlmsSpeech
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.modbus_speech import ModbusSpeech
from drivers.pipe_faults.plan import ANY_OPERATION, FaultPlan, PipeFaultSpec, PipeMoment
from drivers.pipe_faults.speech import Speech
from drivers.profiles.dlms_keys import MeterKeys, demo_meter_keys
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.address import PortAddress
from drivers.transport.bus import SharedBus
from drivers.transport.lock import PortLock, lock_directory
from drivers.transport.memory import MemoryPort, WirePeer
from drivers.transport.opening import open_transport
from drivers.transport.pipe import Transport
from drivers.transport.pty_memory import PtyMemoryPort

D = TypeVar("D")

_GRAIN: Final = 50 * MILLISECOND
"""Octets of a frame arrive in few pieces; when the last of them is there is the same."""

Serve = Callable[[Profile, MemoryPort], WirePeer]
"""Makes the emulated device's end of a line."""


def port_problem(port: str) -> str:
    """What is wrong with the form of a port outside this program; empty where nothing is."""
    try:
        address = PortAddress.parse(port)
    except UsageError as error:
        return str(error)
    return f"{port}: an emulated port has no name here" if address.emulated else ""


def lock(port: str) -> PortLock:
    """The bench's own lock on a port, or on what has ports. Raises `Busy`, `BenchError`."""
    return PortLock(port, lock_directory())


def profile_role(path: Path) -> Role:
    """Whom the profile is for. `UsageError` with every complaint about it."""
    return read_profile(str(path)).role


@dataclass(frozen=True, slots=True)
class Between:
    """What stands between driver and port; `captures`: the run's folder, None: nothing is stored.

    `scenario` is told to the capture, `seed` is that of whatever is random.
    """

    captures: Path | None = None
    scenario: str = ""
    faults: tuple[FaultSpec, ...] = ()
    seed: str = ""


class Line:
    """A device on its line. `close` gives the port back; safe to repeat."""

    def __init__(
        self,
        device: Device,
        profile: Profile,
        closing_: ExitStack,
        faulty: FaultyTransport | None,
        faults: tuple[FaultSpec, ...],
    ) -> None:
        self.device = device
        self._profile = profile
        self._closing = closing_
        self._faulty = faulty
        self._faults = faults

    def arm(self) -> None:
        """From now on the faults lie in wait. `UsageError`: one makes no sense on this line."""
        if self._faulty is not None:
            uses = tuple(map(_pipe_fault, self._faults))
            self._faulty.arm(FaultPlan(uses, _speech(self._profile)))

    def unstruck(self) -> tuple[FaultSpec, ...]:
        """The faults that have not struck, of several uses of one fault the last."""
        if self._faulty is None:
            return ()
        struck = Counter(hit.fault for hit in self._faulty.struck)
        left = []
        for spec in self._faults:
            if not struck[spec.fault]:
                left.append(spec)
            struck[spec.fault] = max(0, struck[spec.fault] - spec.times)
        return tuple(left)

    def before_closing(self, what: Callable[[], object]) -> None:
        self._closing.callback(what)

    def close(self) -> None:
        self._closing.close()


def emulated_line(
    spec: DeviceSpec,
    profile: str,
    clock: Clock,
    serve: Serve,
    between: Between,
    *,
    through_pty: bool,
) -> Line:
    """The driver of an emulated device, as for real kit; a line in memory between them.

    `between.seed`: of the driver's challenges too, so that a run can be repeated to the byte. The
    keys are the public test keys of emulated kit.
    """
    held = read_profile(profile)
    settings = held.line.settings
    with ExitStack() as stack:
        if through_pty:
            port: MemoryPort = stack.enter_context(
                closing(PtyMemoryPort(spec.name, clock, settings, grain=_GRAIN))
            )
        else:
            port = MemoryPort(spec.name, clock, settings, grain=_GRAIN)
        port.attach(serve(held, port))
        transport = stack.enter_context(port.connect(settings))
        keys = demo_meter_keys(spec.eui64)
        entropy = random.Random(f"{between.seed}/driver").randbytes
        return _line(spec, held, transport, keys, between, stack, entropy)


def real_line(
    spec: DeviceSpec,
    profile: str,
    port: str,
    clock: Clock,
    secrets: Mapping[str, Secret] | None,
    between: Between,
    cancellation: Cancellation | None,
) -> Line:
    """The driver of whatever is behind a port outside this program.

    `secrets`: by the name of their field in `MeterKeys`; None: the public test keys. Raises
    `PortGone`, `Busy`.
    """
    held = read_profile(profile)
    keys = demo_meter_keys(spec.eui64) if secrets is None else MeterKeys(**secrets)
    with ExitStack() as stack:
        transport = open_transport(port, held.line.settings, clock, cancellation=cancellation)
        line = _line(spec, held, stack.enter_context(transport), keys, between, stack, None)
        if isinstance(line.device, DlmsMeter):  # else it is deaf to a sign-on until it times out
            line.before_closing(line.device.hang_up)
        return line


def via_hub(spec: DeviceSpec, hub: CommsHub) -> Device:
    """A gas meter as the hub's mirror shows it."""
    return GasViaHub(spec.name, hub, spec.eui64)


@dataclass(frozen=True, slots=True)
class KitPort:
    """A piece of bench kit: its port and its profile."""

    port: str
    profile: str


class BenchKit:
    """Relay board and reference meter, on one bus where they name the same port."""

    def __init__(self, board: KitPort | None, meter: KitPort | None, clock: Clock) -> None:
        """Raises `PortGone`, `Busy`. Asks nothing and switches nothing.

        A board may be the power of a labgrid place instead, which has no profile.
        """
        of_place = board is not None and is_place_port(board.port)
        on_buses = (None if of_place else board, meter)
        profiles = {each: read_profile(each.profile) for each in on_buses if each}
        self.board: PowerSwitch | None = None
        self.meter: ReferenceMeter | None = None
        buses: dict[str, SharedBus] = {}
        with ExitStack() as stack:

            def made(name: str, kit: KitPort, ours: Callable[..., D]) -> D:
                """Our own on a bus, one that another package brings on a port of its own."""
                held = profiles[kit]
                if held.driver or kit.port not in buses:
                    transport = open_transport(kit.port, held.line.settings, clock)
                    stack.enter_context(transport)
                    if held.driver:
                        brought: D = load(DRIVERS, held.driver)(name, held, transport)
                        return brought
                    # Silent for longer than the slowest answer of anything on the line.
                    settle = max(other.timing.quiet for other in profiles.values())
                    buses[kit.port] = SharedBus(transport, settle=settle)
                return ours(name, held, buses[kit.port])

            if board is not None and of_place:
                self.board = PlaceRelays.at(board.port)
            elif board is not None:
                self.board = made("relay-board", board, ModbusRelayBoard)
            if meter is not None:
                self.meter = made("reference-meter", meter, ModbusReferenceMeter)
            self._closing = stack.pop_all()

    def close(self) -> None:
        """Safe to repeat."""
        self._closing.close()


def fault_problems(spec: FaultSpec) -> list[str]:
    """What is wrong with the use of a pipe fault in a scenario, whatever the line speaks."""
    problems = []
    if spec.moment.on is not None:
        problems.append(
            f"{spec.fault} strikes on a line, which knows no events: expected request or after"
        )
    if spec.by is not None:
        problems.append("by: this fault does not take it")
    return problems


def _pipe_fault(spec: FaultSpec) -> PipeFaultSpec:
    moment = spec.moment
    operation = moment.request or ANY_OPERATION
    when = PipeMoment(moment.nth, operation, after=moment.after or 0)
    return PipeFaultSpec(spec.fault, when, spec.times, spec.lasts, spec.code)


def _speech(profile: Profile) -> Speech:
    if profile.dlms is not None:
        return DlmsSpeech()
    if profile.console is not None:
        return ConsoleSpeech(profile.console.dialect)
    if profile.driver:
        raise UsageError(
            f"profile {profile.profile}: what driver {profile.driver} speaks is not known here, "
            "and a fault of the line must tell its messages apart"
        )
    return ModbusSpeech()


_UNDISTURBED: Final = FaultPlan(())


def _line(
    spec: DeviceSpec,
    profile: Profile,
    transport: Transport,
    keys: MeterKeys,
    between: Between,
    stack: ExitStack,
    entropy: Entropy | None,
) -> Line:
    faulty: FaultyTransport | None = None
    if between.faults:
        seed = random.Random(f"{between.seed}/faults").getrandbits(64)
        faulty = FaultyTransport(transport, _UNDISTURBED, transport.clock, seed)
        transport = stack.enter_context(faulty)
    if between.captures is not None:
        tee = captured(transport, between.captures, spec.name, between.scenario)
        transport = stack.enter_context(tee)
    device = driver_of(spec, profile, transport, keys, entropy)
    return Line(device, profile, stack.pop_all(), faulty, between.faults)


def driver_of(
    spec: DeviceSpec,
    profile: Profile,
    transport: Transport,
    keys: MeterKeys,
    entropy: Entropy | None = None,
) -> Device:
    """The driver for a device with such a profile. `UsageError`: there is none.

    One that another package brings is made with the meter's keys too, whatever its role.
    `entropy`: random octets for challenges; None: the system's.
    """
    if profile.driver:
        driver: Device = load(DRIVERS, profile.driver)(
            spec.name, profile, transport, keys=keys, eui64=spec.eui64
        )
        return driver
    if profile.dlms is not None:
        if entropy is None:
            return DlmsMeter(spec.name, profile, transport, keys, eui64=spec.eui64)
        return DlmsMeter(spec.name, profile, transport, keys, eui64=spec.eui64, entropy=entropy)
    if profile.console is not None and spec.role is Role.COMMS_HUB:
        return ConsoleHub(spec.name, profile, transport, eui64=spec.eui64)
    if profile.console is not None and spec.role is Role.IHD:
        return ConsoleDisplay(spec.name, profile, transport, eui64=spec.eui64)
    raise UsageError(f"profile {profile.profile}: no driver for a {spec.role} on such a port")
