"""The faulty pipe: a transport around a transport, emulated or real.

    transport = FaultyTransport(inner, FaultPlan((PipeFaultSpec("no-reply"),)), clock, seed=1)

A *request* is a burst of writes: everything written until something is read. What arrives
afterwards, until the next request, is its answer. All timing is on the clock, so over `emu:` under
a virtual clock nothing waits.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from bench.clock import Cancellation, Clock
from bench.errors import PortGone
from bench.units import MILLISECOND, Micros
from drivers.pipe_faults.arming import Armed, Arsenal
from drivers.pipe_faults.plan import FaultPlan
from drivers.pipe_faults.registry import LineState, Piece, Strike
from drivers.pipe_faults.speech import OTHER, Exchanged
from drivers.transport.line import LineSettings
from drivers.transport.pipe import SecretSpan, Transport

_LONGEST_ANSWER: Final = 65_536
_UNREAD_NOISE: Final = 4_096
_REMEMBERED: Final = 32
_REACTION: Final = 20 * MILLISECOND


@dataclass(frozen=True, slots=True)
class Struck:
    """What was done: the fault, when, and to which request (from 1) of which operation."""

    at: Micros
    fault: str
    request: int
    operation: str


@dataclass(slots=True)
class _Lasting:
    state: LineState
    until: Micros | None
    heard_until: Micros


class FaultyTransport:
    """A `Transport` over another, with faults. `struck` tells what they did.

    Wrap it in the capture tee to store what the driver saw, or put the tee inside to store what
    really passed. `cancellation` is for waiting until a pulled adapter is back.
    """

    def __init__(
        self,
        inner: Transport,
        plan: FaultPlan,
        clock: Clock,
        seed: int,
        *,
        cancellation: Cancellation | None = None,
    ) -> None:
        self.struck: list[Struck] = []
        self._inner = inner
        self._plan = plan
        self._clock = clock
        self._cancellation = cancellation
        self._seed = seed
        self._arsenal = Arsenal(plan, seed)
        self._started = clock.now()
        self._received_at = inner.received_at
        self._arrivals: list[tuple[Micros, int, bytes]] = []
        self._arrived_count = 0
        self._lasting: list[_Lasting] = []
        self._gone_until: Micros | None = None
        self._gone = False
        self._in_burst = False
        self._requests = 0
        self._operation = OTHER
        self._request = b""
        self._answer = bytearray()
        self._answer_at: Micros = 0
        self._pending: Armed | None = None
        self._unasked = False  # the device was not asked: the fault makes the answer up
        self._earlier: deque[Exchanged] = deque(maxlen=_REMEMBERED)

    def arm(self, plan: FaultPlan) -> None:
        """Another plan in place of the one before; its moments are counted from now."""
        self._plan = plan
        self._arsenal = Arsenal(plan, self._seed)
        self._started = self._clock.now()

    @property
    def port(self) -> str:
        return self._inner.port

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def line(self) -> LineSettings:
        return self._inner.line

    @property
    def received_at(self) -> Micros:
        return self._received_at

    def write(self, data: bytes, secrets: Sequence[SecretSpan] = ()) -> None:
        self._check()
        if self._in_burst:
            self._request += data
            if not self._unasked:
                self._send(data, data, secrets)
            return
        self._take_in()
        self._close_exchange()
        self._in_burst = True
        self._requests += 1
        self._request = data
        speech = self._plan.speech
        self._operation = speech.operation(data) if speech is not None else OTHER
        now = self._clock.now()
        states, armed = self._arsenal.due(self._operation, now - self._started)
        for state in states:
            self._begin(state, now)
        self._send(self._going_out(data, armed), data, secrets)
        if self._gone:
            raise self._lost()

    def read(self, deadline: Micros) -> bytes:
        self._in_burst = False
        while True:
            self._advance()
            now = self._clock.now()
            if self._arrivals and self._arrivals[0][0] <= now:
                at, _, octets = heapq.heappop(self._arrivals)
                self._received_at = max(at, self._received_at)
                return octets
            self._check()
            data = self._inner.read(min(deadline, self._next_change(deadline)))
            if data:
                self._arrive(data, self._inner.received_at)
            elif self._clock.now() >= deadline:
                self._advance()
                if not (self._arrivals and self._arrivals[0][0] <= self._clock.now()):
                    return b""

    def discard_input(self) -> None:
        self._check()
        self._take_in()
        now = self._clock.now()
        while self._arrivals and self._arrivals[0][0] <= now:
            heapq.heappop(self._arrivals)

    def set_line(self, settings: LineSettings) -> None:
        self._check()
        self._inner.set_line(settings)

    def reopen(self, until: Micros) -> None:
        if self._gone:
            back = until if self._gone_until is None else min(self._gone_until, until)
            self._clock.sleep_until(back, self._cancellation)
            if self._gone_until is None or self._gone_until > until:
                raise PortGone(f"{self.port} did not come back in time")
        self._inner.reopen(until)
        self._gone = False
        self._arrivals.clear()
        self._answer.clear()
        self._pending = None
        self._unasked = False
        self._in_burst = False
        self._request = b""

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- going out -------------------------------------------------------------------------------

    def _begin(self, armed: Armed, now: Micros) -> None:
        assert armed.fault.state is not None
        armed.left = 0
        state = armed.fault.state(self._strike(armed), now)
        until = None if armed.spec.lasts is None else now + armed.spec.lasts
        self._note(armed)
        if state.unplugged:
            self._gone, self._gone_until = True, until
            self._request = state.sent(self._request)
        else:
            self._lasting.append(_Lasting(state, until, now))

    def _going_out(self, data: bytes, armed: Armed | None) -> bytes:
        if self._gone:
            return self._request
        if armed is None:
            return data
        if armed.fault.request is not None:
            sending = armed.fault.request(self._strike(armed))
            self._hit(armed)
            self._schedule(sending.back, self._clock.now())
            self._unasked = not sending.octets
            return sending.octets
        self._pending = armed
        if not armed.fault.withholds:
            return data
        assert self._plan.speech is not None, "the plan was checked"
        octets = self._plan.speech.withheld(data)
        self._unasked = not octets
        if self._unasked:
            self._answer_at = self._clock.now() + self.line.span(len(data)) + _REACTION
        return octets

    def _send(self, octets: bytes, given: bytes, secrets: Sequence[SecretSpan]) -> None:
        for lasting in self._current():
            octets = lasting.state.sent(octets)
        if octets == given:
            self._inner.write(octets, secrets)
        elif octets:
            # What a fault made of a key is not the key, and is hidden all the same.
            names = " ".join(dict.fromkeys(span.reference for span in secrets))
            self._inner.write(octets, [SecretSpan(0, len(octets), names)] if names else ())

    # -- coming in -------------------------------------------------------------------------------

    def _take_in(self) -> None:
        """What has arrived up to now, without waiting."""
        started = self._clock.now()
        while data := self._inner.read(started):
            self._arrive(data, self._inner.received_at)
            if self._inner.received_at > started:
                break  # it still talks
        self._advance()

    def _arrive(self, data: bytes, at: Micros) -> None:
        for lasting in self._current():
            data = lasting.state.received(data)
        if not data:
            return
        if len(self._answer) < _LONGEST_ANSWER:
            self._answer += data
        if self._pending is None:
            self._push(at, data)
        else:
            self._answer_at = at

    def _advance(self) -> None:
        """Brings everything up to now: noise of the line's states, an answer that became whole."""
        now = self._clock.now()
        self._make_noise(now)
        if self._pending is None or not (self._answer or self._unasked):
            return
        whole_at = self._answer_at if self._unasked else self._answer_at + self._plan.silence
        if now >= whole_at or len(self._answer) >= _LONGEST_ANSWER:
            self._answer_struck(max(self._answer_at, now))

    def _answer_struck(self, at: Micros) -> None:
        """The fault that waited for the answer has it."""
        armed, self._pending = self._pending, None
        assert armed is not None
        assert armed.fault.answer is not None
        answer = bytes(self._answer)
        pieces = armed.fault.answer(self._strike(armed), answer)
        if pieces is None and answer:
            self._push(at, answer)
        else:
            self._hit(armed)
            self._schedule(pieces or (), at)

    def _close_exchange(self) -> None:
        """The next request comes: what is there of the last answer is all of it."""
        if self._pending is not None:
            if self._answer:
                self._answer_struck(self._clock.now())
            self._pending = None
        if self._request and self._answer:
            self._earlier.append(Exchanged(self._request, bytes(self._answer)))
        self._answer.clear()
        self._unasked = False

    def _make_noise(self, now: Micros) -> None:
        for lasting in self._lasting:
            until = now if lasting.until is None else min(now, lasting.until)
            for at, octets in lasting.state.noise(lasting.heard_until, until):
                if sum(len(waiting) for _, _, waiting in self._arrivals) < _UNREAD_NOISE:
                    self._push(at, octets)
            lasting.heard_until = until
        self._lasting = [at for at in self._lasting if at.until is None or at.until > now]

    def _current(self) -> list[_Lasting]:
        now = self._clock.now()
        return [at for at in self._lasting if at.until is None or at.until > now]

    def _next_change(self, deadline: Micros) -> Micros:
        """When something happens here without the device."""
        moments = [deadline]
        if self._arrivals:
            moments.append(self._arrivals[0][0])
        if self._pending is not None and self._unasked:
            moments.append(self._answer_at)
        elif self._pending is not None and self._answer:
            moments.append(self._answer_at + self._plan.silence)
        for lasting in self._lasting:
            noise = lasting.state.next_noise(lasting.heard_until)
            if noise is not None and (lasting.until is None or noise <= lasting.until):
                moments.append(noise)
        return min(moments)

    def _schedule(self, pieces: Sequence[Piece], since: Micros) -> None:
        for piece in pieces:
            if piece.octets:
                self._push(since + piece.after, piece.octets)

    def _push(self, at: Micros, octets: bytes) -> None:
        self._arrived_count += 1
        heapq.heappush(self._arrivals, (at, self._arrived_count, octets))

    def _strike(self, armed: Armed) -> Strike:
        return Strike(
            armed.rng,
            self._request,
            self.line,
            armed.spec.lasts,
            armed.spec.code,
            tuple(self._earlier),
            self._plan.speech,
        )

    def _hit(self, armed: Armed) -> None:
        armed.left -= 1
        self._note(armed)

    def _note(self, armed: Armed) -> None:
        now = self._clock.now()
        self.struck.append(Struck(now, armed.spec.fault, self._requests, self._operation))

    def _check(self) -> None:
        if self._gone:
            raise self._lost()

    def _lost(self) -> PortGone:
        return PortGone(f"{self.port} is gone", hint="plug the adapter in again and reopen")
