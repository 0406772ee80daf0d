"""Arming: from a `FaultSpec` to a fault that strikes at its moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from bench import devices, parties
from bench.clock import Clock
from bench.devices import PaymentMode, Role
from bench.emulation import FaultSpec, Moment
from bench.errors import UsageError
from bench.event_fields import fields_of
from bench.installation import Installation
from bench.parties import Actor
from bench.spelling import did_you_mean
from bench.trace import EVENT_TYPES, Event, Opened, json_name
from bench.units import Micros, format_duration
from emulators.exchange import CHANGING, Channel, Exchange
from emulators.faults import FAULTS
from emulators.faults.registry import ASKED_PARTIES, Fault, Option, Strike
from emulators.models.device import EmulatedDevice
from emulators.parties.desk import Desk

Fate = Callable[[Exchange[Any]], Any]


def _operations(interface: type) -> frozenset[str]:
    return frozenset(name for name in dir(interface) if not name.startswith("_"))


OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    Role.ELECTRICITY_METER: _operations(devices.ElectricityMeter),
    Role.GAS_METER: _operations(devices.GasMeter),
    Role.COMMS_HUB: _operations(devices.CommsHub),
    Role.IHD: _operations(devices.InHomeDisplay),
    Actor.SMSO: _operations(parties.Smso),
    Actor.DSP: _operations(parties.Dsp),
    Actor.MCC: _operations(parties.Mcc),
    Actor.IOC_S1SP: _operations(parties.IocS1sp),
}
"""What can be asked of each role and party."""

_EVENT_FIELDS: Final = frozenset(
    {"event", *(json_name(name) for cls in EVENT_TYPES.values() for name in cls.__slots__)}
    | {"at", "installation", "group", "device", "actor"}
)


class Arming:
    """The faults armed in one installation.

    `after` runs from the first opening, which `observe` learns from the trace. Counting for
    `request` and `on` begins when the fault is armed.
    """

    __slots__ = (
        "_armed",
        "_channels",
        "_clock",
        "_installation",
        "_models",
        "_opened",
        "_seed",
        "_unstruck",
        "_waiting_for_events",
        "_waiting_for_opening",
    )

    def __init__(
        self,
        installation: Installation,
        clock: Clock,
        seed: int,
        models: Mapping[str, EmulatedDevice | Desk],
        channels: Mapping[str, Channel],
        opened: Micros | None,
    ) -> None:
        self._installation = installation
        self._clock = clock
        self._seed = seed
        self._models = models
        self._channels = channels
        self._opened = opened
        self._armed = 0
        self._unstruck: dict[int, FaultSpec] = {}
        self._waiting_for_opening: list[tuple[Micros, Callable[[], None]]] = []
        self._waiting_for_events: list[_EventWatch] = []

    def arm(self, spec: FaultSpec) -> None:
        """Raises `UsageError` with everything that is wrong with `spec`; then nothing is armed."""
        problems = fault_problems(spec, self._installation)
        if problems:
            raise UsageError(problems)
        fault = FAULTS[spec.fault]
        self._armed += 1
        number = self._armed
        self._unstruck[number] = spec

        def struck() -> None:
            self._unstruck.pop(number, None)

        channel = self._channels[spec.target]
        moment = spec.moment
        if fault.fate is not None:
            lurking = _LurkingRequestFault(fault, spec, struck)
            channel.interceptors.append(lurking)
            if moment.request is None:
                self._strike_later(moment, lurking.wake_up)
        else:
            begin = partial(
                self._begin, fault, Strike(spec, f"{self._seed}/{number}/{spec.fault}"), struck
            )
            if moment.request is None:
                self._strike_later(moment, begin)
            else:
                channel.interceptors.append(_LurkingStateFault(moment, begin))

    def observe(self, event: Event) -> None:
        if self._opened is None and isinstance(event, Opened):
            self._opened = event.at
            for after, strike in self._waiting_for_opening:
                self._clock.call_at(event.at + after, strike)
            self._waiting_for_opening.clear()
        if any(watch.may_strike_on(event.kind) for watch in self._waiting_for_events):
            line = fields_of(event)
            self._waiting_for_events = [
                watch for watch in self._waiting_for_events if not watch.strikes_on(line)
            ]

    def _strike_later(self, moment: Moment, strike: Callable[[], None]) -> None:
        if moment.on is not None:
            self._waiting_for_events.append(_EventWatch(moment.on, moment.nth, strike))
            return
        assert moment.after is not None, "the moment was checked"
        if self._opened is None:
            self._waiting_for_opening.append((moment.after, strike))
        else:
            self._clock.call_at(self._opened + moment.after, strike)

    def unstruck(self) -> tuple[FaultSpec, ...]:
        """The faults whose moment has not come, or that found nothing to strike, as armed."""
        return tuple(self._unstruck.values())

    def _begin(self, fault: Fault, strike: Strike, struck: Callable[[], None]) -> None:
        assert fault.begin is not None, "only state faults begin"
        struck()
        undo = fault.begin(self._models[strike.spec.target], strike)
        if undo is not None and strike.spec.lasts is not None:
            self._clock.call_at(self._clock.now() + strike.spec.lasts, undo)


def fault_problems(spec: FaultSpec, installation: Installation) -> list[str]:
    """Everything that is wrong with the use of a fault in this installation, in sentences."""
    fault = FAULTS.get(spec.fault)
    if fault is None:
        near = did_you_mean(spec.fault, FAULTS) or "; smets1-bench list faults names them all"
        problems = [f"no fault is called '{spec.fault}'{near}", *_moment_problems(spec.moment)]
    else:
        problems = [*_option_problems(fault, spec), *_moment_problems(spec.moment)]
    roles: dict[str, str] = {device.name: device.role for device in installation.devices}
    roles |= {party: party for party in ASKED_PARTIES}
    role = roles.get(spec.target)
    if role is None:
        near = did_you_mean(spec.target, roles) or f"; there are {', '.join(roles)}"
        problems.append(f"no target is called '{spec.target}'{near}")
    if fault is None or role is None:
        return problems
    if role not in {*fault.roles, *fault.parties}:
        able = ", ".join(sorted({*fault.roles, *fault.parties}))
        problems.append(f"{spec.fault} cannot happen to '{spec.target}', only to {able}")
    if fault.prepayment_only and installation.payment is not PaymentMode.PREPAYMENT:
        problems.append(f"{spec.fault} needs an installation that pays by prepayment")
    request = spec.moment.request
    if request is not None and request != "*":
        operations = OPERATIONS[role]
        if request not in operations:
            near = did_you_mean(request, operations) or f"; only {', '.join(sorted(operations))}"
            problems.append(f"'{spec.target}' is never asked '{request}'{near}")
        elif fault.changing_only and request not in CHANGING:
            problems.append(f"{request} changes nothing, so there is nothing to leave undone")
    return problems


def _option_problems(fault: Fault, spec: FaultSpec) -> list[str]:
    given = {
        Option.LASTS: spec.lasts is not None,
        Option.TIMES: spec.times != 1,
        Option.CODE: bool(spec.code),
        Option.BY: spec.by is not None,
    }
    problems = [
        f"{fault.name} takes no {option}"
        for option, is_given in given.items()
        if is_given and option not in fault.options
    ]
    if spec.times < 1:
        problems.append(f"times: at least 1, not {spec.times}")
    if spec.lasts is not None and spec.lasts <= 0:
        problems.append(f"lasts: a span above zero, not {format_duration(spec.lasts)}")
    return problems


def _moment_problems(moment: Moment) -> list[str]:
    problems = []
    ways = (moment.after, moment.on, moment.request)
    if sum(way is not None for way in ways) != 1:
        problems.append("expected exactly one of after, when, request as its moment")
    if moment.nth < 1:
        problems.append(f"nth: at least 1, not {moment.nth}")
    if moment.after is not None and moment.after < 0:
        problems.append(f"after: a span from the opening, not {format_duration(moment.after)}")
    for name, value in (moment.on or {}).items():
        if name not in _EVENT_FIELDS:
            problems.append(f"when: no event has a field {name}")
        elif name == "event" and value not in EVENT_TYPES:
            problems.append(f"when: no event is called '{value}'{did_you_mean(value, EVENT_TYPES)}")
    return problems


class _EventWatch:
    """Waits for the `nth` event whose line has all these fields with these values."""

    __slots__ = ("_fields", "_kind", "_left", "_strike")

    def __init__(self, fields: Mapping[str, str], nth: int, strike: Callable[[], None]) -> None:
        self._kind = fields.get("event")
        self._fields = fields.items()
        self._left = nth
        self._strike = strike

    def may_strike_on(self, kind: str) -> bool:
        """Whether it is worth while to look at the line of an event of that kind."""
        return self._kind in (None, kind)

    def strikes_on(self, line: Mapping[str, str]) -> bool:
        if self._fields <= line.items():
            self._left -= 1
            if not self._left:
                self._strike()
        return not self._left


class _LurkingRequestFault:
    """Hits `times` requests from its moment on."""

    __slots__ = (
        "_awake",
        "_changing_only",
        "_fate",
        "_left",
        "_nth",
        "_request",
        "_seen",
        "_spec",
        "_struck",
    )

    def __init__(self, fault: Fault, spec: FaultSpec, struck: Callable[[], None]) -> None:
        assert fault.fate is not None, "only request faults have a fate"
        self._fate = fault.fate
        self._changing_only = fault.changing_only
        self._spec = spec
        self._request = spec.moment.request or "*"
        self._nth = spec.moment.nth if spec.moment.request is not None else 1
        self._awake = spec.moment.request is not None
        self._left = spec.times
        self._seen = 0
        self._struck = struck

    def wake_up(self) -> None:
        self._awake = True

    def see(self, exchange: Exchange[Any], *, hit: bool) -> Fate | None:
        if not self._awake or not self._left or self._request not in ("*", exchange.operation):
            return None
        if self._changing_only and not exchange.changes:
            return None
        self._seen += 1
        if hit or self._seen < self._nth:
            return None
        self._left -= 1
        self._struck()
        return lambda exchange: self._fate(exchange, self._spec)


class _LurkingStateFault:
    """Begins when the `nth` request of its operation is made, before anything comes of it."""

    __slots__ = ("_begin", "_left", "_request")

    def __init__(self, moment: Moment, begin: Callable[[], None]) -> None:
        self._request = moment.request
        self._left = moment.nth
        self._begin = begin

    def see(self, exchange: Exchange[Any], *, hit: bool) -> Fate | None:
        if self._left and self._request in ("*", exchange.operation):
            self._left -= 1
            if not self._left:
                self._begin()
        return None
