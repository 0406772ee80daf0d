"""The line between a port and an emulated DLMS meter, on which one request can come to grief."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from bench.clock import Clock
from bench.units import Micros
from drivers.codecs.hdlc import FrameKind, FrameReader, HdlcFrame
from drivers.profiles.profile import Profile
from drivers.transport.line import LineSettings
from emulators.models.meter import Meter
from emulators.wire.dlms_meter import DlmsMeter, WireEnd

_CIPHERED_GET, _CIPHERED_ACTION = 0xC8, 0xCB
_SERVICE_AT: Final = 3  # behind the LLC header
_PROOF: Final = 1
"""The first action of an association is its proof (HLS), the second the one that is meant."""


class MeterLine:
    """Stands between both; frames pass whole. One fault at a time, for the next request of its
    operation: the ciphered read itself, or the key transfer, not what leads up to it.
    """

    FAULTS: Final = frozenset(
        {
            "request-lost",
            "reply-lost",
            "reply-late",
            "reply-garbled",
            "reboot-before-commit",
            "reboot-after-commit",
            "authentication-failed",
        }
    )

    def __init__(self, end: WireEnd, model: Meter, profile: Profile) -> None:
        self._end = end
        self._model = model
        self._late: Micros = profile.timing.reply_timeout + profile.timing.quiet // 2
        self._reader = FrameReader()
        self._fault: tuple[str, int] | None = None
        self._actions = 0
        self._answered: Callable[[bytes], None] | None = None
        self.meter: DlmsMeter | None = None

    def arm(self, fault: str, operation: str) -> None:
        assert fault in self.FAULTS, f"{fault}: not one that a line can suffer"
        service = _CIPHERED_ACTION if operation == "rotate_key" else _CIPHERED_GET
        self._fault = fault, service

    # -- the meter's end of the line -------------------------------------------------------------

    @property
    def line(self) -> LineSettings:
        return self._end.line

    @line.setter
    def line(self, settings: LineSettings) -> None:
        self._end.line = settings

    @property
    def clock(self) -> Clock:
        return self._end.clock

    @property
    def sent_by(self) -> Micros:
        return self._end.sent_by

    def send(self, data: bytes) -> None:
        answered, self._answered = self._answered, None
        (answered or self._end.send)(data)

    # -- what the port hands over ----------------------------------------------------------------

    def receive(self, data: bytes, at: Micros) -> None:
        assert self.meter is not None, "a line has a meter"
        for frame in self._reader.receive(data):
            passed: HdlcFrame | None = frame
            if self._strikes(frame):
                passed = self._struck(frame)
            if passed is not None:
                self.meter.receive(passed.to_bytes(), at)

    def _strikes(self, frame: HdlcFrame) -> bool:
        if frame.kind is FrameKind.SNRM:
            self._actions = 0
        service = frame.information[_SERVICE_AT : _SERVICE_AT + 1]
        proof = service == bytes((_CIPHERED_ACTION,)) and self._actions < _PROOF
        self._actions += service == bytes((_CIPHERED_ACTION,))
        return self._fault is not None and service == bytes((self._fault[1],)) and not proof

    def _struck(self, frame: HdlcFrame) -> HdlcFrame | None:
        assert self._fault is not None, "it strikes"
        (fault, _), self._fault = self._fault, None
        if fault == "request-lost":
            return None
        if fault == "reboot-before-commit":
            self._model.restart()
            return None
        if fault == "authentication-failed":  # the last octet of the request's tag
            information = frame.information
            return replace(frame, information=information[:-1] + bytes((information[-1] ^ 1,)))
        self._answered = {
            "reply-lost": lambda octets: None,
            "reply-late": self._send_late,
            "reply-garbled": lambda octets: self._end.send(
                octets[:-4] + bytes((octets[-4] ^ 0x10,)) + octets[-3:]
            ),
            "reboot-after-commit": lambda octets: self._model.restart(),
        }[fault]
        return frame

    def _send_late(self, octets: bytes) -> None:
        self.clock.call_at(self.clock.now() + self._late, partial(self._end.send, octets))
