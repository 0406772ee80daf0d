"""Whose fault a protocol error is.

Every codec raises one of two families. `LocalProtocolError`: the caller asked for something the
protocol forbids (a GET before the association, a value that does not fit its type); the fix is in
the calling code. `RemoteProtocolError`: the peer sent something the protocol forbids; the fix, if
any, is in the device. A codec raises nothing else for any bytes a peer can send.
"""


class ProtocolError(Exception):
    """Base of both families; never raised itself."""


class LocalProtocolError(ProtocolError):
    """The caller misused the codec. The codec's state is unchanged."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol: truncated, malformed or out of turn."""


class SecurityError(RemoteProtocolError):
    """A protected message cannot be trusted: wrong tag or key, protection missing or unknown."""


class ReplayError(SecurityError):
    """An authentic message carried an invocation counter not above the newest one seen."""

    def __init__(self, received: int, newest_seen: int) -> None:
        super().__init__(
            f"invocation counter: expected above {newest_seen}, got {received} (replay)"
        )
        self.received = received
        self.newest_seen = newest_seen
