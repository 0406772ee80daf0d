"""What a fault is: a function with a name, a sentence about it, and what it can happen to.

The function's name with hyphens is the fault's name, its docstring the description that users
read. A *request* fault decides what becomes of one exchange; a *state* fault changes a model and
may return the function that undoes it, which makes it a fault that can end by itself. A *party*
fault is a state fault of a party.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from inspect import cleandoc
from typing import Any, Final, TypeVar

from bench.devices import Role
from bench.emulation import FaultSpec
from bench.parties import Actor
from emulators.exchange import Exchange
from emulators.models.comms_hub import CommsHub
from emulators.models.device import EmulatedDevice
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.gas_meter import GasMeter
from emulators.models.ihd import InHomeDisplay

MODELS: Final[dict[Role, type[EmulatedDevice]]] = {
    Role.ELECTRICITY_METER: ElectricityMeter,
    Role.GAS_METER: GasMeter,
    Role.COMMS_HUB: CommsHub,
    Role.IHD: InHomeDisplay,
}

ALL_ROLES: Final = frozenset(MODELS)
METERS: Final = frozenset({Role.ELECTRICITY_METER, Role.GAS_METER})

ASKED_PARTIES: Final = frozenset({Actor.SMSO, Actor.DSP, Actor.MCC, Actor.IOC_S1SP})
"""Parties that answer requests; the others only send messages, so no request can fail."""

Undo = Callable[[], None]


class Family(StrEnum):
    """What a fault strikes: messages on their way, what they say, a device, the networks around
    the hub, a party to the process, or the bench itself.
    """

    LINE = "line"
    PROTOCOL = "protocol"
    DEVICE = "device"
    NETWORK = "network"
    PROCESS = "process"
    BENCH = "bench"


class Option(StrEnum):
    """What a use of a fault may say beside target and moment (fields of `FaultSpec`)."""

    LASTS = "lasts"
    TIMES = "times"
    CODE = "code"
    BY = "by"


@dataclass(frozen=True, slots=True)
class Strike:
    """One use of a fault as it strikes. `seed` names the source of what is random in it."""

    spec: FaultSpec
    seed: str

    def random(self) -> random.Random:
        return random.Random(self.seed)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by its name; `roles` and `parties` say to whom it can happen.

    Exactly one of `fate` (a request fault) and `begin` (a state fault) is set. `changing_only`: it
    strikes only requests that change something. `prepayment_only`: without prepayment it would
    have no effect. `leaves_answers`: it changes nothing of whether and how its target answers.
    """

    name: str
    family: Family
    description: str
    roles: frozenset[Role]
    parties: frozenset[Actor]
    options: frozenset[Option]
    fate: Callable[[Exchange[Any], FaultSpec], Any] | None = None
    begin: Callable[[Any, Strike], Undo | None] | None = None
    changing_only: bool = False
    prepayment_only: bool = False
    leaves_answers: bool = False


FAULTS: Final[dict[str, Fault]] = {}
"""Every fault by its name, in the order of the files that define them."""

F = TypeVar("F", bound=Callable[..., Any])


def request_fault(
    family: Family,
    *options: Option,
    roles: frozenset[Role] = ALL_ROLES,
    parties: frozenset[Actor] = ASKED_PARTIES,
    changing_only: bool = False,
) -> Callable[[F], F]:
    """Registers a function of an exchange and its spec, which returns or raises in its place."""

    def register(fate: F) -> F:
        _add(
            fate,
            family,
            roles,
            parties,
            frozenset({Option.TIMES, *options}),
            fate=fate,
            changing_only=changing_only,
        )
        return fate

    return register


def state_fault(
    family: Family,
    roles: frozenset[Role],
    *options: Option,
    prepayment_only: bool = False,
    leaves_answers: bool = False,
) -> Callable[[F], F]:
    """Registers a function of a model and a `Strike` that changes the model."""

    def register(begin: F) -> F:
        _add(
            begin,
            family,
            roles,
            frozenset(),
            frozenset(options),
            begin=begin,
            prepayment_only=prepayment_only,
            leaves_answers=leaves_answers,
        )
        return begin

    return register


def party_fault(parties: frozenset[Actor], *options: Option) -> Callable[[F], F]:
    """Registers a function of an emulated party and a `Strike` that changes what the party does."""

    def register(begin: F) -> F:
        _add(begin, Family.PROCESS, frozenset(), parties, frozenset(options), begin=begin)
        return begin

    return register


def _add(
    function: Callable[..., Any],
    family: Family,
    roles: frozenset[Role],
    parties: frozenset[Actor],
    options: frozenset[Option],
    **kind: Any,
) -> None:
    name = function.__name__.replace("_", "-")
    description = " ".join(cleandoc(function.__doc__ or "").split())
    assert name not in FAULTS, f"two faults are called {name}"
    assert description, f"{name} needs a sentence"
    FAULTS[name] = Fault(name, family, description, roles, parties, options, **kind)
