"""Bench kit through its interface, without bytes: the `direct:` host of relay board and meter."""

from __future__ import annotations

from bench.devices import Measurement
from bench.errors import KitFault, RelayStuck
from bench.units import Micros
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.rejection import Rejected
from emulators.models.relay_board import RelayBoard


class DirectRelayBoard:
    """`bench.devices.PowerSwitch` over a model; an answer takes `reaction`."""

    __slots__ = ("_board", "_name", "_reaction")

    def __init__(self, name: str, board: RelayBoard, reaction: Micros) -> None:
        self._name = name
        self._board = board
        self._reaction = reaction

    def set_channel(self, channel: int, *, closed: bool) -> None:
        self._pass_time()
        try:
            self._board.set_channel(channel, closed=closed)
        except Rejected as no:
            raise KitFault(f"{self._name}: set_channel: {no}") from None
        if self.channel_closed(channel) is not closed:
            wanted, is_ = ("closed", "open") if closed else ("open", "closed")
            raise RelayStuck(
                f"{self._name}: channel {channel} was told to be {wanted} and reads back {is_}"
            )

    def channel_closed(self, channel: int) -> bool:
        self._pass_time()
        try:
            return self._board.channel_closed(channel)
        except Rejected as no:
            raise KitFault(f"{self._name}: channel_closed: {no}") from None

    def _pass_time(self) -> None:
        clock = self._board.clock
        clock.sleep_until(clock.now() + self._reaction)


class DirectReferenceMeter:
    """`bench.devices.ReferenceMeter` over a model; an answer takes `reaction`."""

    __slots__ = ("_meter", "_reaction")

    def __init__(self, meter: ReferenceMeter, reaction: Micros) -> None:
        self._meter = meter
        self._reaction = reaction

    def measure(self) -> Measurement:
        clock = self._meter.clock
        clock.sleep_until(clock.now() + self._reaction)
        return self._meter.measure()
