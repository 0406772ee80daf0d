"""What a caller tells an HDLC link to do, and what a link tells its caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.hdlc_parameters import LinkParameters


class Ending(Enum):
    """Why there is no connection."""

    CLOSED = "closed by DISC"
    REFUSED = "SNRM answered by DM"
    NOT_CONNECTED = "the peer says it has no connection (DM)"


@dataclass(frozen=True, slots=True)
class Connect:
    """Command: send SNRM. Client only."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Command: send DISC. Client only."""


@dataclass(frozen=True, slots=True)
class Data:
    """A whole payload without its LLC header; event and command."""

    payload: bytes = field(repr=False)  # may carry a password


@dataclass(frozen=True, slots=True)
class UnnumberedData:
    """A payload in a UI frame: unacknowledged, may be lost or repeated; event and command."""

    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connected:
    """SNRM and UA have passed. `client` is who connected."""

    client: HdlcAddress
    parameters: LinkParameters


@dataclass(frozen=True, slots=True)
class Disconnected:
    ending: Ending


@dataclass(frozen=True, slots=True)
class FrameRejected:
    """FRMR was sent or received; the connection is gone. `reason`: the bits of the FRMR field."""

    by_peer: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PeerIdle:
    """The server gave the turn back without data; poll again with `retransmit`."""


Command = Connect | Disconnect | Data | UnnumberedData
Event = Connected | Disconnected | Data | UnnumberedData | FrameRejected | PeerIdle
