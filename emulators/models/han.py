"""The link between the hub and one device of its home area network (HAN).

No radio and no ticking: a device speaks on a fixed schedule, and when it was last heard follows
from the schedule and from when the link came up or went down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.units import Micros
from emulators.models.kept import KeptLink

if TYPE_CHECKING:
    from emulators.models.comms_hub import CommsHub
    from emulators.models.device import EmulatedDevice


class HanLink:
    """Up while the device is joined, both ends run, the device still speaks and nothing disturbs.

    `every` and `phase` say when the device speaks: at every moment t with t ≡ phase (mod every).
    `losses` counts disturbances in force, `barred` reasons why the device cannot join. Whoever
    changes one of the conditions calls `update` after it.
    """

    __slots__ = (
        "_copy_at",
        "_device",
        "_every",
        "_heard",
        "_hub",
        "_phase",
        "_up_since",
        "barred",
        "joined",
        "losses",
        "speaks",
    )

    def __init__(
        self, hub: CommsHub, device: EmulatedDevice, every: Micros, phase: Micros, now: Micros
    ) -> None:
        self._hub = hub
        self._device = device
        self._every = every
        self._phase = phase
        self.joined = True
        self.speaks = True
        self.losses = 0
        self.barred = 0
        # The installation has been running for long: the last scheduled message was heard.
        heard = now - (now - phase) % every
        self._heard: Micros | None = heard
        self._copy_at: Micros | None = heard
        self._up_since: Micros | None = heard

    @property
    def up(self) -> bool:
        return self._up_since is not None

    def next_message(self, now: Micros) -> Micros:
        """When the device speaks next by its schedule, `now` included."""
        return now + (self._phase - now) % self._every

    def last_heard(self, now: Micros) -> Micros | None:
        """When the hub last heard the device; None: never since the hub started."""
        self._settle(now)
        return self._heard

    def copy_at(self, now: Micros) -> Micros | None:
        """When the device last sent its registers; unlike `last_heard` it outlives a restart."""
        self._settle(now)
        return self._copy_at

    def update(self, now: Micros) -> None:
        """Brings the link up or down after a condition changed."""
        up = self.joined and self.speaks and not self.losses and self._hub.up and self._device.up
        if up and self._up_since is None:
            self._up_since = now
        elif not up and self._up_since is not None:
            self._settle(now)
            self._up_since = None

    def forget_heard(self) -> None:
        """The hub restarted; its table starts afresh."""
        self._heard = None

    def forget_copy(self) -> None:
        """The device left for good; the hub drops what it had of it."""
        self._heard = None
        self._copy_at = None

    def kept(self, now: Micros) -> KeptLink:
        """When the device last spoke follows from its schedule; what stands still is kept."""
        self._settle(now)
        return KeptLink(self.joined, None if self.up else self._copy_at)

    def recall(self, kept: KeptLink, now: Micros) -> None:
        """A link that is up has been so for long."""
        self.joined = kept.joined
        self.update(now)
        if not self.up:
            self._heard, self._copy_at = None, kept.copy_at

    def _settle(self, now: Micros) -> None:
        if self._up_since is None:
            return
        message = now - (now - self._phase) % self._every
        if message >= self._up_since:
            self._heard = self._copy_at = message
