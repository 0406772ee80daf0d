"""What a DLMS/COSEM client session tells its caller."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.codecs.acse import diagnostic_name
from drivers.codecs.apdu import Notification, Response
from drivers.codecs.cosem_types import CosemData
from drivers.codecs.initiate import ConfirmedServiceError, Conformance
from drivers.codecs.xdlms import AccessFailure, ExceptionResponse, access_result_name


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send this APDU and go on; nothing is decided yet."""

    apdu: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Associated:
    conformance: Conformance
    max_pdu: int
    server_title: bytes | None


@dataclass(frozen=True, slots=True)
class AssociationRefused:
    """AARE said no. `error` comes with a refused initiate."""

    result: int
    diagnostic: int
    by_provider: bool = False
    error: ConfirmedServiceError | None = None

    def __str__(self) -> str:
        reason = diagnostic_name(self.diagnostic)
        return f"association refused: {reason}" + (f" ({self.error})" if self.error else "")


@dataclass(frozen=True, slots=True)
class Completed:
    """The request succeeded. `value`: what was read or returned; None for SET.

    For `get_list` a list with a value or an `AccessFailure` for each attribute.
    """

    value: CosemData | list[CosemData | AccessFailure]


@dataclass(frozen=True, slots=True)
class AccessRefused:
    """The object refused: data-access-result or action-result."""

    code: int

    def __str__(self) -> str:
        return access_result_name(self.code)


@dataclass(frozen=True, slots=True)
class Excepted:
    """The server refused the service itself. Not authenticated, so no more than a hint."""

    error: ExceptionResponse | ConfirmedServiceError


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """An answer to another request than the open one. The open request stays open."""

    apdu: Response


@dataclass(frozen=True, slots=True)
class Notified:
    """Unsolicited; the open request stays open."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class Released:
    pass


Event = (
    Transmit
    | Associated
    | AssociationRefused
    | Completed
    | AccessRefused
    | Excepted
    | LateAnswer
    | Notified
    | Released
)
