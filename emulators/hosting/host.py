"""Hosts the devices of a plan on ptys and TCP ports, for any client that opens them.

With a state file nothing is answered before what it changed is stored: a client that was answered
finds the same device after a kill and a restart. What nobody was told of is stored within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.clock import WallClock
from bench.devices import Role
from bench.errors import Busy, UsageError
from bench.hosting import Hosted, HostingPlan, Place, PtyPlace, TcpPlace, Watcher
from bench.units import SECOND
from drivers.transport.lock import PortLock, lock_directory
from drivers.transport.memory import WirePeer
from emulators.hosting.home import EmulatedHome
from emulators.hosting.kept_end import KeptEnd
from emulators.hosting.ready import ready_line
from emulators.hosting.state_file import KeptState, StateFile
from emulators.hosting.test_keys import write_test_keys
from emulators.hosting.watching import keys_held, watch
from emulators.models.meter import Meter
from emulators.wire.dlms_meter import DlmsMeter
from emulators.wire.hosts import Hosting
from emulators.wire.kept_counters import KeptCounters
from emulators.wire.modbus import ModbusDevices, ReferenceMeterUnit, RelayBoardUnit, Unit
from emulators.wire.pty_end import PtyEnd
from emulators.wire.serving import serve
from emulators.wire.tcp_end import TcpEnd
from emulators.wire.wire_end import WireEnd

_KIT: Final = (Role.RELAY_BOARD, Role.REFERENCE_METER)


class Host:
    """`bench.hosting.HostedKit`; the class itself is the `HostFactory`."""

    def __init__(
        self,
        plan: HostingPlan,
        *,
        watcher: Watcher | None,
        failed: Callable[[Exception], None],
    ) -> None:
        """`UsageError`: the plan does not fit together, or the state file is not right.
        `BenchError`: a port cannot be made.
        """
        self._plan = plan
        self._stack = ExitStack()
        self._file: StateFile | None = None
        self._serving = False
        self._watcher = watcher
        self._meters: dict[str, DlmsMeter] = {}
        self._ports: dict[str, str] = {}
        self._clock = clock = WallClock()
        with self._undone_on_error():
            if plan.state is not None:
                self._file = StateFile(plan.state)
                self._stack.callback(self._file.close)
            self._home = home = EmulatedHome(plan, clock)
            kept = self._file.load() if self._file is not None else None
            if kept is not None:
                home.recall(kept)
            hosting = Hosting(clock, failed)
            # Stored once more when no device can do anything any more.
            self._stack.callback(self._end)
            self._stack.callback(hosting.close)
            # Nobody is served before everything stands.
            clock.run_alone(partial(self._begin, hosting, kept))

    def ready(self) -> Sequence[Mapping[str, Any]]:
        specs = {spec.name: spec for spec in self._plan.installation.devices}
        return [
            ready_line(
                each, self._home.profiles[each.name], self._ports[each.name], specs.get(each.name)
            )
            for each in self._plan.hosted
        ]

    def executed(self) -> Mapping[str, Mapping[str, int]]:
        counts: dict[str, Mapping[str, int]] = {}
        for each in self._plan.hosted:
            if each.role is Role.RELAY_BOARD and self._home.board is not None:
                counts[each.name] = {"set_channel": self._home.board.executed}
            elif each.role is not Role.REFERENCE_METER:
                counts[each.name] = dict(self._home.models[each.name].executed)
        return counts

    def write_keys(self, path: Path) -> None:
        meters = {
            each.name: model
            for each in self._plan.hosted
            if isinstance(model := self._home.models.get(each.name), Meter)
        }
        write_test_keys(path, meters)

    def close(self) -> None:
        self._stack.close()

    def _begin(self, hosting: Hosting, kept: KeptState | None) -> None:
        self._put_on_lines(hosting)
        for name, counters in (kept.counters if kept is not None else {}).items():
            if name in self._meters:
                self._recall(name, counters)
        if self._watcher is not None:
            world = self._home.world
            for each in self._plan.hosted:
                if each.role not in _KIT:
                    watch(world, each.name, self._watcher)
            self._watcher.begin(self._clock.now(), keys_held(world))
        self._serving = True
        if self._file is not None or self._watcher is not None:
            self._every_second()

    def _end(self) -> None:
        """Nothing is served any more."""
        serving, self._serving = self._serving, False
        if not serving:
            return
        if self._watcher is not None:
            self._watcher.finish(self._clock.now())
        self._store()

    def _recall(self, name: str, counters: KeptCounters) -> None:
        try:
            self._meters[name].recall(counters)
        except ValueError as error:
            raise UsageError(
                f"{self._plan.state}: {name}: {error}",
                hint="was it kept under another --security or profile?",
            ) from None

    # -- lines -----------------------------------------------------------------------------------

    def _put_on_lines(self, hosting: Hosting) -> None:
        """Relay board and reference meter may share one."""
        shared: dict[Place, list[Hosted]] = {}
        for each in self._plan.hosted:
            alone = each.role not in _KIT or each.place == TcpPlace(_host(each.place), 0)
            if alone:
                self._put(hosting, [each])
            else:
                shared.setdefault(each.place, []).append(each)
        for units in shared.values():
            self._put(hosting, units)

    def _put(self, hosting: Hosting, units: Sequence[Hosted]) -> None:
        first = units[0]
        profile = self._home.profiles[first.name]
        outer = self._open(hosting, first)
        for each in units:
            self._ports[each.name] = outer.address
        end: WireEnd = outer if self._file is None else KeptEnd(outer, self._store)
        end.line = profile.line.settings
        if first.role in _KIT:
            modbus = [self._unit(each) for each in units]
            outer.attach(ModbusDevices(modbus, self._clock, end.send))
            return
        seed = f"{self._plan.seed}/{first.name}"
        peer: WirePeer = serve(self._home.world, first.name, profile, end, seed)
        if isinstance(peer, DlmsMeter):
            self._meters[first.name] = peer
        outer.attach(peer)

    def _open(self, hosting: Hosting, hosted: Hosted) -> PtyEnd | TcpEnd:
        line, place = self._home.profiles[hosted.name].line.settings, hosted.place
        if isinstance(place, TcpPlace):
            return hosting.tcp(place.port, line, host=place.host)
        try:
            lock = PortLock(f"hosted:{place.link.absolute()}", lock_directory())
        except Busy as error:
            raise Busy(
                f"{place.link}: {error}", hint="name another --link, or stop that process"
            ) from None
        self._stack.callback(lock.release)
        return hosting.pty(place.link.absolute(), line, paced=self._plan.paced)

    def _unit(self, hosted: Hosted) -> Unit:
        home, profile = self._home, self._home.profiles[hosted.name]
        if hosted.role is Role.RELAY_BOARD:
            assert home.board is not None, "a hosted board is made"
            return RelayBoardUnit(home.board, profile)
        assert home.reference is not None, "a hosted reference meter is made"
        return ReferenceMeterUnit(home.reference, profile)

    # -- state -----------------------------------------------------------------------------------

    def _store(self) -> None:
        if self._file is not None:
            counters = {name: meter.kept() for name, meter in self._meters.items()}
            self._file.store(self._home.kept(counters))

    def _every_second(self) -> None:
        now = self._clock.now()
        self._store()
        if self._watcher is not None:
            self._watcher.settle(now)
        self._clock.call_at(now + SECOND, self._every_second)

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._serving = False  # nothing is to be stored
            self._stack.close()
            raise


def _host(place: Place) -> str:
    return "" if isinstance(place, PtyPlace) else place.host
