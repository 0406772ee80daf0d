"""The one choke point: whatever the process does to the world goes through `Effects`.

Devices, parties, clock, mailbox, random source, key ring and trace are reached here and nowhere
else. Each request is shown to an observer as an `Act` before it is made and after it ended, so
that a run can be watched and counted. Whatever the process cannot work out for itself passes
through a recorder, where there is one (`bench.journal`): it keeps what was asked and what came of
it, and hands it back to a fresh process that does the same again. The process is handed proxies,
never the devices themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from bench.clock import Cancellation, Clock
from bench.devices import CommsHub, Device, InHomeDisplay, Meter
from bench.errors import BenchError, PeerError
from bench.key_ring import KeyRing
from bench.parties import (
    Dsp,
    Inbox,
    IocS1sp,
    Mcc,
    Message,
    Parties,
    RequestingParty,
    Smso,
    SupplierParty,
)
from bench.secret import Secret
from bench.trace import Event
from bench.units import Micros

M = TypeVar("M", bound=Message)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Act:
    """One request at the choke point, before (`outcome` empty) or after it was made.

    `arguments` and `outcome` are texts in which a `Secret` shows its check value only. `given` and
    `answer` are the same as objects, for whoever judges devices by them; an error is an answer.
    """

    number: int
    at: Micros
    target: str
    operation: str
    arguments: str
    outcome: str = ""
    given: tuple[Any, ...] = field(default=(), compare=False, repr=False)
    answer: object = field(default=None, compare=False, repr=False)


Observer = Callable[[Act], None]
Waiting = Callable[[Micros, str], None]
"""Called before the process waits: until when at the latest, and for what."""
Sink = Callable[[Event], None]


class Recorder(Protocol):
    """Stands between the process and everything it does not work out for itself.

    `call` and `make` do it; whether they are called, or what they gave before is handed back, is
    the recorder's to say.
    """

    @property
    def asked_at(self) -> Micros:
        """When the act that comes next begins, or began when it was made."""

    @property
    def answered_at(self) -> Micros:
        """When the last act ended."""

    def request(
        self,
        target: str,
        operation: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        call: Callable[[], T],
    ) -> T:
        """One request to a device or party. Raises what the request raises."""

    def now(self) -> Micros: ...

    def wait(self, until: Micros, call: Callable[[], None]) -> None:
        """`until` stays what it was, however often the run was interrupted."""

    def receive(
        self, kinds: tuple[type[object], ...], until: Micros, call: Callable[[], T]
    ) -> T: ...

    def forget_messages(self, call: Callable[[], None]) -> None: ...

    def new_key(self, label: str, make: Callable[[], Secret]) -> Secret:
        """A new key is kept before it is handed out."""


class Effects:
    """The world of one installation, as its process may touch it. Not shared between threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        inbox: Inbox,
        devices: Mapping[str, Device],
        parties: Parties,
        keys: KeyRing,
        random_bytes: Callable[[int], bytes],
        sink: Sink,
        observer: Observer | None = None,
        cancellation: Cancellation | None = None,
        recorder: Recorder | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._clock = clock
        self._inbox = inbox
        self._random_bytes = random_bytes
        self._sink = sink
        self._observer = observer
        self._cancellation = cancellation or Cancellation()
        self._recorder = recorder
        self._waiting = waiting
        self._acts = 0
        self.require_wanted = self._cancellation.check
        self.unwatched = observer is None and recorder is None
        """Whether nobody is shown the requests and nothing keeps them: a campaign."""
        self.keys = keys
        self._devices = {name: _Proxy(self, name, device) for name, device in devices.items()}
        self.smso = cast(Smso, _Proxy(self, "SMSO", parties.smso))
        self.mcc = cast(Mcc, _Proxy(self, "MCC", parties.mcc))
        self.dsp = cast(Dsp, _Proxy(self, "DSP", parties.dsp))
        self.ioc_s1sp = cast(IocS1sp, _Proxy(self, "IOC S1SP", parties.ioc_s1sp))
        self.requesting_party = cast(
            RequestingParty, _Proxy(self, "Requesting Party", parties.requesting_party)
        )
        self._suppliers = {
            name: _Proxy(self, name, supplier) for name, supplier in parties.suppliers.items()
        }

    def meter(self, name: str) -> Meter:
        return cast(Meter, self._devices[name])

    def hub(self, name: str) -> CommsHub:
        return cast(CommsHub, self._devices[name])

    def display(self, name: str) -> InHomeDisplay:
        return cast(InHomeDisplay, self._devices[name])

    def supplier(self, name: str) -> SupplierParty:
        return cast(SupplierParty, self._suppliers[name])

    def now(self) -> Micros:
        return self._clock.now() if self._recorder is None else self._recorder.now()

    def sleep_until(self, at: Micros) -> None:
        """Waits for an absolute time. Raises `Cancelled`."""
        if self._waiting is not None:
            self._waiting(at, "")
        if self._recorder is None:
            self._clock.sleep_until(at, self._cancellation)
        else:
            self._cancellation.check()
            sleep = partial(self._clock.sleep_until, at, self._cancellation)
            self._recorder.wait(at, sleep)

    def receive(self, kind: type[M], until: Micros) -> tuple[Micros, M] | None:
        """The next message of that kind with its arrival, or None at `until`."""
        kinds = cast("tuple[type[Message], ...]", (kind,))
        return cast("tuple[Micros, M] | None", self.receive_any(kinds, until))

    def receive_any(
        self, kinds: tuple[type[Message], ...], until: Micros
    ) -> tuple[Micros, Message] | None:
        """The next message of any of the kinds with its arrival, or None at `until`."""
        if self._waiting is not None:
            self._waiting(until, " or ".join(kind.__name__ for kind in kinds))
        if self._recorder is None:
            return self._inbox.take(kinds, until, self._cancellation)
        self._cancellation.check()
        take = partial(self._inbox.take, kinds, until, self._cancellation)
        return self._recorder.receive(kinds, until, take)

    def forget_messages(self) -> None:
        """Throws away what was meant for a passage that has closed."""
        if self._recorder is None:
            self._inbox.clear()
        else:
            self._cancellation.check()
            self._recorder.forget_messages(self._inbox.clear)

    def new_key(self, label: str) -> Secret:
        """A fresh 128-bit key: from the system's random source on real kit, else seeded."""
        if self._recorder is None:
            return Secret(self._random_bytes(16), label)
        self._cancellation.check()
        return self._recorder.new_key(label, lambda: Secret(self._random_bytes(16), label))

    def emit(self, event: Event) -> None:
        """Writes an event into the trace."""
        self._sink(event)

    def perform(
        self,
        target: str,
        operation: str,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Makes one request; the observer sees it before and after, whatever comes of it."""
        self._cancellation.check()
        observer, recorder = self._observer, self._recorder
        make = partial(call, *args, **kwargs)
        if recorder is not None:
            make = partial(recorder.request, target, operation, args, kwargs, make)
        if observer is None:
            return make()
        arguments = ", ".join(
            [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        )
        self._acts += 1
        at = self._clock.now() if recorder is None else recorder.asked_at
        asked = Act(self._acts, at, target, operation, arguments, given=args)
        return self._shown(observer, make, asked)

    def _shown(self, observer: Observer, make: partial[Any], asked: Act) -> Any:
        observer(asked)
        try:
            result = make()
        except (PeerError, BenchError) as error:
            observer(replace(asked, at=self._answered_at, outcome=f"! {error}", answer=error))
            raise
        observer(replace(asked, at=self._answered_at, outcome=repr(result), answer=result))
        return result

    @property
    def _answered_at(self) -> Micros:
        return self._clock.now() if self._recorder is None else self._recorder.answered_at


class _Proxy:
    """Stands for a device or party; every method call goes through `Effects.perform`."""

    __slots__ = ("_effects", "_target", "_thing")

    def __init__(self, effects: Effects, target: str, thing: object) -> None:
        self._effects = effects
        self._target = target
        self._thing = thing

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if self._effects.unwatched:
            self._effects.require_wanted()
            return cast("Callable[..., Any]", getattr(self._thing, operation))
        call = getattr(self._thing, operation)
        if not callable(call):
            return cast("Callable[..., Any]", call)

        def perform(*args: Any, **kwargs: Any) -> Any:
            return self._effects.perform(self._target, operation, call, args, kwargs)

        return perform
