"""The optical port of a meter: IEC 62056-21 at 300 baud, readout (mode C), hand-over to HDLC
(mode E).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from bench.clock import Appointment
from bench.units import SECOND, Micros
from drivers.codecs.iec62056_21 import Meter, OutOfTurn
from drivers.codecs.iec62056_21_messages import (
    Corrupt,
    Data,
    Identification,
    Kind,
    Message,
    OptionSelect,
    SignOn,
)
from drivers.profiles.dlms import SignOnProfile
from drivers.transport.line import LineSettings, Parity
from emulators.wire.wire_end import WireEnd

_PAUSE: Final = 3 * SECOND
"""Whoever falls silent for longer in the middle of a sign-on has to begin anew. IEC 62056-21 allows
1.5 s; a client's machine may be slow.
"""


class OpticalHead:
    """Sign-on until HDLC is agreed; from then on the octets are the link's. `rest`: the line of a
    meter in HDLC but for its rate.
    """

    def __init__(
        self,
        profile: SignOnProfile,
        end: WireEnd,
        reaction: Micros,
        readout: Callable[[], bytes],
        rest: LineSettings,
    ) -> None:
        self._profile = profile
        self._end = end
        self._reaction = reaction
        self._readout = readout
        self._rest = rest
        self._codec = Meter()
        self._change: Appointment | None = None
        self._answer: Appointment | None = None
        self._heard_at: Micros = 0
        self.handed_over = False
        self.begin_anew()

    def begin_anew(self) -> None:
        """Back to 300 baud, once what was said has left."""
        self.handed_over = False
        if self._answer is not None:
            self._answer.cancel()
        self._codec.reset()
        self._set_line_later(self._sign_on_line(300))

    def receive(self, data: bytes, at: Micros) -> bytes:
        """Octets of the sign-on; returns those that belong to HDLC."""
        if at - self._heard_at > _PAUSE:
            self._codec.reset()
        self._heard_at = at
        for event in self._codec.receive(data):
            if isinstance(event, SignOn):
                if event.address in ("", self._profile.address):
                    self._say_later(at, self._identification())
                else:
                    self._codec.reset()
            elif isinstance(event, OptionSelect):
                self._chosen(event, at)
            elif isinstance(event, OutOfTurn) and isinstance(event.message, SignOn):
                self._codec.reset()  # whoever signed on before is gone
                return self.receive(event.message.encode(), at)
            elif isinstance(event, (Corrupt, OutOfTurn)):
                self._codec.reset()
        return self._codec.surplus() if self.handed_over else b""

    def _identification(self) -> Identification:
        return Identification(self._profile.flag, self._profile.baud_code, "EMULATED", "2")

    def _chosen(self, option: OptionSelect, at: Micros) -> None:
        line = self._sign_on_line(self._codec.baud)
        # Before it answers, so that the answer goes out at the new rate.
        self._end.clock.call_at(at + self._reaction // 2, partial(self._set_line, line))
        if option.kind is Kind.OPTION_HDLC:
            self._say_later(at, option, hand_over=True)
        elif option.kind is Kind.OPTION_READOUT:
            self._say_later(at, Data(self._readout()))
        else:  # nothing here can be programmed this way
            self._codec.reset()
            self._set_line_later(self._sign_on_line(300))

    def _say_later(self, at: Micros, message: Message, *, hand_over: bool = False) -> None:
        if self._answer is not None:
            self._answer.cancel()
        self._answer = self._end.clock.call_at(
            at + self._reaction, partial(self._say, message, hand_over)
        )

    def _say(self, message: Message, hand_over: bool) -> None:
        self._end.send(self._codec.send(message))
        if hand_over:
            self.handed_over = True
            self._set_line_later(
                LineSettings(
                    self._end.line.baud,
                    self._rest.data_bits,
                    self._rest.parity,
                    self._rest.stop_bits,
                )
            )
        elif isinstance(message, Data):
            self._codec.reset()
            self._set_line_later(self._sign_on_line(300))

    def _sign_on_line(self, baud: int) -> LineSettings:
        return LineSettings(baud, 7, Parity.EVEN, 1)

    def _set_line_later(self, line: LineSettings) -> None:
        if self._change is not None:
            self._change.cancel()
        if self._end.sent_by <= self._end.clock.now():
            self._set_line(line)
        else:
            self._change = self._end.clock.call_at(self._end.sent_by, partial(self._set_line, line))

    def _set_line(self, line: LineSettings) -> None:
        self._end.line = line
