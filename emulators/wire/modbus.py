"""Bench kit on a Modbus RTU line: one or several units on the same port, over the models."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

from bench.clock import Appointment, Clock
from bench.units import MILLISECOND, Micros
from drivers.codecs.modbus_messages import (
    Asked,
    ExceptionCode,
    ReadBits,
    ReadRegisters,
    Request,
    Unanswerable,
    WriteBit,
    WriteBits,
)
from drivers.codecs.modbus_rtu import ModbusServer
from drivers.profiles.modbus import Quantity, Table
from drivers.profiles.modbus_values import encoded
from drivers.profiles.parts import reference_part, relay_part
from drivers.profiles.profile import Profile
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.relay_board import RelayBoard

SILENCE: Final = 20 * MILLISECOND
"""What parts frames. The specification has 3.5 characters (4 ms at 9600 baud), which no operating
system keeps to between two reads; a frame that is whole is answered without waiting for it."""


class NotHere(Exception):
    """The unit has nothing there, or does not do that. `code` is what it answers."""

    def __init__(self, code: ExceptionCode) -> None:
        self.code = code
        super().__init__(code.name)


class Unit(Protocol):
    """One device on the line. `act` raises `NotHere`."""

    @property
    def number(self) -> int: ...

    @property
    def reaction(self) -> Micros: ...

    def act(self, request: Request) -> Sequence[bool] | Sequence[int]:
        """What a read is answered with; nothing for a write."""


class Send(Protocol):
    """`emulators.wire.wire_end.WireEnd.send`."""

    def __call__(self, data: bytes, since: Micros | None = None) -> None: ...


class ModbusDevices:
    """The line's end: hears requests, lets their unit react, answers one after the other."""

    def __init__(self, units: Sequence[Unit], clock: Clock, send: Send) -> None:
        self._units: Mapping[int, Unit] = {unit.number: unit for unit in units}
        self._clock = clock
        self._send = send
        self._server = ModbusServer(self._units)
        self._pending: deque[Asked | Unanswerable] = deque()
        self._gap: Appointment | None = None
        self._due: Micros = 0  # when the next answer's reaction time is over

    def receive(self, data: bytes, at: Micros) -> None:
        if self._gap is not None:
            self._gap.cancel()
        self._take(self._server.feed(data), at)
        self._gap = self._clock.call_at(at + SILENCE, self._fell_silent)

    def _fell_silent(self) -> None:
        self._gap = None
        self._take(self._server.gap(), self._clock.now())

    def _take(self, asked: Sequence[Asked | Unanswerable], at: Micros) -> None:
        idle = not self._pending
        self._pending += asked
        if idle and self._pending:
            self._answer_later(at)

    def _answer_later(self, at: Micros) -> None:
        self._due = at + self._reaction()
        self._clock.call_at(self._due, self._answer)

    def _reaction(self) -> Micros:
        return self._units[self._pending[0].unit].reaction

    def _answer(self) -> None:
        asked = self._pending.popleft()
        self._send(self._said(asked), self._due)
        if self._pending:
            self._answer_later(self._clock.now())

    def _said(self, asked: Asked | Unanswerable) -> bytes:
        if isinstance(asked, Unanswerable):
            return self._server.refuse(asked, asked.code)
        try:
            return self._server.answer(asked, self._units[asked.unit].act(asked.request))
        except NotHere as no:
            return self._server.refuse(asked, no.code)


class RelayBoardUnit:
    """Coils are commands, discrete inputs the contacts; both count from the profile's first."""

    def __init__(self, board: RelayBoard, profile: Profile) -> None:
        modbus, self._map = relay_part(profile)
        self._board = board
        self.number = modbus.unit
        self.reaction: Micros = profile.timing.reaction

    def act(self, request: Request) -> Sequence[bool] | Sequence[int]:
        board, sense = self._board, self._map.closed_when
        match request:
            case ReadBits(address, count, inputs):
                channels = self._channels(
                    address, count, self._map.first_input if inputs else self._map.first_coil
                )
                if inputs:
                    return [board.channel_closed(channel) for channel in channels]
                return [board.coils[channel - 1] is sense for channel in channels]
            case WriteBit(address, value):
                self._command(address, (value,))
            case WriteBits(address, values):
                self._command(address, values)
            case _:
                raise NotHere(ExceptionCode.ILLEGAL_FUNCTION)
        return ()

    def _command(self, address: int, values: Sequence[bool]) -> None:
        channels = self._channels(address, len(values), self._map.first_coil)
        for channel, value in zip(channels, values, strict=True):
            self._board.set_channel(channel, closed=value is self._map.closed_when)

    def _channels(self, address: int, count: int, first: int) -> range:
        if not first <= address <= address + count <= first + self._board.channels:
            raise NotHere(ExceptionCode.ILLEGAL_ADDRESS)
        return range(address - first + 1, address - first + 1 + count)


class ReferenceMeterUnit:
    """Registers as the profile maps them, all of the moment the request is acted on."""

    def __init__(self, meter: ReferenceMeter, profile: Profile) -> None:
        modbus, self._map = reference_part(profile)
        self._meter = meter
        self.number = modbus.unit
        self.reaction: Micros = profile.timing.reaction

    def act(self, request: Request) -> Sequence[bool] | Sequence[int]:
        if not isinstance(request, ReadRegisters):
            raise NotHere(ExceptionCode.ILLEGAL_FUNCTION)
        held = self._registers(Table.INPUT if request.inputs else Table.HOLDING)
        try:
            return [held[request.address + offset] for offset in range(request.count)]
        except KeyError:
            raise NotHere(ExceptionCode.ILLEGAL_ADDRESS) from None

    def _registers(self, table: Table) -> Mapping[int, int]:
        measured, map_ = self._meter.measure(), self._map
        held: dict[int, int] = {}
        for quantity, value in (
            (map_.voltage, measured.voltage_v),
            (map_.power, measured.power_w),
            (map_.energy, measured.energy_kwh),
        ):
            if quantity.table is table:
                held |= enumerate(self._encoded(quantity, value), quantity.address)
        return held

    def _encoded(self, quantity: Quantity, value: Decimal) -> tuple[int, ...]:
        try:
            return encoded(quantity, value)
        except ValueError:  # the profile's form is too small for what is measured
            raise NotHere(ExceptionCode.DEVICE_FAILURE) from None
