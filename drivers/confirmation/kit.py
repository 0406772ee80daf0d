"""A Modbus profile against bench kit: reads of what it names. No relay is ever commanded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

from bench.errors import KitFault
from drivers.codecs.modbus_messages import ReadBits
from drivers.confirmation.ledger import Ledger, Path
from drivers.identification.asking import CountedTransport
from drivers.modbus_reference_meter import ModbusReferenceMeter
from drivers.modbus_unit import ModbusUnit, NoSoundAnswer
from drivers.profiles.modbus import ModbusProfile, ReadBack, RelayMap
from drivers.profiles.profile import Profile

_R = TypeVar("_R")
_BOARD: Final[Path] = ("modbus", "relay-board")
_METER: Final[Path] = ("modbus", "reference-meter")
_MAINS: Final = (Decimal(50), Decimal(300))
"""Volts between which a supply is taken to be mains; what is outside is scaled wrongly."""


class KitCheck:
    """One run over one unit."""

    def __init__(
        self,
        profile: Profile,
        modbus: ModbusProfile,
        transport: CountedTransport,
        ledger: Ledger,
    ) -> None:
        self._profile = profile
        self._modbus = modbus
        self._transport = transport
        self._ledger = ledger

    def run(self) -> None:
        """Raises `PortGone`."""
        self._ledger.skip("firmware", detail="bench kit is not asked for it")
        self._ledger.skip("timing", detail="one session does not show the slowest answer")
        self._ledger.skip("role", detail="Modbus kit does not state it")
        if self._modbus.relay_board is not None:
            self._check_board(self._modbus.relay_board)
        else:
            self._check_meter()

    def _check_board(self, board: RelayMap) -> None:
        unit = ModbusUnit("kit", self._modbus.unit, self._profile.timing, self._transport)
        for key in ("closed-when", "travel"):
            self._ledger.skip(*_BOARD, key, detail="would need switching")
        coils = ReadBits(board.first_coil, board.channels)
        states = self._read(lambda: unit.read_bits("read coils", coils), (*_BOARD, "first-coil"))
        if states is None:
            return
        on = sum(states)
        self._ledger.confirm(
            *(*_BOARD, "channels"), detail=f"{board.channels} coils can be read, {on} are on"
        )
        if board.read_back is not ReadBack.INPUTS:
            self._ledger.confirm(*_BOARD, "read-back", detail="coils can be read")
            self._ledger.skip(*_BOARD, "first-input", detail="is not used with coils")
            return
        inputs = ReadBits(board.first_input, board.channels, inputs=True)
        if self._read(lambda: unit.read_bits("read inputs", inputs), (*_BOARD, "first-input")):
            detail = "inputs can be read; which contact each shows needs switching"
            self._ledger.confirm(*_BOARD, "read-back", detail=detail)

    def _check_meter(self) -> None:
        meter = ModbusReferenceMeter("kit", self._profile, self._transport)
        measured = self._read(meter.measure, _METER)
        if measured is None:
            return
        self._ledger.skip(*_METER, "uncertainty", detail="stands in its certificate")
        low, high = _MAINS
        self._ledger.settle(
            low <= measured.voltage_v <= high,
            *(*_METER, "voltage"),
            detail=f"reads {measured.voltage_v} V, expected mains of {low} to {high} V",
        )
        for key, value, unit in (
            ("power", measured.power_w, "W"),
            ("energy", measured.energy_kwh, "kWh"),
        ):
            reads = f"reads {value} {unit}; compare it with the meter's display"
            self._ledger.skip(*_METER, key, detail=reads)
            self._ledger.confirm(*_METER, key, "address", detail="it can be read")
            self._ledger.confirm(*_METER, key, "table", detail="it can be read")

    def _read(self, act: Callable[[], _R], at: Path) -> _R | None:
        try:
            got = act()
        except NoSoundAnswer as error:
            nobody = f"{error}: one of line and unit is wrong, or nobody is there"
            for path in (("line",), ("modbus", "unit")):
                self._ledger.contradict(*path, detail=nobody)
            return None
        except KitFault as error:
            self._reached()
            self._ledger.contradict(*at, detail=str(error))
            return None
        self._reached()
        self._ledger.confirm(*at, detail="it can be read")
        return got

    def _reached(self) -> None:
        detail = f"unit {self._modbus.unit} answers at {self._transport.line}"
        self._ledger.confirm("line", detail=detail)
        self._ledger.confirm("modbus", "unit", detail=detail)
