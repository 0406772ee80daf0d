"""What is known of a device that nobody can look into: what it proves, what it reads back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

import pytest

from bench.devices import (
    Device,
    KeySlot,
    KeyState,
    Payment,
    PaymentMode,
    RegisterReading,
    Role,
    SupplyState,
)
from bench.emulation import DeviceTruth, Truth, Unknown
from bench.errors import NoReply, PortGone
from bench.expectations import key_held, unknowable
from bench.order import Order
from bench.parties import Holder
from bench.reading_back import ReadingBack
from bench.runner import run_prepared
from bench.scenario.ran import Ran
from bench.secret import Secret
from bench.shipped import find
from bench.suite import Expectation, KeyHeld, Outcome
from bench.suite_reading import read_suite

CREDIT = Payment(PaymentMode.CREDIT, Decimal(0))
OLD, NEW, OTHER = (Secret(bytes([n] * 16), name) for n, name in enumerate(("old", "new", "other")))


@dataclass
class Meter:
    """Answers as it is told; an exception is raised in place of an answer."""

    holds: Secret = OLD
    supply: Any = SupplyState.ON
    payment: Any = CREDIT
    registers: Any = Decimal("10.000")
    proof: Any = None
    tried: list[str] = field(default_factory=list)

    def supply_state(self) -> SupplyState:
        return cast(SupplyState, _told(self.supply))

    def read_payment(self) -> Payment:
        return cast(Payment, _told(self.payment))

    def read_registers(self) -> RegisterReading:
        return RegisterReading((("import", _told(self.registers)),), "kWh", 0, 0)

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        self.tried.append(key.label)
        _told(self.proof)
        return key.matches(self.holds)

    def key_state(self, slot: KeySlot) -> KeyState:
        return KeyState(slot, 7, "000000", 0)


def _told(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def reading(meter: Meter) -> ReadingBack:
    return ReadingBack(Role.ELECTRICITY_METER, cast(Device, meter), lambda: 5)


def test_a_key_is_known_by_positive_proof_alone() -> None:
    meter = Meter(holds=OLD)
    truth = reading(meter).truth([NEW, OLD, OTHER])
    assert meter.tried == ["new", "old"], "no more wrong keys than needed"
    assert truth.keys[KeySlot.SUA].check_value == OLD.check_value
    assert truth.unknown == frozenset()


@pytest.mark.parametrize("proof", [NoReply("e", "prove_key"), PortGone("gone")])
def test_without_an_answer_no_further_key_is_tried(proof: Exception) -> None:
    meter = Meter(proof=proof)
    truth = reading(meter).truth([NEW, OLD])
    assert meter.tried == ["new"]
    assert (truth.keys, truth.unknown) == ({}, {Unknown.KEYS})


def test_neither_key_proven_is_unknown() -> None:
    assert reading(Meter(holds=OTHER)).truth([NEW, OLD]).unknown == {Unknown.KEYS}


SILENT = NoReply("e", "read")
PREPAID = Payment(PaymentMode.PREPAYMENT, Decimal("5.00"))
CHANGES: list[tuple[dict[str, Any], dict[str, Any], set[str], set[Unknown]]] = [
    ({}, {}, set(), set()),
    ({}, {"supply": SupplyState.OFF}, {"outage"}, set()),
    ({"supply": SupplyState.OFF}, {"supply": SupplyState.OFF}, set(), set()),
    ({"supply": SILENT}, {"supply": SupplyState.OFF}, set(), {Unknown.SUPPLY}),
    ({}, {"supply": SILENT}, set(), {Unknown.SUPPLY}),
    ({}, {"registers": Decimal("9.999")}, {"fell"}, set()),
    ({}, {"registers": Decimal("10.001")}, set(), set()),
    ({}, {"registers": SILENT}, set(), {Unknown.REGISTERS}),
    ({}, {"payment": SILENT}, set(), {Unknown.BALANCE}),
    ({"payment": PREPAID}, {"payment": PREPAID}, set(), set()),
    ({"payment": PREPAID}, {"payment": replace(PREPAID, balance=Decimal(6))}, {"balance"}, set()),
    (
        {"payment": PREPAID},
        {"payment": replace(PREPAID, balance=Decimal(4))},
        set(),
        {Unknown.BALANCE},
    ),
]


@pytest.mark.parametrize(("at_first", "then", "broken", "unknown"), CHANGES)
def test_the_last_reading_is_compared_with_the_first(
    at_first: dict[str, Any], then: dict[str, Any], broken: set[str], unknown: set[Unknown]
) -> None:
    meter = Meter(**at_first)
    back = reading(meter)
    back.truth([OLD])
    for name, answer in then.items():
        setattr(meter, name, answer)
    truth = back.truth([OLD])
    found = {"outage": truth.outages, "fell": truth.registers_fell, "balance": truth.balance_lost}
    assert {name for name, is_so in found.items() if is_so} == broken
    assert truth.unknown == unknown


def test_what_nobody_can_know_is_inconclusive_and_never_passes() -> None:
    _, (prepared,) = read_suite(find("suites", "commissioning"), only=("da-commissioned",))
    assert run_prepared(Order(find("suites", "commissioning"), "", 1), prepared).verdict == "pass"
    expect = Expectation(Outcome.COMMISSIONED, keys={"electricity": KeyHeld.NEW})
    scenario = replace(prepared.scenario, expect=expect)
    unread = DeviceTruth(keys={}, unknown=frozenset({Unknown.KEYS, Unknown.REGISTERS}))
    truth = Truth(Holder.DCC, chf_updated=True, devices={"electricity": unread})
    ran = Ran(replace(prepared, scenario=scenario), 0, {}, truth, after=truth)
    assert key_held(unread, unread) is None
    assert unknowable(ran, {}) == [
        "SUA key held by electricity: expected new, no key is proven",
        "electricity: expected its registers never to fall, its registers could not be read back",
    ]
