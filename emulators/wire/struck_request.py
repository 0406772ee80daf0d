"""Request faults of a device on the wire: the same faults as over `direct:`, seen in octets.

A fault is handed an `Exchange` and does with it what the real thing would suffer. Here the device
has the request already; what is left to decide is whether it acts and what becomes of its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bench.emulation import Answer
from bench.errors import Ambiguous, AuthenticationFailed, NoReply, PeerError, WrongDevice
from bench.units import Micros
from emulators.exchange import Channel, Exchange
from emulators.models.rejection import Rejected, WentSilent

T = TypeVar("T")


class NoAnswer(Exception):
    """The device says nothing to this request, whether or not it acted."""


class NotAuthentic(Exception):
    """The device takes the request for a forgery."""


class AnotherDevice(Exception):
    """Another device is at the line in this one's place."""


class OnTheWire(Exchange[T]):
    """A request that has reached the device. Nothing here waits: time is the wire's.

    `late`: by how much the answer comes late; `damaged`: it comes damaged. `what`: the object or
    command asked for. `code`: set by the act where its answer is a no (a proof that is wrong).
    """

    __slots__ = ("code", "damaged", "late", "what")

    def __init__(
        self, channel: Channel, operation: str, act: Callable[[], T], what: str = ""
    ) -> None:
        super().__init__(channel, operation, act, 0, None)
        self.late: Micros = 0
        self.damaged = False
        self.what = what
        self.code = ""

    def reach(self) -> None:
        """It has."""

    def carry_out(self) -> T:
        return self.act()

    def carry_out_late(self, delay: Micros) -> T:
        self.late = delay
        return self.act()

    def carry_out_unheard(self) -> None:
        self.act()

    def pass_time(self) -> None:
        """The wire takes it."""

    def refused(self, code: str) -> PeerError:
        raise Rejected(code)

    def unanswered(self) -> PeerError:
        return (Ambiguous if self.changes else NoReply)(self.channel.name, self.operation)

    def garbled(self) -> PeerError:
        self.damaged = True
        return NoReply(self.channel.name, self.operation)

    def suffer(self) -> T | None:
        """Acts, or does what the fault makes of it. None: acknowledged and not done.

        Raises `Rejected`, `NoAnswer`, `NotAuthentic` or `AnotherDevice`. A damaged answer is one
        to be sent all the same: `damaged` is set and the device has acted.
        """
        try:
            answer = self._suffer()
        except WentSilent:
            self._tell(Answer.NONE)
            raise NoAnswer from None
        except Rejected as no:
            self._tell(Answer.REFUSED, no.code)
            raise
        except NotAuthentic:
            self._tell(Answer.REFUSED, "not-authentic")
            raise
        except (NoAnswer, AnotherDevice):
            self._tell(Answer.NONE)
            raise
        said = Answer.REFUSED if self.code else Answer.DONE
        self._tell(Answer.NONE if self.damaged else said, self.code)
        return answer

    def refuse(self, code: str) -> None:
        """The device answers no in its own way, past `Rejected`."""
        self._tell(Answer.REFUSED, code)

    def _tell(self, answer: Answer, code: str = "") -> None:
        if self.channel.witness is not None:
            self.channel.witness(self.operation, self.what, self.late, answer, code)

    def _suffer(self) -> T | None:
        fate = None
        for interceptor in self.channel.interceptors:
            fate = interceptor.see(self, hit=fate is not None) or fate
        if fate is None:
            return self.act()
        try:
            answer: T | None = fate(self)
        except AuthenticationFailed:
            raise NotAuthentic from None
        except WrongDevice:
            raise AnotherDevice from None
        except PeerError:
            if self.damaged:
                return None
            raise NoAnswer from None
        return answer
