"""What a test holds in its hands: the installation on its stage, the trace, the mains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.clock import Cancellation, WallClock
from bench.conformance.checker import Checker
from bench.conformance.finding import Judgement
from bench.devices import Device
from bench.effects import Effects
from bench.emulation import FaultSpec, Truth
from bench.errors import BenchError, PeerError, UsageError
from bench.installation import Installation
from bench.mehrs.strategy import Strategy
from bench.migration.defaults import with_overrides
from bench.migration.process import Migration, migrate
from bench.parties import Parties
from bench.plugins import DRIVERS, load
from bench.safe_state import GuardedPowerSwitch, SafeState
from bench.secret import Secret
from bench.staging import Stage
from bench.station import Station
from bench.trace import Event, to_json
from bench.units import SECOND, Micros

TOLERANCE: Micros = 60 * SECOND


@dataclass(slots=True)
class Trace:
    """The events of the test so far. `check` judges them by the strategy, as `smets1-bench check`
    does; a test may `emit` what it did itself.
    """

    strategy: Strategy
    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def check(self, tolerance: Micros = TOLERANCE) -> Judgement:
        """Raises `bench.trace_reading.FaultyLine` where the events are not a trace."""
        checker = Checker(self.strategy, tolerance)
        for number, event in enumerate(self.events, 1):
            checker.feed(event, number)
        return checker.finish()

    def write(self, path: Path) -> None:
        path.write_text("".join(to_json(event) + "\n" for event in self.events), encoding="utf-8")


class InstallationUnderTest:
    """The installation with its devices, its (emulated) parties and what is really so.

    `commission` takes it through the whole migration, as `smets1-bench run` does.
    """

    def __init__(self, stage: Stage, strategy: Strategy, trace: Trace) -> None:
        self._stage = stage
        self._strategy = strategy
        self._trace = trace

    def __repr__(self) -> str:
        return f"<installation {self.spec.name} of group {self.spec.group}>"

    @property
    def spec(self) -> Installation:
        return self._stage.plot.prepared.installation

    @property
    def devices(self) -> dict[str, Device]:
        return self._stage.devices

    @property
    def parties(self) -> Parties:
        return self._stage.world.parties

    def truth(self) -> Truth:
        """What is really so; of a real device, what it proves and reads back."""
        return self._stage.truth()

    def arm(self, fault: FaultSpec) -> None:
        """Lets a fault lie in wait. Raises `UsageError`."""
        self._stage.world.arm(fault)

    def commission(self, **defaults: int) -> Migration:
        """Migrates; the events go into the trace. `defaults`: of the bench, by name."""
        stage = self._stage
        effects = Effects(
            clock=stage.clock,
            inbox=stage.inbox,
            devices=stage.devices,
            parties=stage.world.parties,
            keys=stage.keys,
            random_bytes=stage.fresh_key(),
            sink=self._take,
            cancellation=Cancellation(),
        )
        return migrate(effects, self.spec, self._strategy, with_overrides(defaults))

    def _take(self, event: Event) -> None:
        self._trace.emit(event)
        self._stage.world.observe(event)

    def unanswering(self) -> list[str]:
        """The devices that said who they are when the test began, and do not any more."""
        gone = []
        for name in self._stage.identities:
            try:
                self._stage.devices[name].identify()
            except (PeerError, BenchError) as error:
                gone.append(f"{name}: {error}")
        return gone

    @property
    def emulated(self) -> dict[str, bool | None]:
        """Per device, whether it says that it is emulated; None: it did not say."""
        return {spec.name: self._stage.emulated(spec.name) for spec in self.spec.devices}

    @property
    def secrets(self) -> list[Secret]:
        """Every key that nothing written may show."""
        return self._stage.secrets


class Power:
    """The mains of the devices, through the station's relay board. Every act is read back; what a
    test switched is put back after it, also if the process is killed.
    """

    def __init__(self, board: GuardedPowerSwitch, feeds: dict[str, int]) -> None:
        self._board = board
        self._feeds = feeds

    def off(self, device: str) -> None:
        self._board.set_channel(self._channel(device), closed=False)

    def on(self, device: str) -> None:
        self._board.set_channel(self._channel(device), closed=True)

    def is_on(self, device: str) -> bool:
        return self._board.channel_closed(self._channel(device))

    def _channel(self, device: str) -> int:
        if device not in self._feeds:
            raise UsageError(
                f"the relay board feeds no '{device}'; it feeds {', '.join(self._feeds)}"
            )
        return self._feeds[device]


@contextmanager
def power_of(station: Station, folder: Path) -> Iterator[Power]:
    """The station's relay board, open. Raises `BenchError`."""
    entry = station.kit.relay_board
    if entry is None:
        raise UsageError("the station has no relay board")
    lines: Any = load(DRIVERS, "lines")
    with ExitStack() as stack:
        kit = lines.BenchKit(lines.KitPort(entry.port, entry.profile), None, WallClock())
        stack.enter_context(closing(kit))
        state = stack.enter_context(SafeState(folder))
        board = GuardedPowerSwitch(kit.board, entry.port, entry.profile, state)
        yield Power(board, dict(entry.feeds))
