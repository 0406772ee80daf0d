"""The clock is injected and belongs to the station.

`VirtualClock` jumps to the next due moment; `WallClock` waits. Both keep an *agenda*: what
emulated devices and parties will do later (a meter wakes, a file arrives). Agenda actions run
while somebody waits, in the order (due, entry); they change emulators and mailboxes and never
re-enter the process's code.

Times are whole microseconds UTC (`bench.units`). Deadlines are absolute.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from bench.units import SECOND, Micros

Action = Callable[[], None]


class Cancelled(BaseException):
    """The run was asked to stop. Not an `Exception`, so that no failure handler swallows it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Cancellation:
    """One token per thread of control; any thread or signal handler may cancel it, once for all."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._listeners: list[Action] = []

    def cancel(self, reason: str) -> None:
        if self.reason is None:
            self.reason = reason
            for listener in tuple(self._listeners):
                listener()

    def check(self) -> None:
        """Raises `Cancelled` once the token was cancelled."""
        if self.reason is not None:
            raise Cancelled(self.reason)

    def on_cancel(self, listener: Action) -> None:
        """`listener` is called at most once, when the token is cancelled (to wake a sleeper)."""
        self._listeners.append(listener)

    def forget(self, listener: Action) -> None:
        """Undoes `on_cancel`."""
        self._listeners.remove(listener)


class Appointment:
    """An agenda entry; `cancel()` is safe at any time, also after it ran."""

    __slots__ = ("action", "due")

    def __init__(self, due: Micros, action: Action) -> None:
        self.due = due
        self.action: Action | None = action

    def cancel(self) -> None:
        self.action = None


class Clock(Protocol):
    """What time it is, how to wait, and the agenda of emulated things to come."""

    @property
    def mode(self) -> str:
        """`virtual` or `wall`: stamped on every result."""

    def now(self) -> Micros: ...

    def sleep_until(self, at: Micros, cancellation: Cancellation | None = None) -> None:
        """Returns at or after `at`, at once if it has passed. Raises `Cancelled`."""

    def wait(
        self, ready: Callable[[], bool], until: Micros, cancellation: Cancellation | None = None
    ) -> bool:
        """Returns True as soon as `ready()`, False when `until` came first.

        What happens at `until` exactly is still seen. Raises `Cancelled`.
        """

    def call_at(self, at: Micros, action: Action) -> Appointment:
        """Enters `action` into the agenda; a moment already past means as soon as possible."""

    def wake(self) -> None:
        """Tells waiters in other threads that something they wait for may have changed."""


class _Agenda:
    """A heap with a deterministic tie-break: entries due at the same moment run in entry order."""

    def __init__(self) -> None:
        self._heap: list[tuple[Micros, int, Appointment]] = []
        self._entered = 0

    def enter(self, due: Micros, action: Action) -> Appointment:
        appointment = Appointment(due, action)
        heapq.heappush(self._heap, (due, self._entered, appointment))
        self._entered += 1
        return appointment

    def next_due(self) -> Micros | None:
        heap = self._heap
        while heap and heap[0][2].action is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop(self) -> Action:
        action = heapq.heappop(self._heap)[2].action
        assert action is not None, "next_due() was asked first"
        return action


class VirtualClock:
    """Time that moves only when somebody waits, and then at once."""

    mode: Final = "virtual"

    def __init__(self, start: Micros) -> None:
        self._now = start
        self._agenda = _Agenda()

    def now(self) -> Micros:
        return self._now

    def sleep_until(self, at: Micros, cancellation: Cancellation | None = None) -> None:
        due = self._agenda.next_due()
        if due is None or due > at:  # mostly nothing is due until then
            if cancellation is not None:
                cancellation.check()
            if at > self._now:
                self._now = at
        else:
            self.wait(_never, at, cancellation)

    def wait(
        self, ready: Callable[[], bool], until: Micros, cancellation: Cancellation | None = None
    ) -> bool:
        agenda = self._agenda
        while not ready():
            if cancellation is not None:
                cancellation.check()
            due = agenda.next_due()
            if due is None or due > until:
                self._now = max(self._now, until)
                return ready()
            self._now = max(self._now, due)
            agenda.pop()()
        return True

    def call_at(self, at: Micros, action: Action) -> Appointment:
        return self._agenda.enter(at, action)

    def wake(self) -> None:
        """Nothing to do: a virtual clock has one thread."""


class WallClock:
    """The system's clock. UTC for stamps, the monotonic clock for waiting.

    Whoever waits runs the agenda, so emulated parties act in real time too. Safe for several
    threads; agenda actions run one at a time.
    """

    mode: Final = "wall"

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.RLock())
        self._agenda = _Agenda()
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now(self) -> Micros:
        return (time.monotonic_ns() + self._offset_ns) // 1000

    def sleep_until(self, at: Micros, cancellation: Cancellation | None = None) -> None:
        self.wait(_never, at, cancellation)

    def wait(
        self, ready: Callable[[], bool], until: Micros, cancellation: Cancellation | None = None
    ) -> bool:
        if cancellation is None:
            return self._wait(ready, until, None)
        cancellation.on_cancel(self.wake)
        try:
            return self._wait(ready, until, cancellation)
        finally:
            cancellation.forget(self.wake)

    def _wait(
        self, ready: Callable[[], bool], until: Micros, cancellation: Cancellation | None
    ) -> bool:
        with self._condition:
            while not ready():
                if cancellation is not None:
                    cancellation.check()
                now = self.now()
                due = self._agenda.next_due()
                if due is not None and due <= now:
                    self._agenda.pop()()
                    self._condition.notify_all()
                    continue
                if now >= until:
                    return False
                target = until if due is None else min(due, until)
                self._condition.wait((target - now) / SECOND)
            return True

    def call_at(self, at: Micros, action: Action) -> Appointment:
        with self._condition:
            appointment = self._agenda.enter(at, action)
            self._condition.notify_all()
            return appointment

    def run_due(self) -> Micros | None:
        """Runs what is due of the agenda now, without waiting; when the next is due, if any.

        For a thread that waits for something else, such as file descriptors.
        """
        with self._condition:
            while True:
                due = self._agenda.next_due()
                if due is None or due > self.now():
                    return due
                self._agenda.pop()()
                self._condition.notify_all()

    def run_alone(self, action: Action) -> None:
        """Runs `action` now as if it were an entry of the agenda: no entry runs meanwhile."""
        with self._condition:
            action()
            self._condition.notify_all()

    def wake(self) -> None:
        with self._condition:
            self._condition.notify_all()


class PacedClock:
    """Virtual time that keeps pace with another clock: for emulated things beside real kit.

    Who lives on it sees instants, not readings: an agenda action the moment it was due, a call the
    moment at which it was made (`move_to`), a wait its exact end, however late the process woke.
    So the same calls at the same instants give the same answers, also in a fresh process that
    does them over (`bench.journal`). Until `follow` it waits for nobody: that is the doing over.
    """

    mode: Final = "wall"

    def __init__(self, start: Micros, pace: Clock, cancellation: Cancellation) -> None:
        """`cancellation` ends every wait, also one that did not ask to be cancelled."""
        self._now = start
        self._agenda = _Agenda()
        self._pace = pace
        self._cancellation = cancellation
        self._following = False

    def follow(self) -> None:
        """From here on nothing happens before it is time on the other clock."""
        self._following = True

    def move_to(self, at: Micros) -> None:
        """It is `at` now, or later; what was due until then has happened, each at its moment."""
        while (due := self._agenda.next_due()) is not None and due <= at:
            self._now = max(self._now, due)
            self._agenda.pop()()
        self._now = max(self._now, at)

    def now(self) -> Micros:
        return self._now

    def sleep_until(self, at: Micros, cancellation: Cancellation | None = None) -> None:
        self.wait(_never, at, cancellation)

    def wait(
        self, ready: Callable[[], bool], until: Micros, cancellation: Cancellation | None = None
    ) -> bool:
        del cancellation  # the run's own is enough
        while not ready():
            due = self._agenda.next_due()
            last = due is None or due > until
            at = until if due is None or last else due
            if self._following:
                self._cancellation.check()
                self._pace.sleep_until(at, self._cancellation)
            self._now = max(self._now, at)
            if last:
                return ready()
            self._agenda.pop()()
        return True

    def call_at(self, at: Micros, action: Action) -> Appointment:
        return self._agenda.enter(at, action)

    def wake(self) -> None:
        self._pace.wake()


def _never() -> bool:
    return False
