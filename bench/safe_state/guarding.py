"""Kit whose dangerous acts register their undo first."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.devices import CommsHub, PowerSwitch
from bench.safe_state.keeping import SafeState
from bench.safe_state.undo import CloseJoining, SetRelay


class GuardedPowerSwitch:
    """A `PowerSwitch` whose channels are returned to where they were found."""

    def __init__(self, board: PowerSwitch, port: str, profile: str, state: SafeState) -> None:
        self._board = board
        self._port = port
        self._profile = profile
        self._state = state
        self._found: dict[int, SetRelay] = {}

    def set_channel(self, channel: int, *, closed: bool) -> None:
        undo = self._found.get(channel)
        if undo is None:
            was = self._board.channel_closed(channel)
            if was is closed:
                self._board.set_channel(channel, closed=closed)
                return
            undo = SetRelay(self._port, self._profile, channel, was)
            back = partial(self._board.set_channel, channel, closed=was)
            self._state.register(undo, back)
            self._found[channel] = undo
        self._board.set_channel(channel, closed=closed)
        if closed is undo.closed:
            self._state.settled(self._found.pop(channel))

    def note_put_back(self, channel: int) -> None:
        """That it is on again at the end is noted in the run's folder."""
        self._state.note(SetRelay(self._port, self._profile, channel, True))

    def channel_closed(self, channel: int) -> bool:
        return self._board.channel_closed(channel)


class GuardedHub:
    """A `CommsHub` that is closed for joining in the end."""

    def __init__(
        self, hub: CommsHub, name: str, eui64: str, port: str, profile: str, state: SafeState
    ) -> None:
        self._hub = hub
        self._undo = CloseJoining(port, profile, name, eui64)
        self._state = state

    def permit_join(self, seconds: int) -> None:
        if seconds:
            self._state.settled(self._undo)
            self._state.register(self._undo, lambda: self._hub.permit_join(0))
        self._hub.permit_join(seconds)
        if not seconds:
            self._state.settled(self._undo)

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._hub, operation)
