"""The truth about a device nobody can look into: what it proves and what it reads back.

A key is known by positive proof alone. The supply, the registers and the balance are compared
between two readings; what happened between them nobody saw. What cannot be read is `Unknown`, and
an expectation about it is inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar, cast

from bench.devices import METERS, Device, KeySlot, Meter, Payment, PaymentMode, Role, SupplyState
from bench.emulation import DeviceTruth, KeyTruth, Unknown
from bench.errors import BenchError, PeerError
from bench.secret import Secret
from bench.units import Micros

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a meter said; None: it did not say."""

    supply: SupplyState | None
    payment: Payment | None
    registers: Mapping[str, Decimal] | None


@dataclass(slots=True)
class ReadingBack:
    """One device, read at the beginning of a scenario and at its end.

    `first`: when and what was read first. It is kept with the run, and given back when that is
    taken up again. `denied`: how many keys the meter said no to since it last proved one.
    """

    role: Role
    device: Device
    now: Callable[[], Micros]
    first: tuple[Micros, _Reading] | None = field(default=None, init=False)
    denied: int = field(default=0, init=False)

    def recall(self, first: object) -> None:
        """What was read first, maybe by another process."""
        self.first = cast("tuple[Micros, _Reading] | None", first)

    def truth(self, keys: Iterable[Secret]) -> DeviceTruth:
        """What can be known now, the first reading being what later ones are compared with.

        `keys` are tried in this order until one is proven; a wrong one may count towards the
        device's lockout.
        """
        if self.role not in METERS:
            return DeviceTruth(keys={})
        meter = cast(Meter, self.device)
        held = self._proven(meter, keys)
        read = _Reading(
            _answer(meter.supply_state),
            _answer(meter.read_payment),
            _answer(lambda: dict(meter.read_registers().values)),
        )
        if self.first is None:
            self.first = self.now(), read
        since, first = self.first
        unknown: set[Unknown] = set()
        if held is None:
            unknown.add(Unknown.KEYS)
        went_off = first.supply is SupplyState.ON and read.supply is not SupplyState.ON
        if first.supply is None or read.supply is None:
            went_off = False
            unknown.add(Unknown.SUPPLY)
        fell = False
        if first.registers is None or read.registers is None:
            unknown.add(Unknown.REGISTERS)
        else:
            fell = any(read.registers.get(name, was) < was for name, was in first.registers.items())
        lost = False
        if first.payment is None or read.payment is None:
            unknown.add(Unknown.BALANCE)
        elif first.payment.mode is PaymentMode.PREPAYMENT:
            lost = read.payment.balance > first.payment.balance
            if read.payment.balance < first.payment.balance:
                unknown.add(Unknown.BALANCE)  # by consumption, or not: nobody measured it
        return DeviceTruth(
            keys={} if held is None else {KeySlot.SUA: held},
            supply=read.supply,
            outages=((since, None),) if went_off else (),
            registers_fell=fell,
            balance=read.payment.balance if read.payment is not None else None,
            balance_lost=lost,
            unknown=frozenset(unknown),
        )

    def _proven(self, meter: Meter, keys: Iterable[Secret]) -> KeyTruth | None:
        """The key the meter proves that it holds; None: none of them, or it does not answer."""
        for key in keys:
            proven = _answer(lambda key=key: meter.prove_key(KeySlot.SUA, key))  # type: ignore[misc]
            if proven is None:
                return None
            if proven:
                self.denied = 0
                state = _answer(lambda: meter.key_state(KeySlot.SUA))
                return KeyTruth(0 if state is None else state.version, key.check_value)
            self.denied += 1
        return None


def _answer(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except (PeerError, BenchError):
        return None
