"""Numbers in Modbus registers, both ways, as a profile's `Quantity` says."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from drivers.profiles.modbus import NumberForm, Quantity, WordOrder

_WHOLE: Final = {
    NumberForm.U16: ">H",
    NumberForm.I16: ">h",
    NumberForm.U32: ">I",
    NumberForm.I32: ">i",
}


def decoded(quantity: Quantity, words: Sequence[int]) -> Decimal:
    """ValueError: not a number (`f32` only)."""
    octets = struct.pack(f">{len(words)}H", *_ordered(quantity, words))
    if quantity.form is not NumberForm.F32:
        (whole,) = struct.unpack(_WHOLE[quantity.form], octets)
        return Decimal(whole).scaleb(quantity.scale)
    held = Decimal(struct.unpack(">f", octets)[0])
    if not held.is_finite():
        raise ValueError(f"expected a number, got {held}")
    return held.scaleb(quantity.scale).quantize(Decimal(1).scaleb(-quantity.decimals))


def encoded(quantity: Quantity, value: Decimal) -> tuple[int, ...]:
    """ValueError: it does not fit. Rounded to what the form holds."""
    held = value.scaleb(-quantity.scale)
    try:
        if quantity.form is NumberForm.F32:
            octets = struct.pack(">f", held)
        else:
            octets = struct.pack(_WHOLE[quantity.form], int(held.to_integral_value()))
    except (struct.error, OverflowError):
        raise ValueError(f"{value} does not fit into {quantity.form}") from None
    words = struct.unpack(f">{quantity.form.registers}H", octets)
    return tuple(_ordered(quantity, words))


def _ordered(quantity: Quantity, words: Sequence[int]) -> Sequence[int]:
    return words if quantity.order is WordOrder.HIGH_FIRST else words[::-1]
