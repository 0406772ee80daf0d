"""Cuts the mains of real devices at the relays that feed them, at the moments a scenario names.

It works on a thread of its own, so that the mains go also while a request is out. Each act is read
back by the relay board; the board handed over must put every relay back whatever ends the run
(`bench.safe_state.GuardedPowerSwitch`).
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from bench.clock import Clock
from bench.devices import PowerSwitch
from bench.emulation import FaultSpec
from bench.errors import BenchError
from bench.event_fields import fields_of
from bench.trace import Event, Opened
from bench.units import SECOND, Micros

POWER_CUT: Final = "power-cut"
"""The fault that a relay can do to a real device; its name is that of the emulated one."""


class GuardedRelays(PowerSwitch, Protocol):
    """Relays that are put back whatever ends the run."""

    def note_put_back(self, channel: int) -> None:
        """Writes down that the channel, which was cut, is on again at the end."""


@dataclass(order=True, slots=True)
class _Act:
    """A relay is switched when it is due; `cut`: its place among the cuts."""

    due: Micros
    closed: bool
    cut: int


class PowerCuts:
    """The cuts of one scenario, on a clock that waits. `fault`: why a relay did not do as told.

    A cut without `lasts` is put back when the scenario ends, and so is one that is not over then.
    Two cuts of one relay that overlap are one, from the first's beginning to the last's end.
    """

    def __init__(
        self,
        cuts: Sequence[FaultSpec],
        feeds: Mapping[str, int],
        board: GuardedRelays,
        clock: Clock,
        stop: Callable[[str], None],
    ) -> None:
        """`stop` is told why, as soon as a relay fails: the scenario is no evidence any more."""
        self.fault: BenchError | None = None
        self._cuts = tuple(cuts)
        self._feeds = feeds
        self._board = board
        self._clock = clock
        self._stop = stop
        self._left = {n: cut.moment.nth for n, cut in enumerate(cuts) if cut.moment.on is not None}
        self._struck: set[int] = set()
        self._off: dict[int, set[int]] = {}  # which cuts keep a channel open
        self._opened = False
        self._due: list[_Act] = []
        self._news = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._work, name="power cuts")

    def begin(self) -> None:
        """From now on the cuts lie in wait for `observe`."""
        self._thread.start()

    def observe(self, event: Event) -> None:
        """Takes every event of the trace as it comes: `after` and `when` are counted from them."""
        if isinstance(event, Opened) and not self._opened:
            self._opened = True
            for number, cut in enumerate(self._cuts):
                if cut.moment.after is not None:
                    self._enter(_Act(event.at + cut.moment.after, False, number))
        line = fields_of(event)
        for number in [*self._left]:
            wanted = self._cuts[number].moment.on or {}
            if wanted.items() <= line.items():
                self._left[number] -= 1
                if not self._left[number]:
                    del self._left[number]
                    self._enter(_Act(self._clock.now(), False, number))

    def unstruck(self) -> tuple[FaultSpec, ...]:
        """The cuts whose moment has not come."""
        return tuple(cut for n, cut in enumerate(self._cuts) if n not in self._struck)

    def end(self) -> None:
        """What is still cut is put back and noted. Safe to repeat. Raises nothing: see `fault`."""
        with self._news:
            self._over = True
            self._news.notify()
        if self._thread.is_alive():
            self._thread.join()
        for channel in [*self._off]:
            with suppress(BenchError):  # the safe state tries again, and says so
                self._board.set_channel(channel, closed=True)
                del self._off[channel]
                self._board.note_put_back(channel)

    def _enter(self, act: _Act) -> None:
        with self._news:
            heapq.heappush(self._due, act)
            self._news.notify()

    def _work(self) -> None:
        while (act := self._next()) is not None:
            try:
                self._do(act)
            except BenchError as error:
                self.fault = error
                self._stop(str(error))
                return

    def _next(self) -> _Act | None:
        """Waits for what is due; None: it is over."""
        with self._news:
            while not self._over:
                wait = None
                if self._due:
                    wait = (self._due[0].due - self._clock.now()) / SECOND
                    if wait <= 0:
                        return heapq.heappop(self._due)
                self._news.wait(wait)
            return None

    def _do(self, act: _Act) -> None:
        cut = self._cuts[act.cut]
        channel = self._feeds[cut.target]
        if act.closed:
            self._off[channel].discard(act.cut)
            if not self._off[channel]:
                self._board.set_channel(channel, closed=True)
                del self._off[channel]
            return
        self._off.setdefault(channel, set()).add(act.cut)
        self._board.set_channel(channel, closed=False)
        self._struck.add(act.cut)
        if cut.lasts is not None:
            self._enter(_Act(self._clock.now() + cut.lasts, True, act.cut))
