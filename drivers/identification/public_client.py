"""A public-client association: what a meter tells anybody, asked without a credential.

One association request is made and no other: none with a password or a key, so that nothing here
can count towards a meter's lockout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from bench.clock import Clock
from bench.units import SECOND, Micros
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.dlms_client import ClientSettings, DlmsClient
from drivers.codecs.dlms_events import (
    AccessRefused,
    Associated,
    AssociationRefused,
    Completed,
    Event,
    Excepted,
    LateAnswer,
    Notified,
    Transmit,
)
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError
from drivers.codecs.obis import obis
from drivers.hdlc_port import HdlcPort, LinkFailed

_PASSED_BY: Final = 16
_LONGEST_VALUE: Final = 262_144
_FOR_A_LIST: Final = 120 * SECOND


class NotGiven(Exception):
    """The meter did not give the attribute; the message is what it said, or what went wrong."""


class ConnectionLost(NotGiven):
    """There is no connection any more; nothing further is asked."""


class PublicClient:
    """`port` connected for `address`. Requests that change something do not exist here."""

    def __init__(self, port: HdlcPort, clock: Clock, wait: Micros) -> None:
        self._port = port
        self._clock = clock
        self._wait = wait
        self._dlms = DlmsClient(ClientSettings(longest_value=_LONGEST_VALUE))

    def associate(self) -> Associated:
        """`NotGiven`: the meter grants no association to somebody without a credential."""
        event = self._talk(self._dlms.associate_request, self._wait)
        if isinstance(event, Associated):
            return event
        if isinstance(event, AssociationRefused):
            raise NotGiven(str(event))
        raise NotGiven(_said(event))

    def get(self, class_id: int, name: str, index: int, *, long: bool = False) -> CosemData:
        """One attribute. `long`: a list that may take its time."""
        deadline = _FOR_A_LIST if long else 2 * self._wait
        event = self._talk(lambda: self._dlms.get(class_id, obis(name), index), deadline)
        if isinstance(event, Completed):
            return cast("CosemData", event.value)  # of one attribute, not of a list of them
        raise NotGiven(_said(event))

    def _talk(self, request: Callable[[], bytes], span: Micros) -> Event:
        deadline = self._clock.now() + span
        try:
            payload = self._port.exchange(request(), deadline)
            for _ in range(_PASSED_BY + _LONGEST_VALUE // 16):
                event = self._dlms.receive_apdu(payload)
                if isinstance(event, Transmit):
                    payload = self._port.exchange(event.apdu, deadline)
                elif isinstance(event, LateAnswer | Notified):
                    payload = self._port.more(deadline)
                else:
                    return event
        except LinkFailed as failed:
            self._dlms.close()
            raise ConnectionLost(failed.detail) from None
        except RemoteProtocolError as error:
            self._port.give_up()
            self._dlms.close()
            raise ConnectionLost(f"what it answered cannot be understood: {error}") from None
        except LocalProtocolError as error:
            raise NotGiven(str(error)) from None
        self._port.give_up()
        self._dlms.close()
        raise ConnectionLost("only answers to other requests")


def _said(event: Event) -> str:
    match event:
        case AccessRefused():
            return str(event)
        case Excepted():
            return str(event.error)
        case _:
            return f"answered with {type(event).__name__}"
