"""The reference meter: an independent witness of what one relay channel feeds."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bench.clock import Clock
from bench.devices import Measurement
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.relay_board import RelayBoard

NOMINAL_VOLTAGE: Final = Decimal("230.0")
_NO_VOLTAGE: Final = Decimal("0.0")


class ReferenceMeter:
    """Sits behind `channel` of the board, before the electricity meter.

    It counts what flows through the meter, not what the meter says: a register that is lost or
    falls changes nothing here. Energy counts from when the emulation began. What it reads is
    rounded to 0.1 V, 0.1 W and 1 Wh.
    """

    __slots__ = ("_board", "_channel", "_meters", "clock", "uncertainty")

    def __init__(self, clock: Clock, board: RelayBoard, channel: int, uncertainty: Decimal) -> None:
        self.clock = clock
        self.uncertainty = uncertainty
        self._board = board
        self._channel = channel
        self._meters = tuple(
            device for device in board.fed_by(channel) if isinstance(device, ElectricityMeter)
        )

    def measure(self) -> Measurement:
        now = self.clock.now()
        closed = self._board.channel_closed(self._channel)
        flows = [meter.register.flow(now) for meter in self._meters]
        power = sum((flow.power_w for flow in flows), Decimal(0))
        energy = sum((flow.since_start_wh for flow in flows), 0)
        return Measurement(
            NOMINAL_VOLTAGE if closed else _NO_VOLTAGE,
            power.quantize(Decimal("0.1")),
            Decimal(energy).scaleb(-3),
            self.uncertainty,
            now,
        )
