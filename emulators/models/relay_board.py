"""The relay board: one contact per channel, each in the mains of some devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.clock import Clock
from bench.units import Micros
from emulators.models.device import EmulatedDevice
from emulators.models.kept import KeptBoard
from emulators.models.rejection import Rejected


class RelayBoard:
    """Channels count from 1 and begin closed: the devices behind them run.

    A stuck contact stays where it is, whatever the coil is told; the coil takes the command.
    `switched` holds every movement of a contact: (moment, channel, closed); `executed` counts the
    commands that a coil took.
    """

    __slots__ = ("_closed", "_fed", "_stuck", "clock", "coils", "executed", "switched")

    def __init__(
        self,
        clock: Clock,
        channels: int,
        feeds: Mapping[int, Sequence[EmulatedDevice]] | None = None,
    ) -> None:
        self.clock = clock
        self._fed = {channel: tuple(devices) for channel, devices in (feeds or {}).items()}
        beyond = [channel for channel in self._fed if not 1 <= channel <= channels]
        if beyond:
            raise ValueError(f"channel {beyond[0]}: the board has channels 1 to {channels}")
        self._closed = [True] * channels
        self._stuck: set[int] = set()
        self.coils = [True] * channels
        self.switched: list[tuple[Micros, int, bool]] = []
        self.executed = 0

    @property
    def channels(self) -> int:
        return len(self._closed)

    def fed_by(self, channel: int) -> tuple[EmulatedDevice, ...]:
        return self._fed.get(channel, ())

    def set_channel(self, channel: int, *, closed: bool) -> None:
        """Tells the coil; the contact follows unless it is stuck."""
        self._known(channel)
        self.coils[channel - 1] = closed
        self.executed += 1
        self._follow(channel)

    def channel_closed(self, channel: int) -> bool:
        """Where the contact is."""
        self._known(channel)
        return self._closed[channel - 1]

    def kept(self) -> KeptBoard:
        return KeptBoard(tuple(self.coils), tuple(self._closed), self.executed)

    def recall(self, kept: KeptBoard) -> None:
        """Whether the devices behind it have power is in their own state. ValueError: another
        number of channels.
        """
        if not len(kept.coils) == len(kept.closed) == self.channels:
            raise ValueError(f"relay-board: expected {self.channels} channels")
        self.coils, self._closed = list(kept.coils), list(kept.closed)
        self.executed = kept.executed

    def stick(self, channel: int) -> None:
        """A defect: the contact welds, or its spring breaks."""
        self._known(channel)
        self._stuck.add(channel)

    def free(self, channel: int) -> None:
        """The contact moves again, at once to where its coil wants it."""
        self._stuck.discard(channel)
        self._follow(channel)

    def _known(self, channel: int) -> None:
        if not 1 <= channel <= self.channels:
            raise Rejected("unknown-channel", f"channel {channel} of {self.channels}")

    def _follow(self, channel: int) -> None:
        closed = self.coils[channel - 1]
        if channel in self._stuck or self._closed[channel - 1] is closed:
            return
        self._closed[channel - 1] = closed
        self.switched.append((self.clock.now(), channel, closed))
        for device in self.fed_by(channel):
            if closed:
                device.restore_power()
            else:
                device.cut_power()
