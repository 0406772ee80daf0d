"""The modem of an emulated hub: AT commands over the state of its WAN link."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from bench.clock import Clock
from bench.units import Micros
from drivers.codecs.at_modem import AtCommand, AtServer, MessageArrived, Unknown
from emulators.models.comms_hub import CommsHub

Send = Callable[[bytes], None]

_HOME: Final = 1  # TS 27.007: registered, home network
_SEARCHING: Final = 2
_OFF: Final = 0
_GOOD_SIGNAL: Final = 17
_UNKNOWN: Final = 99


class HubModemDevice:
    """Registered and attached while the hub's WAN is connected; dormant it is not registered.

    A wake-up SMS that arrives is announced with `+CMTI:`.
    """

    def __init__(self, hub: CommsHub, reaction: Micros, clock: Clock, send: Send) -> None:
        self._hub = hub
        self._reaction = reaction
        self._clock = clock
        self._send = send
        self._server = AtServer()
        self._pending: deque[AtCommand | Unknown] = deque()
        hub.watchers.append(self._announce)

    def receive(self, data: bytes, at: Micros) -> None:
        if not self._hub.up:
            return
        heard, echo = self._server.receive(data)
        if echo:
            self._send(echo)
        for command in heard:
            self._pending.append(command)
            self._clock.call_at(at + self._reaction, self._act)

    def _act(self) -> None:
        command = self._pending.popleft()
        if not self._hub.up:
            return
        if isinstance(command, Unknown):
            self._send(self._server.refuse())
            return
        self._send(self._server.answer(command, *self._numbers(command)))

    def _numbers(self, command: AtCommand) -> tuple[int, ...]:
        wan = self._hub.wan
        match command:
            case AtCommand.SIGNAL_QUALITY:
                return (_GOOD_SIGNAL if wan.available else _UNKNOWN, _UNKNOWN)
            case AtCommand.REGISTRATION:
                dormant = _OFF if wan.dormant else _SEARCHING
                return (0, _HOME if wan.connected else dormant)
            case AtCommand.ATTACHED:
                return (int(wan.connected),)
            case _:
                return ()

    def _announce(self, event: str, details: Mapping[str, str]) -> None:
        if event == "message":
            self._send(self._server.notify(MessageArrived("SM", int(details["count"]))))
