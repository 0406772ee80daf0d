"""Requests whose fates a script decides, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.emulation import HELD, FaultSpec, Moment, Script
from emulators.exchange import Exchange
from emulators.faults import FAULTS
from emulators.faults.registry import ASKED_PARTIES, Fault


class ScriptedRequests:
    """Lies in wait on every channel of an installation.

    A held request has reached its peer's door: it is taken up when the script lets it through, or
    never if the peer is not there then. Its caller waits in vain. A fault that cannot happen to a
    request leaves it alone.
    """

    __slots__ = ("_held", "_script")

    def __init__(self, script: Script) -> None:
        self._script = script
        self._held: list[Callable[[], None] | None] = []

    def see(self, exchange: Exchange[Any], *, hit: bool) -> Callable[[Exchange[Any]], Any] | None:
        fate = self._script.fate(exchange.channel.name, exchange.operation)
        for number in fate.let_through:
            self._let_through(number)
        if not fate.fault:
            return None
        if fate.fault == HELD:
            return self._hold
        fault = FAULTS[fate.fault]
        suffer = fault.fate
        assert suffer is not None, f"{fate.fault} is no request fault"
        if not _possible(fault, exchange):
            return None
        moment = Moment(request=exchange.operation)
        spec = FaultSpec(fate.fault, exchange.channel.name, moment, fate.lasts)
        return lambda exchange: suffer(exchange, spec)

    def let_all_through(self) -> None:
        for number in range(len(self._held)):
            self._let_through(number)

    def _hold(self, exchange: Exchange[Any]) -> Any:
        place = len(self._held)
        self._held.append(None)
        exchange.reach()
        self._held[place] = exchange.act_unheard
        raise exchange.unanswered()

    def _let_through(self, number: int) -> None:
        held, self._held[number] = self._held[number], None
        if held is not None:
            held()


def _possible(fault: Fault, exchange: Exchange[Any]) -> bool:
    name = exchange.channel.name
    if name in ASKED_PARTIES and name not in fault.parties:
        return False
    return exchange.changes or not fault.changing_only
