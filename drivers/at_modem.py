"""The modem of a communications hub, on a port of its own: whether the WAN is there.

An AT answer does not say which question it answers either; the same rule as on a console holds:
after anything but a whole answer the line is kept silent longer than the slowest answer.
"""

from __future__ import annotations

from typing import Final

from bench.errors import Garbled, NoReply, PortGone, Refused
from bench.units import Micros
from drivers.codecs.at_modem import UNSOLICITED, AtClient, AtCommand, Done, Malformed
from drivers.codecs.at_modem import Refused as Declined
from drivers.transport.pipe import Transport, quiet
from drivers.transport.unsolicited import LineClassifier, Unsolicited, UnsolicitedQueue

_REGISTERED: Final = (1, 5)
"""`+CREG` (3GPP TS 27.007, 7.2): 1 in the home network, 5 roaming."""


class HubModem:
    """`name` is the hub's on the station, for errors."""

    def __init__(
        self, name: str, transport: Transport, *, reply_timeout: Micros, settle: Micros
    ) -> None:
        """`settle`: longer than the slowest answer."""
        self.name = name
        self._reply_timeout = reply_timeout
        self._settle = settle
        starts = tuple(start.encode("ascii") for start in UNSOLICITED)
        self._transport = UnsolicitedQueue(transport, LineClassifier(starts))
        self._client = AtClient()
        self._disturbed = False
        self._gone = False

    def connected(self, operation: str = "wan_state") -> bool:
        """Registered with a network and attached to its packet service."""
        registered = self._ask(operation, AtCommand.REGISTRATION)[1] in _REGISTERED
        return registered and self._ask(operation, AtCommand.ATTACHED)[0] == 1

    def signal_quality(self) -> int | None:
        """0 (-113 dBm or less) to 31 (-51 dBm or more), as `+CSQ` has it; None: not known."""
        strength = self._ask("signal_quality", AtCommand.SIGNAL_QUALITY)[0]
        return strength if strength <= 31 else None

    def unsolicited(self, deadline: Micros) -> Unsolicited | None:
        """The oldest RING or message indication not yet taken, or None at `deadline`."""
        return self._transport.unsolicited(deadline)

    def close(self) -> None:
        self._transport.close()

    def _ask(self, operation: str, command: AtCommand) -> tuple[int, ...]:
        transport, clock = self._transport, self._transport.clock
        try:
            if self._gone:
                transport.reopen(clock.now() + self._reply_timeout)
                self._gone = False
            elif self._disturbed and not quiet(
                transport, self._settle, clock.now() + self._settle + self._reply_timeout
            ):
                raise NoReply(self.name, operation, "not asked: the modem does not fall silent")
            self._disturbed = True
            transport.discard_input()
            deadline = clock.now() + self._reply_timeout
            transport.write(self._client.ask(command))
            return self._answer(operation, deadline)
        except PortGone:
            self._gone = True
            raise
        finally:
            self._client.abandon()

    def _answer(self, operation: str, deadline: Micros) -> tuple[int, ...]:
        answered = False
        while data := self._transport.read(deadline):
            answered = True
            for event in self._client.receive(data):
                match event:
                    case Done():
                        self._disturbed = False
                        return event.numbers
                    case Declined():
                        self._disturbed = False
                        code = "modem-error" if event.code is None else f"cme-{event.code}"
                        raise Refused(self.name, operation, "the modem", code=code)
                    case Malformed():
                        raise Garbled(self.name, operation, f"the modem: {event.detail}")
                    case _:
                        pass  # +CREG: unasked; the next question will tell
        if answered:
            raise Garbled(self.name, operation, "the modem's answer was cut off")
        raise NoReply(self.name, operation, "the modem")
