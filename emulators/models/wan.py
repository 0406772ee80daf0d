"""The hub's wide-area link (WAN), as the hub sees it."""

from __future__ import annotations

from bench.devices import WanState


class WanLink:
    """Connected unless the network is out, there is none, the modem is dormant or the hub down.

    `sleeps`: after a start the modem is dormant until an SMS wakes it. `outages` counts outages in
    force. `messages_to_lose`: that many SMS will not arrive; `messages_to_double`: that many of
    those that do will arrive twice. `sent` counts every SMS that was sent
    and so was paid for, `wake_ups` those that arrived.
    """

    __slots__ = (
        "dormant",
        "messages_to_double",
        "messages_to_lose",
        "none",
        "outages",
        "sent",
        "sleeps",
        "wake_ups",
    )

    def __init__(self, *, sleeps: bool) -> None:
        self.sleeps = sleeps
        self.dormant = sleeps
        self.none = False
        self.outages = 0
        self.messages_to_lose = 0
        self.messages_to_double = 0
        self.sent = 0
        self.wake_ups = 0

    @property
    def available(self) -> bool:
        """Whether there is a network to register with."""
        return not self.none and not self.outages

    @property
    def connected(self) -> bool:
        return self.available and not self.dormant

    def state(self) -> WanState:
        return WanState(self.connected, self.wake_ups)

    def send_wake_up(self) -> None:
        """An SMS is sent; whether it arrives is another matter."""
        self.sent += 1
        if self.messages_to_lose:
            self.messages_to_lose -= 1
        elif self.available:
            doubled = self.messages_to_double > 0
            self.messages_to_double -= doubled
            self.wake_ups += 1 + doubled
            self.dormant = False

    def recall(self, *, dormant: bool, wake_ups: int, sent: int) -> None:
        """As it stood before the emulation was interrupted."""
        self.dormant, self.wake_ups, self.sent = dormant, wake_ups, sent

    def restart(self) -> None:
        """The modem started afresh."""
        self.dormant = self.sleeps
