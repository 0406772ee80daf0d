"""One request to a device or a party: how it takes time, and how it can go wrong.

Hosts and parties put every request through a `Channel`. A request fault is handed the `Exchange`
and does with it what the real thing would suffer: lose it, answer it late, half carry it out.

Whose error it is follows one rule. Nothing could be sent (the peer was not there): `NoReply`.
Something was sent and no answer came: `Ambiguous` if the request changes something, `NoReply` if
it only asks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

from bench.clock import Clock
from bench.emulation import Answer, Reply
from bench.errors import Ambiguous, Garbled, NoReply, PeerError, Refused
from bench.units import Micros
from emulators.models.rejection import Rejected, WentSilent

T = TypeVar("T")

CHANGING: Final = frozenset(
    {
        *("set_clock", "rotate_key", "wake", "permit_join", "remove_device", "reboot"),
        *("transfer_account", "take_account_back", "update_chf", "raise_incident"),
    }
)
"""Operations that change something. All others only ask and are safe to repeat."""


class Listener(Protocol):
    """Whoever is at the other end."""

    def answers_at(self, now: Micros) -> Micros | None:
        """From when on it will take a request; None: not as things stand."""


class Interceptor(Protocol):
    """A fault lying in wait on a channel."""

    def see(self, exchange: Exchange[Any], *, hit: bool) -> Callable[[Exchange[Any]], Any] | None:
        """Sees every request before anything comes of it; `hit`: another fault has it already.

        May change the peer's state at once. Returns what becomes of the request, or None for no
        say in it.
        """


Witness = Callable[[str, str, Micros, Answer, str], None]
"""Is told of a request on a line: operation, which object or command, by how much the answer is
late, what it was, the code of a refusal.
"""


class Channel:
    """The way to one device or party; `timeout` is how long a caller waits for an answer.

    `witness`: who is told of the requests that a device on a line took, after each.
    """

    __slots__ = ("clock", "interceptors", "listener", "name", "timeout", "witness")

    def __init__(self, name: str, clock: Clock, timeout: Micros, listener: Listener) -> None:
        self.name = name
        self.clock = clock
        self.timeout = timeout
        self.listener = listener
        self.interceptors: list[Interceptor] = []
        self.witness: Witness | None = None

    def ask(
        self,
        operation: str,
        act: Callable[[], T],
        takes: Micros,
        reply: Reply = Reply.ACCEPTED,
        *,
        code: str = "",
        acknowledgement: T | None = None,
    ) -> T:
        """Makes one request; returns what `act` returns or raises a `PeerError`.

        `takes`: from the request's arrival to the act and the answer. `reply`: how a party takes
        it, with the `code` of a refusal. `acknowledgement`: what a peer answers that did nothing.
        """
        exchange = Exchange(self, operation, act, takes, acknowledgement)
        if self.interceptors:
            fate: Callable[[Exchange[T]], T] | None = None
            for interceptor in self.interceptors:
                fate = interceptor.see(exchange, hit=fate is not None) or fate
            if fate is not None:
                return fate(exchange)
        exchange.reach()
        if reply is Reply.ACCEPTED:
            return exchange.carry_out()
        if reply is Reply.REFUSED:
            raise exchange.refused(code)
        if reply is Reply.REPLY_LOST:
            exchange.carry_out_unheard()
        raise exchange.unanswered()


class Exchange(Generic[T]):
    """A request on its way. Every method that waits does so on the channel's clock."""

    __slots__ = ("_deadline", "_takes", "acknowledgement", "act", "channel", "operation")

    def __init__(
        self,
        channel: Channel,
        operation: str,
        act: Callable[[], T],
        takes: Micros,
        acknowledgement: T | None,
    ) -> None:
        self.channel = channel
        self.operation = operation
        self.act = act
        self.acknowledgement = acknowledgement
        self._takes = takes
        self._deadline = channel.clock.now() + channel.timeout

    @property
    def changes(self) -> bool:
        """Whether the request changes something, so that a lost answer leaves doubt."""
        return self.operation in CHANGING

    def reach(self) -> None:
        """Waits until the peer takes requests. Raises `NoReply`, with nothing sent, if it does not
        within the time-out.
        """
        clock = self.channel.clock
        now = clock.now()
        at = self.channel.listener.answers_at(now)
        if at == now:
            return
        while at is not None and clock.now() < at <= self._deadline:
            clock.sleep_until(at)
            at = self.channel.listener.answers_at(clock.now())
        if at is None or at > self._deadline:
            clock.sleep_until(self._deadline)
            raise NoReply(self.channel.name, self.operation, "not reached")

    def carry_out(self) -> T:
        """The peer takes its time, acts and answers. Raises `Refused` if it will not.

        A peer slower than the time-out still acts, when the caller has given up.
        """
        clock = self.channel.clock
        due = clock.now() + self._takes
        if due > self._deadline:
            clock.call_at(due, self.act_unheard)
            raise self.unanswered()
        clock.sleep_until(due)
        if self.channel.listener.answers_at(clock.now()) is None:
            raise self.unanswered()
        try:
            return self.act()
        except Rejected as no:
            raise self._refusal(no.code, no.detail) from None
        except WentSilent:
            raise self.unanswered() from None

    def carry_out_late(self, delay: Micros) -> T:
        """The peer acts in time and answers `delay` later."""
        clock = self.channel.clock
        due = clock.now() + self._takes + delay
        try:
            answer: T | Refused = self.carry_out()
        except Refused as refusal:
            answer = refusal
        if due > self._deadline:
            raise self.unanswered()
        clock.sleep_until(due)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def carry_out_unheard(self) -> None:
        """The peer takes its time and acts; what it answers is not heard."""
        self.pass_time()
        self.act_unheard()

    def pass_time(self) -> None:
        """The peer takes its time, at most until the caller gives up."""
        clock = self.channel.clock
        clock.sleep_until(min(clock.now() + self._takes, self._deadline))

    def refused(self, code: str) -> PeerError:
        """The peer takes its time and says no."""
        self.pass_time()
        return self._refusal(code, "")

    def unanswered(self) -> PeerError:
        """The request was sent; the caller waits in vain."""
        self.channel.clock.sleep_until(self._deadline)
        error = Ambiguous if self.changes else NoReply
        return error(self.channel.name, self.operation)

    def garbled(self) -> PeerError:
        """Something came back that is not an answer."""
        if self.changes:
            return Ambiguous(self.channel.name, self.operation, "the reply was garbled")
        return Garbled(self.channel.name, self.operation)

    def _refusal(self, code: str, detail: str) -> Refused:
        return Refused(self.channel.name, self.operation, detail, code=code)

    def act_unheard(self) -> None:
        """The peer acts if it is there to; what it answers goes nowhere."""
        if self.channel.listener.answers_at(self.channel.clock.now()) is not None:
            with suppress(Rejected, WentSilent):
                self.act()
