"""What a meter keeps of the consumer's payments.

For prepayment the balance falls with consumption at one flat price and may go below zero
(emergency credit); the bench's meters do not disconnect for it, and nobody tops up. Balance and
mode outlive key rotation and reboots.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Final

from bench.devices import Payment, PaymentMode
from bench.units import Micros
from emulators.models.kept import KeptPayment

_PENNY: Final = Decimal("0.01")
_ZERO: Final = Decimal("0.00")


class PaymentAccount:
    """`price`: pounds for one step of the meter's register. The register is the caller's."""

    __slots__ = ("_balance", "_from_steps", "_mode", "_price", "lost", "lost_at")

    def __init__(self, mode: PaymentMode, balance: Decimal, price: Decimal, steps: int) -> None:
        self._mode = mode
        self._balance = balance
        self._price = price
        self._from_steps = steps
        self.lost = False
        self.lost_at: Micros | None = None

    def read(self, steps: int) -> Payment:
        return Payment(self._mode, self.balance(steps) or _ZERO)

    def balance(self, steps: int) -> Decimal | None:
        """The balance when the register shows `steps`, down to whole pence; None for credit."""
        if self._mode is PaymentMode.CREDIT:
            return None
        return self._exact(steps).quantize(_PENNY, ROUND_FLOOR)

    def lose(self, steps: int, at: Micros) -> None:
        """The balance is gone: a defect."""
        self.lost, self.lost_at = True, at
        self._balance = Decimal(0)
        self._from_steps = steps

    def kept(self) -> KeptPayment:
        return KeptPayment(str(self._balance), self._from_steps, self.lost)

    def recall(self, kept: KeptPayment) -> None:
        """ValueError: the balance is no amount."""
        try:
            balance = Decimal(kept.balance)
        except InvalidOperation:
            balance = Decimal("NaN")
        if not balance.is_finite():
            raise ValueError("payment: expected a balance in pounds")
        self._balance, self._from_steps, self.lost = balance, kept.from_steps, kept.lost

    def count_from(self, before: int, after: int) -> None:
        """The register jumped; what was used until then stays charged."""
        self._balance = self._exact(before)
        self._from_steps = after

    def _exact(self, steps: int) -> Decimal:
        return self._balance - self._price * (steps - self._from_steps)
