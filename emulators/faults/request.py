"""Faults of one request: what becomes of it on its way, or at the peer."""

from __future__ import annotations

from typing import TypeVar

from bench.emulation import FaultSpec
from bench.errors import AuthenticationFailed, WrongDevice
from bench.units import DAY
from emulators.exchange import Exchange
from emulators.faults.registry import METERS, Family, Option, request_fault
from emulators.models.device import EmulatedDevice
from emulators.models.meter import Meter

T = TypeVar("T")


@request_fault(Family.LINE)
def request_lost(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The request does not arrive; the caller waits in vain."""
    exchange.reach()
    raise exchange.unanswered()


@request_fault(Family.LINE)
def reply_lost(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The request is carried out; the answer does not arrive."""
    exchange.reach()
    exchange.carry_out_unheard()
    raise exchange.unanswered()


@request_fault(Family.LINE, Option.LASTS)
def reply_late(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The request is carried out; the answer comes later by `lasts`, or after the caller's time-out
    if none is given.
    """
    exchange.reach()
    return exchange.carry_out_late(
        exchange.channel.timeout + 1 if spec.lasts is None else spec.lasts
    )


@request_fault(Family.NETWORK, Option.LASTS)
def request_late(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The request arrives and is carried out only `lasts` later, or a day later if none is given,
    when nobody waits for its answer any more.
    """
    exchange.reach()
    delay = DAY if spec.lasts is None else spec.lasts
    clock = exchange.channel.clock
    clock.call_at(clock.now() + delay, exchange.act_unheard)
    raise exchange.unanswered()


@request_fault(Family.LINE)
def reply_garbled(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The request is carried out; the answer arrives damaged."""
    exchange.reach()
    exchange.carry_out_unheard()
    raise exchange.garbled()


@request_fault(Family.PROTOCOL, Option.CODE)
def refused(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The request is not carried out; the answer is no, with `code`."""
    exchange.reach()
    raise exchange.refused(spec.code or "refused")


@request_fault(Family.PROTOCOL)
def busy(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The request is not carried out; the answer is no, with the code `busy`."""
    exchange.reach()
    raise exchange.refused("busy")


@request_fault(Family.DEVICE, parties=frozenset())
def reboot_before_commit(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The device restarts when it has the request and before it does anything about it."""
    exchange.reach()
    exchange.pass_time()
    _restart(exchange)
    raise exchange.unanswered()


@request_fault(Family.DEVICE, roles=METERS, parties=frozenset(), changing_only=True)
def reboot_between_write_and_commit(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The meter restarts when it has written the change and before the change takes effect: the
    counter of a key command is used up, the key is the old one.
    """
    exchange.reach()
    meter = exchange.channel.listener
    assert isinstance(meter, Meter), "the registry lets only meters be targets"
    _apply_half(exchange, meter)
    meter.restart()
    raise exchange.unanswered()


@request_fault(Family.DEVICE, parties=frozenset())
def reboot_after_commit(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The device carries the request out and restarts before it answers."""
    exchange.reach()
    exchange.carry_out_unheard()
    _restart(exchange)
    raise exchange.unanswered()


@request_fault(Family.PROTOCOL)
def authentication_failed(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The peer does not accept who is asking; the request is not carried out."""
    exchange.reach()
    exchange.pass_time()
    raise AuthenticationFailed(exchange.channel.name, exchange.operation)


@request_fault(Family.PROTOCOL, changing_only=True)
def acknowledged_not_done(exchange: Exchange[T], spec: FaultSpec) -> T | None:
    """The answer is yes, and nothing was done. Strikes only requests that change something."""
    exchange.reach()
    exchange.pass_time()
    return exchange.acknowledgement


@request_fault(Family.DEVICE, roles=METERS, parties=frozenset(), changing_only=True)
def half_applied_configuration(exchange: Exchange[T], spec: FaultSpec) -> T:
    """The meter applies half of a change and reports an internal error: the date without the time
    of day, the counter of a key command without its key.
    """
    exchange.reach()
    meter = exchange.channel.listener
    assert isinstance(meter, Meter), "the registry lets only meters be targets"
    _apply_half(exchange, meter)
    raise exchange.refused("internal-error")


@request_fault(Family.PROTOCOL, parties=frozenset())
def wrong_device(exchange: Exchange[T], spec: FaultSpec) -> T:
    """Another device answers in this one's place; the request is not carried out."""
    exchange.reach()
    exchange.pass_time()
    raise WrongDevice(exchange.channel.name, exchange.operation)


def _apply_half(exchange: Exchange[T], meter: Meter) -> None:
    meter.halved = True
    try:
        exchange.carry_out_unheard()
    finally:
        meter.halved = False


def _restart(exchange: Exchange[T]) -> None:
    device = exchange.channel.listener
    assert isinstance(device, EmulatedDevice), "the registry lets only devices be targets"
    device.restart()
